//! Leduc poker for two: six cards, two rounds, two raises a round. The rules are in `betting`; this is how they show.
//!
//! # Source
//! Southey et al. 2005; ids, order and strings as OpenSpiel 2.0.2's `leduc_poker`.

mod betting;

use std::any::Any;
use std::fmt;

use betting::{CALL, CARDS, FOLD, LeducState, RAISE, STARTING_MONEY};

use crate::game::same_kind;
use crate::number::push_number;
use crate::spec::Parameters;
use crate::{Action, Error, Game, Player, State};

/// How OpenSpiel prints a card that is not dealt.
const NO_CARD: i32 = -10_000;

/// `leduc_poker(players=2)`
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeducPoker;

impl LeducPoker {
    pub(crate) const NAME: &'static str = "leduc_poker";

    pub(crate) fn from_parameters(mut parameters: Parameters<'_>) -> Result<Self, Error> {
        parameters.int("players", 2, 2..=2)?;
        parameters.int("starting_player", 0, 0..=0)?;
        parameters.only("action_mapping", "False")?;
        parameters.only("suit_isomorphism", "False")?;
        parameters.finish()?;
        Ok(Self)
    }
}

impl Game for LeducPoker {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn spec(&self) -> String {
        format!("{}(players=2)", Self::NAME)
    }

    fn num_distinct_actions(&self) -> usize {
        3
    }

    fn max_utility(&self) -> f64 {
        13.0
    }

    fn new_initial_state(&self) -> Box<dyn State> {
        Box::new(LeducState::new())
    }
}

impl LeducState {
    /// What both observers' texts begin with.
    fn write_public(&self, seat: usize) -> String {
        // A full text has about 110 characters.
        let mut text = String::with_capacity(128);
        let Self { round, mover, pot, money: [a, b], .. } = self;
        for (label, number) in [
            ("[Observer: ", seat as i32),
            ("][Private: ", card_id(self.private[seat])),
            ("][Round ", *round as i32 + 1),
            ("][Player: ", mover.id()),
            ("][Pot: ", *pot),
            ("][Money: ", *a),
            (" ", *b),
        ] {
            text.push_str(label);
            push_number(number, &mut text);
        }
        if let Some(public) = self.public {
            text.push_str("][Public: ");
            push_number(public.into(), &mut text);
        }
        text.push(']');
        text
    }
}

impl State for LeducState {
    fn current_player(&self) -> Player {
        if self.over { Player::Terminal } else { self.mover }
    }

    fn legal_actions(&self, into: &mut Vec<Action>) {
        into.clear();
        if let Player::Seat(seat) = self.current_player() {
            if self.may_fold(seat) {
                into.push(FOLD);
            }
            into.push(CALL);
            if self.may_raise() {
                into.push(RAISE);
            }
        }
    }

    fn chance_outcomes(&self, into: &mut Vec<(Action, f64)>) {
        into.clear();
        if self.current_player() == Player::Chance {
            into.extend(
                (0..CARDS).filter(|&card| !self.is_dealt(card)).map(|card| (Action::from(card), 0.0)),
            );
            let p = 1.0 / into.len() as f64;
            into.iter_mut().for_each(|outcome| outcome.1 = p);
        }
    }

    fn apply(&mut self, action: Action) {
        match self.current_player() {
            Player::Chance => self.deal(u8::try_from(action).expect("a card is below 6")),
            Player::Seat(seat) => {
                let legal = match action {
                    FOLD => self.may_fold(seat),
                    CALL => true,
                    RAISE => self.may_raise(),
                    _ => false,
                };
                assert!(legal, "action {action} is not legal at {self}");
                self.bet(seat, action);
            }
            Player::Terminal => panic!("action {action} after the end of {self}"),
        }
    }

    fn action_string(&self, player: Player, action: Action) -> String {
        if player == Player::Chance {
            format!("Chance outcome:{action}")
        } else {
            action_name(action).to_owned()
        }
    }

    fn write_action(&self, player: Player, action: Action, into: &mut String) {
        match player {
            Player::Chance => into.push_str(&self.action_string(player, action)),
            _ => into.push_str(action_name(action)),
        }
    }

    fn information_state_string(&self, seat: usize) -> Option<String> {
        let mut text = self.write_public(seat);
        for (label, sequence) in ["[Round1: ", "[Round2: "].into_iter().zip(&self.sequences) {
            text.push_str(label);
            for (i, id) in sequence.iter().enumerate() {
                text.push_str(if i > 0 { " " } else { "" });
                push_number(id.into(), &mut text);
            }
            text.push(']');
        }
        Some(text)
    }

    fn observation_string(&self, seat: usize) -> Option<String> {
        let [a, b] = self.ante;
        Some(format!("{}[Ante: {a} {b}]", self.write_public(seat)))
    }

    fn returns(&self) -> [f64; 2] {
        if self.over { self.money.map(|money| f64::from(money - STARTING_MONEY)) } else { [0.0; 2] }
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

impl fmt::Display for LeducState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { round, mover, pot, money: [a, b], .. } = self;
        writeln!(f, "Round: {}\nPlayer: {}\nPot: {pot}", round + 1, mover.id())?;
        writeln!(f, "Money (player_0 player_1): {a} {b}")?;
        let [public, first, second] = [self.public, self.private[0], self.private[1]].map(card_id);
        writeln!(f, "Cards (public player_0 player_1): {public} {first} {second} ")?;
        for (i, sequence) in self.sequences.iter().enumerate() {
            let names: Vec<&str> = sequence.iter().map(|id| action_name(id.into())).collect();
            writeln!(f, "Round {} sequence: {}", i + 1, names.join(", "))?;
        }
        Ok(())
    }
}

fn card_id(card: Option<u8>) -> i32 {
    card.map_or(NO_CARD, i32::from)
}

fn action_name(action: Action) -> &'static str {
    match action {
        FOLD => "Fold",
        CALL => "Call",
        _ => "Raise",
    }
}

#[cfg(test)]
mod tests;
