//! Gin rummy for two, in seven phases from the deal to the lay-off.
//!
//! [`cards`] and [`melds`] are sets of cards as bits, [`deadwood`] searches melds, `state` is a position, `legal` says
//! what may be played there, `phases` what that does, `text` prints.
//!
//! # Source
//! Rules, ids, order and strings as OpenSpiel 2.0.2's `gin_rummy`; its ties are broken the same way.

pub mod cards;
pub mod deadwood;
mod legal;
pub mod melds;
mod phases;
mod state;
mod text;

use crate::spec::Parameters;
use crate::{Action, Error, Game, State};
use state::GinState;

/// Lay-offs and discards are card ids; the other actions follow.
const DRAW_UPCARD: Action = 52;
const DRAW_STOCK: Action = 53;
const PASS: Action = 54;
const KNOCK: Action = 55;
/// First of the ids that lay a meld.
const MELD: Action = 56;
/// The hand of the default game, and the largest allowed.
const MAX_HAND: usize = 10;
/// The sum of any hand is at most this.
const MAX_DEADWOOD: i32 = 98;

/// `gin_rummy(hand_size=…,knock_card=…,…)`
#[derive(Clone, Copy, Debug)]
pub(crate) struct GinRummy {
    rules: Rules,
}

/// Parameters of a variant.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rules {
    /// Cards dealt to each player.
    hand_size: u8,
    /// Deadwood with which one may knock.
    knock_card: i32,
    /// The first upcard sets the knock card.
    oklahoma: bool,
    /// For a knock without deadwood.
    gin_bonus: i32,
    /// For the opponent of a knocker who has more deadwood.
    undercut_bonus: i32,
}

impl GinRummy {
    pub(crate) const NAME: &'static str = "gin_rummy";

    pub(crate) fn from_parameters(mut parameters: Parameters<'_>) -> Result<Self, Error> {
        let rules = Rules {
            hand_size: parameters.int("hand_size", MAX_HAND as i32, 1..=MAX_HAND as i32)? as u8,
            knock_card: parameters.int("knock_card", 10, 0..=10)?,
            oklahoma: parameters.flag("oklahoma", false)?,
            gin_bonus: parameters.int("gin_bonus", 25, 0..=1000)?,
            undercut_bonus: parameters.int("undercut_bonus", 25, 0..=1000)?,
        };
        parameters.int("num_ranks", 13, 13..=13)?;
        parameters.int("num_suits", 4, 4..=4)?;
        parameters.finish()?;
        Ok(Self { rules })
    }
}

impl Game for GinRummy {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn spec(&self) -> String {
        let Rules { hand_size, knock_card, oklahoma, gin_bonus, undercut_bonus } = self.rules;
        let mut text = format!("{}(", Self::NAME);
        if gin_bonus != 25 {
            text += &format!("gin_bonus={gin_bonus},");
        }
        text += &format!("hand_size={hand_size},knock_card={knock_card}");
        if oklahoma {
            text += ",oklahoma=True";
        }
        if undercut_bonus != 25 {
            text += &format!(",undercut_bonus={undercut_bonus}");
        }
        text + ")"
    }

    fn num_distinct_actions(&self) -> usize {
        usize::from(MELD) + melds::COUNT
    }

    fn max_utility(&self) -> f64 {
        f64::from(MAX_DEADWOOD + self.rules.gin_bonus)
    }

    fn new_initial_state(&self) -> Box<dyn State> {
        Box::new(GinState::new(self.rules))
    }
}

#[cfg(test)]
mod tests;
