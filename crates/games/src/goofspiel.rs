//! Goofspiel for two: each round both seats bid a card of their hand for a prize; the higher bid takes it.
//!
//! `state` is a position, `text` prints it. Prizes come in random order, a tie is nobody's, and the last card of each
//! hand is played without asking. The states ask seat 0 first and seat 1 second, and show neither the other's bid.
//! OpenSpiel has the game in two forms, which differ in their texts only: as it is, where the seats move at once, and
//! wrapped into turns. An action is the bid minus one.
//!
//! # Source
//! Ids, order and strings as OpenSpiel 2.0.2's `goofspiel` and `turn_based_simultaneous_game`.

mod state;
mod text;

use crate::spec::Parameters;
use crate::{Error, Game, State};
use state::GoofspielState;

/// Hands fit a word of 16 bits; the sidecar's largest game has as many cards.
const MAX_CARDS: usize = 16;

/// `goofspiel(…)` or `turn_based_simultaneous_game(game=goofspiel(…))`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goofspiel {
    rules: Rules,
}

/// Parameters of a variant.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rules {
    /// Of each hand, and of the prizes.
    cards: u8,
    /// `imp_info`: the other's hand is not shown.
    hides_hands: bool,
    form: Form,
}

/// Which of OpenSpiel's games it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The seats move at once.
    Simultaneous,
    /// One after the other.
    Turns,
}

impl Goofspiel {
    pub(crate) const NAME: &'static str = "goofspiel";
    /// What OpenSpiel calls a game that is wrapped into turns.
    pub(crate) const IN_TURNS: &'static str = "turn_based_simultaneous_game";

    pub(crate) fn from_parameters(mut parameters: Parameters<'_>, form: Form) -> Result<Self, Error> {
        let cards = parameters.int("num_cards", 13, 2..=MAX_CARDS as i32)? as u8;
        let hides_hands = parameters.flag("imp_info", false)?;
        parameters.int("players", 2, 2..=2)?;
        parameters.int("num_turns", -1, -1..=-1)?;
        parameters.only("egocentric", "False")?;
        parameters.only("points_order", "random")?;
        parameters.only("returns_type", "win_loss")?;
        parameters.finish()?;
        Ok(Self { rules: Rules { cards, hides_hands, form } })
    }
}

impl Game for Goofspiel {
    fn name(&self) -> &'static str {
        match self.rules.form {
            Form::Simultaneous => Self::NAME,
            Form::Turns => Self::IN_TURNS,
        }
    }

    fn spec(&self) -> String {
        let Rules { cards, hides_hands, form } = self.rules;
        let hides_hands = if hides_hands { "True" } else { "False" };
        match form {
            Form::Simultaneous => format!("{}(imp_info={hides_hands},num_cards={cards})", Self::NAME),
            // Wrapped, OpenSpiel prints all parameters.
            Form::Turns => format!(
                "{}(game={}(egocentric=False,imp_info={hides_hands},num_cards={cards},num_turns=-1,players=2,\
                 points_order=random,returns_type=win_loss))",
                Self::IN_TURNS,
                Self::NAME
            ),
        }
    }

    fn num_distinct_actions(&self) -> usize {
        usize::from(self.rules.cards)
    }

    fn max_utility(&self) -> f64 {
        1.0
    }

    fn is_simultaneous(&self) -> bool {
        self.rules.form == Form::Simultaneous
    }

    fn new_initial_state(&self) -> Box<dyn State> {
        Box::new(GoofspielState::new(self.rules))
    }
}

#[cfg(test)]
mod tests;
