//! Gin rummy: a player by games played on from the turn, a fast one by expected deadwood, and bots to measure them.
//!
//! Match play counts who wins, not by how much. A player that has not knocked yet holds more than the knock card
//! allows, so whoever may knock nearly always wins by it: the game is a race. `race` chooses draws and discards by how
//! soon, and how low, they let one knock; `playouts` plays each of them on against hands that fit what is seen
//! (`sampling`, `table`) and takes what wins most. In the end melds and lay-offs are searched in full.

mod bots;
mod end;
mod facts;
mod playouts;
mod race;
mod sampling;
mod table;

use std::sync::Arc;

use games::Action;
use games::gin_rummy::cards::CardSet;
use schema::{MatchMove, MatchView};

use crate::{Error, Player};
use facts::{Facts, Phase};

const DRAW_UPCARD: Action = 52;
const DRAW_STOCK: Action = 53;
const PASS: Action = 54;
const KNOCK: Action = 55;
/// First of the ids that lay a meld.
const MELD: Action = 56;

/// How much is played on from a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Games that a move is played in, if it is not given up before; 0 asks the racer alone.
    pub playouts: u32,
}

impl Default for Budget {
    /// A few milliseconds a turn.
    fn default() -> Self {
        Self { playouts: 800 }
    }
}

/// Plays on within a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Teacher {
    race: race::Weights,
    budget: Budget,
}

impl Teacher {
    /// A teacher that plays so much for each move.
    pub fn within(budget: Budget) -> Self {
        Self { budget, ..Self::default() }
    }

    /// A fast teacher that plays nothing on.
    pub const fn racer() -> Self {
        Self { race: race::Weights::DEFAULT, budget: Budget { playouts: 0 } }
    }

    fn action(&self, facts: &Facts, seed: u64) -> Action {
        let race = race::Race::new(facts, self.race);
        match facts.phase {
            Phase::FirstUpcard | Phase::Draw | Phase::Discard if self.budget.playouts > 0 => {
                playouts::best(facts, &race, self.budget.playouts, seed)
            }
            Phase::FirstUpcard | Phase::Draw => {
                let take = facts.may(DRAW_UPCARD) && race.takes_upcard();
                if take { DRAW_UPCARD } else { facts.first_of(&[DRAW_STOCK, PASS]) }
            }
            // Both sides know that the other could not knock: to wait gives the race away.
            Phase::Discard | Phase::Wall if facts.may(KNOCK) => KNOCK,
            Phase::Discard => Action::from(race.discard()),
            Phase::Wall => PASS,
            Phase::Knock | Phase::Layoff => end::action(facts, end::LayOffs::Best),
        }
    }
}

impl Player for Teacher {
    fn name(&self) -> String {
        "gin_rummy/teacher".to_owned()
    }

    fn answer(&self, view: &MatchView, _draw: f64) -> Result<MatchMove, Error> {
        answer(view, |facts| self.action(facts, crate::text_seed(&view.state)))
    }
}

/// The only legal action, or what `choose` says.
fn answer(view: &MatchView, choose: impl Fn(&Facts) -> Action) -> Result<MatchMove, Error> {
    match view.legal.as_slice() {
        [] => Err(Error::NothingLegal { game: view.game.clone() }),
        [(only, _)] => Ok(MatchMove::plain(*only)),
        _ => Ok(MatchMove::plain(choose(&Facts::read(view)?))),
    }
}

/// The bot of this name, without the game's.
pub(crate) fn bot(name: &str) -> Option<Arc<dyn Player>> {
    match name {
        "simple" => Some(Arc::new(bots::Bot::Simple)),
        "public" => Some(Arc::new(bots::Bot::Public)),
        _ => None,
    }
}

/// What is left of a hand without its best melds.
fn leftover(hand: CardSet) -> CardSet {
    hand.without(games::gin_rummy::deadwood::best_group(hand))
}

#[cfg(test)]
mod tests;
