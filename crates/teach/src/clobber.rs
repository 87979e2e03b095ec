//! Clobber: alpha-beta on what the turn shows, exact as soon as the budget reaches the end.
//!
//! Nobody is ahead in moves here: two neighbours of different colours give each side one. `board` guesses by stones
//! that can still take part; who wins is decided by searching to the end, for which stones that nobody can reach any
//! more are forgotten, so that more positions are the same one.

mod board;

use std::sync::Arc;

use schema::{MatchMove, MatchView};

use crate::alpha_beta::{Position, SearchBudget, WON, best, hardest};
use crate::{Error, Player};
use board::Stones;

const GAME: &str = "clobber";
/// For each reply in a lost position.
const REPLY: SearchBudget = SearchBudget { positions: 1_000, table: 1 << 9 };

/// Searches within a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Teacher {
    budget: SearchBudget,
}

impl Default for Teacher {
    /// Up to twenty milliseconds a move, less as soon as the end is reached.
    fn default() -> Self {
        Self::within(SearchBudget { positions: 200_000, table: 1 << 16 })
    }
}

impl Teacher {
    /// A teacher that searches so much for each move.
    pub fn within(budget: SearchBudget) -> Self {
        Self { budget }
    }
}

impl Player for Teacher {
    fn name(&self) -> String {
        "clobber/teacher".to_owned()
    }

    fn answer(&self, view: &MatchView, _draw: f64) -> Result<MatchMove, Error> {
        crate::answer_legal(GAME, view, || {
            let stones = Stones::read(view)?;
            Ok(match best(&stones, self.budget) {
                Some(found) if found.value <= -WON => hardest(&stones, REPLY),
                found => found.map(|found| found.action),
            })
        })
    }
}

/// Leaves what looks best after one move.
struct Greedy;

impl Player for Greedy {
    fn name(&self) -> String {
        "clobber/greedy".to_owned()
    }

    fn answer(&self, view: &MatchView, _draw: f64) -> Result<MatchMove, Error> {
        crate::answer_legal(GAME, view, || {
            let mut steps = Vec::new();
            Stones::read(view)?.moves(&mut steps);
            Ok(steps
                .iter()
                .max_by_key(|step| (step.promise, std::cmp::Reverse(step.action)))
                .map(|step| step.action))
        })
    }
}

/// The bot of this name, without the game's.
pub(crate) fn bot(name: &str) -> Option<Arc<dyn Player>> {
    (name == "greedy").then(|| Arc::new(Greedy) as Arc<dyn Player>)
}

#[cfg(test)]
mod tests;
