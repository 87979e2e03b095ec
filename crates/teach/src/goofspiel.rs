//! Goofspiel with hidden hands: the bid that wins most often against a population of bidders, by playing on from here.
//!
//! A turn shows the prize, the prizes that are left, the points, the own hand and who won each round, but no bid of the
//! past. `facts` reads it, `deal` draws hands of the opponent that fit it, `bidders` are rules of thumb. The teacher
//! plays every bid against the same draws of hand, prizes and bidder, and takes the one that wins most. What counts is
//! having more points in the end, so the search is over wins, not over points.

mod bidders;
mod deal;
mod facts;
mod playout;

use std::sync::Arc;

use games::Action;
use games::rng::FastRng;
use schema::{MatchMove, MatchView};

use crate::{Error, Player};
use bidders::Bidder;
use facts::Facts;

const GAME: &str = "goofspiel";

/// How much is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Games that each bid is played in.
    pub playouts: u32,
}

impl Default for Budget {
    /// About a millisecond a bid.
    fn default() -> Self {
        Self { playouts: 400 }
    }
}

/// Plays on within a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Teacher {
    budget: Budget,
}

impl Teacher {
    /// A teacher that plays so much for each bid.
    pub fn within(budget: Budget) -> Self {
        Self { budget }
    }
}

impl Player for Teacher {
    fn name(&self) -> String {
        "goofspiel/teacher".to_owned()
    }

    fn answer(&self, view: &MatchView, _draw: f64) -> Result<MatchMove, Error> {
        crate::answer_legal(GAME, view, || {
            let facts = Facts::read(view)?;
            let seed = crate::text_seed(&view.state);
            Ok(Some(playout::best_bid(&facts, self.budget.playouts, seed)))
        })
    }
}

/// Bids by a rule of thumb.
struct Bot {
    name: &'static str,
    bidder: Bidder,
}

impl Player for Bot {
    fn name(&self) -> String {
        format!("{GAME}/{}", self.name)
    }

    fn answer(&self, view: &MatchView, draw: f64) -> Result<MatchMove, Error> {
        crate::answer_legal(GAME, view, || {
            let facts = Facts::read(view)?;
            let mut rng = FastRng::new(draw.to_bits());
            Ok(Some(Action::from(self.bidder.bid(facts.hand, facts.prize, facts.prizes, &mut rng))))
        })
    }
}

/// The bot of this name, without the game's.
pub(crate) fn bot(name: &str) -> Option<Arc<dyn Player>> {
    let (name, bidder) = match name {
        "match-prize" => ("match-prize", Bidder::SAME),
        "over-prize" => ("over-prize", Bidder::OVER),
        _ => return None,
    };
    Some(Arc::new(Bot { name, bidder }))
}

#[cfg(test)]
mod tests;
