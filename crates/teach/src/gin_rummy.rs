//! Gin rummy: a player by expected deadwood after the next draw, and the bots it is measured against.
//!
//! Match play counts who wins, not by how much. A player that has not knocked yet holds more than the knock card
//! allows, so whoever may knock nearly always wins by it: the game is a race, and the teacher chooses draws and
//! discards by how soon, and how low, they let it knock. In the end melds and lay-offs are searched in full.

mod bots;
mod end;
mod facts;
mod race;

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

/// The racer, with the figures it weighs by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Teacher {
    race: race::Weights,
}

impl Teacher {
    fn action(&self, facts: &Facts) -> Action {
        let race = race::Race::new(facts, self.race);
        match facts.phase {
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
        answer(view, |facts| self.action(facts))
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
