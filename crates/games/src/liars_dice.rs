//! Liar's dice for two, one to five dice each, two to six sides; the highest face is wild.
//!
//! Bids must rise in quantity, or in face at the same quantity ("reset-face"). One round: nobody loses dice.
//!
//! # Source
//! Ids, order and strings as OpenSpiel 2.0.2's `liars_dice`.

use std::any::Any;
use std::fmt;

use crate::game::same_kind;
use crate::number::push_number;
use crate::spec::Parameters;
use crate::{Action, Error, Game, Player, State};

const MAX_DICE: usize = 5;
/// How OpenSpiel prints a die that is not rolled.
const NOT_ROLLED: i32 = -1;

/// `liars_dice(dice_sides=…,numdice=…,players=2)`
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiarsDice {
    rules: Rules,
}

/// Sizes of a variant.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rules {
    /// Of each player.
    dice: u8,
    sides: u8,
}

impl Rules {
    /// The id after the last bid; at most 60, so that all bids fit one word.
    fn liar(self) -> Action {
        2 * Action::from(self.dice) * Action::from(self.sides)
    }

    fn bid(self, action: Action) -> (u8, u8) {
        let sides = Action::from(self.sides);
        ((action / sides) as u8 + 1, (action % sides) as u8 + 1)
    }

    fn write_bid(self, action: Action, into: &mut String) {
        let (quantity, face) = self.bid(action);
        push_number(quantity.into(), into);
        into.push('-');
        push_number(face.into(), into);
    }
}

impl LiarsDice {
    pub(crate) const NAME: &'static str = "liars_dice";

    pub(crate) fn from_parameters(mut parameters: Parameters<'_>) -> Result<Self, Error> {
        parameters.int("players", 2, 2..=2)?;
        let dice = parameters.int("numdice", 1, 1..=MAX_DICE as i32)? as u8;
        let sides = parameters.int("dice_sides", 6, 2..=6)? as u8;
        parameters.only("bidding_rule", "reset-face")?;
        parameters.finish()?;
        Ok(Self { rules: Rules { dice, sides } })
    }
}

impl Game for LiarsDice {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn spec(&self) -> String {
        let Rules { dice, sides } = self.rules;
        let sides = if sides == 6 { String::new() } else { format!("dice_sides={sides},") };
        format!("{}({sides}numdice={dice},players=2)", Self::NAME)
    }

    fn num_distinct_actions(&self) -> usize {
        usize::from(self.rules.liar()) + 1
    }

    fn max_utility(&self) -> f64 {
        1.0
    }

    fn new_initial_state(&self) -> Box<dyn State> {
        let dice = [[0; MAX_DICE]; 2];
        Box::new(LiarsState { rules: self.rules, dice, rolled: 0, bids: 0, called: false })
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct LiarsState {
    rules: Rules,
    /// Faces from 1; 0 is not rolled yet.
    dice: [[u8; MAX_DICE]; 2],
    rolled: u8,
    /// Bids so far, one bit each: they only rise, so their order is known.
    bids: u64,
    called: bool,
}

impl LiarsState {
    fn dice(&self, seat: usize) -> &[u8] {
        &self.dice[seat][..usize::from(self.rules.dice)]
    }

    fn is_rolling(&self) -> bool {
        self.rolled < 2 * self.rules.dice
    }

    fn roller(&self) -> usize {
        usize::from(self.rolled / self.rules.dice)
    }

    /// The lowest bid that is still higher than the current one.
    fn next_bid(&self) -> Action {
        (u64::BITS - self.bids.leading_zeros()) as Action
    }

    fn roll(&mut self, face: u8) {
        let (seat, at) = (self.roller(), usize::from(self.rolled % self.rules.dice));
        self.dice[seat][at] = face;
        self.rolled += 1;
        if !self.is_rolling() {
            let dice = usize::from(self.rules.dice);
            self.dice.iter_mut().for_each(|hand| hand[..dice].sort_unstable());
        }
    }

    /// True if the current bid holds.
    fn bid_holds(&self) -> bool {
        let (quantity, face) = self.rules.bid(self.next_bid() - 1);
        let all = self.dice(0).iter().chain(self.dice(1));
        all.filter(|&&die| die == face || die == self.rules.sides).count() >= usize::from(quantity)
    }

    fn write_dice(&self, seat: usize, into: &mut String) {
        for &die in self.dice(seat) {
            push_number(if die == 0 { NOT_ROLLED } else { die.into() }, into);
        }
    }

    fn write_bids(&self, into: &mut String) {
        let mut bids = self.bids;
        while bids != 0 {
            into.push(' ');
            self.rules.write_bid(bids.trailing_zeros() as Action, into);
            bids &= bids - 1;
        }
        if self.called {
            into.push_str(" Liar");
        }
    }
}

impl State for LiarsState {
    fn current_player(&self) -> Player {
        match (self.is_rolling(), self.called) {
            (true, _) => Player::Chance,
            (_, true) => Player::Terminal,
            _ => Player::Seat(self.bids.count_ones() as usize % 2),
        }
    }

    fn legal_actions(&self, into: &mut Vec<Action>) {
        into.clear();
        if let Player::Seat(_) = self.current_player() {
            // "Liar" is the id after the last bid, and needs a bid.
            into.extend(self.next_bid()..self.rules.liar() + Action::from(self.bids != 0));
        }
    }

    fn chance_outcomes(&self, into: &mut Vec<(Action, f64)>) {
        into.clear();
        if self.is_rolling() {
            let p = 1.0 / f64::from(self.rules.sides);
            into.extend((0..self.rules.sides).map(|side| (side.into(), p)));
        }
    }

    fn apply(&mut self, action: Action) {
        let liar = self.rules.liar();
        match self.current_player() {
            Player::Chance => {
                assert!(action < self.rules.sides.into(), "outcome {action} is not on the die at {self}");
                self.roll(action as u8 + 1);
            }
            Player::Seat(_) if action == liar && self.bids != 0 => self.called = true,
            Player::Seat(_) => {
                assert!((self.next_bid()..liar).contains(&action), "action {action} is not legal at {self}");
                self.bids |= 1 << action;
            }
            Player::Terminal => panic!("action {action} after the end of {self}"),
        }
    }

    fn action_string(&self, player: Player, action: Action) -> String {
        if player == Player::Chance {
            format!("Roll {}", action + 1)
        } else {
            let mut text = String::new();
            self.write_action(player, action, &mut text);
            text
        }
    }

    fn write_action(&self, player: Player, action: Action, into: &mut String) {
        if player == Player::Chance {
            into.push_str(&self.action_string(player, action));
        } else if action == self.rules.liar() {
            into.push_str("Liar");
        } else {
            self.rules.write_bid(action, into);
        }
    }

    fn information_state_string(&self, seat: usize) -> Option<String> {
        let mut text = String::with_capacity(64);
        self.write_dice(seat, &mut text);
        self.write_bids(&mut text);
        Some(text)
    }

    fn observation_string(&self, _seat: usize) -> Option<String> {
        None
    }

    fn returns(&self) -> [f64; 2] {
        if !self.called {
            return [0.0; 2];
        }
        // Seat 0 makes the first bid, so the last bidder follows from the number of bids.
        let first_bid_last = self.bids.count_ones() % 2 == 1;
        if self.bid_holds() == first_bid_last { [1.0, -1.0] } else { [-1.0, 1.0] }
    }

    fn clone_box(&self) -> Box<dyn State> {
        Box::new(*self)
    }

    fn copy_from(&mut self, other: &dyn State) {
        *self = *same_kind(other);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl fmt::Display for LiarsState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write_dice(0, &mut text);
        text.push(' ');
        self.write_dice(1, &mut text);
        if self.is_rolling() {
            return write!(f, "{text} - chance node, current roller is player {}", self.roller());
        }
        self.write_bids(&mut text);
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests;
