//! Kuhn poker for two: three cards, one round, one bet.
//!
//! # Source
//! Kuhn 1950; ids, order and strings as OpenSpiel 2.0.2's `kuhn_poker`.

use std::any::Any;
use std::fmt;

use crate::game::same_kind;
use crate::spec::Parameters;
use crate::{Action, Error, Game, Player, State};

const PASS: Action = 0;
const BET: Action = 1;
const CARDS: u8 = 3;

/// `kuhn_poker(players=2)`
#[derive(Clone, Copy, Debug)]
pub(crate) struct KuhnPoker;

impl KuhnPoker {
    pub(crate) const NAME: &'static str = "kuhn_poker";

    pub(crate) fn from_parameters(mut parameters: Parameters<'_>) -> Result<Self, Error> {
        parameters.int("players", 2, 2..=2)?;
        parameters.finish()?;
        Ok(Self)
    }
}

impl Game for KuhnPoker {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn spec(&self) -> String {
        format!("{}(players=2)", Self::NAME)
    }

    fn num_distinct_actions(&self) -> usize {
        2
    }

    fn max_utility(&self) -> f64 {
        2.0
    }

    fn new_initial_state(&self) -> Box<dyn State> {
        Box::new(KuhnState::default())
    }
}

/// The cards dealt, then passes and bets: five actions at most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct KuhnState {
    history: [u8; 5],
    len: u8,
}

impl KuhnState {
    fn history(&self) -> &[u8] {
        &self.history[..usize::from(self.len)]
    }

    fn bets(&self) -> &[u8] {
        self.history().get(2..).unwrap_or_default()
    }

    fn private_card(&self, seat: usize) -> Option<u8> {
        self.history().get(seat).copied()
    }

    fn has_bet(&self, seat: usize) -> bool {
        self.bets().iter().skip(seat).step_by(2).any(|&action| Action::from(action) == BET)
    }

    fn is_over(&self) -> bool {
        matches!(self.bets(), [0, 0] | [1, _] | [0, 1, _])
    }

    fn bet_letters(&self) -> impl Iterator<Item = char> {
        self.bets().iter().map(|&action| if Action::from(action) == BET { 'b' } else { 'p' })
    }
}

impl State for KuhnState {
    fn current_player(&self) -> Player {
        match self.len {
            0 | 1 => Player::Chance,
            _ if self.is_over() => Player::Terminal,
            len => Player::Seat(usize::from(len % 2)),
        }
    }

    fn legal_actions(&self, into: &mut Vec<Action>) {
        into.clear();
        if let Player::Seat(_) = self.current_player() {
            into.extend([PASS, BET]);
        }
    }

    fn chance_outcomes(&self, into: &mut Vec<(Action, f64)>) {
        into.clear();
        if self.current_player() == Player::Chance {
            let p = 1.0 / f64::from(CARDS - self.len);
            into.extend(
                (0..CARDS).filter(|card| !self.history().contains(card)).map(|card| (card.into(), p)),
            );
        }
    }

    fn apply(&mut self, action: Action) {
        match self.current_player() {
            Player::Chance => {
                let free = action < CARDS.into() && !self.history().contains(&(action as u8));
                assert!(free, "card {action} cannot be dealt at {self}");
            }
            Player::Seat(_) => assert!(action <= BET, "action {action} is not legal at {self}"),
            Player::Terminal => panic!("action {action} after the end of {self}"),
        }
        self.history[usize::from(self.len)] = action as u8;
        self.len += 1;
    }

    fn action_string(&self, player: Player, action: Action) -> String {
        match (player, action) {
            (Player::Chance, _) => format!("Deal:{action}"),
            (_, PASS) => "Pass".to_owned(),
            _ => "Bet".to_owned(),
        }
    }

    fn information_state_string(&self, seat: usize) -> Option<String> {
        let mut text = self.private_card(seat).map(|card| card.to_string()).unwrap_or_default();
        text.extend(self.bet_letters());
        Some(text)
    }

    fn observation_string(&self, seat: usize) -> Option<String> {
        let text = self.private_card(seat).map(|card| {
            let [a, b] = [0, 1].map(|seat| 1 + u8::from(self.has_bet(seat)));
            format!("{card}{a}{b}")
        });
        Some(text.unwrap_or_default())
    }

    fn returns(&self) -> [f64; 2] {
        if !self.is_over() {
            return [0.0; 2];
        }
        let bet = [0, 1].map(|seat| self.has_bet(seat));
        // A single bet was passed on and wins; otherwise the higher card does.
        let first_wins = if bet[0] == bet[1] { self.history[0] > self.history[1] } else { bet[0] };
        let stake = if bet[0] && bet[1] { 2.0 } else { 1.0 };
        if first_wins { [stake, -stake] } else { [-stake, stake] }
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

impl fmt::Display for KuhnState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dealt = &self.history()[..self.history().len().min(2)];
        for (i, card) in dealt.iter().enumerate() {
            write!(f, "{}{card}", if i > 0 { " " } else { "" })?;
        }
        if !self.bets().is_empty() {
            f.write_str(" ")?;
        }
        self.bet_letters().try_for_each(|letter| write!(f, "{letter}"))
    }
}

#[cfg(test)]
mod tests;
