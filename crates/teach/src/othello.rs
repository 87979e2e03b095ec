//! Othello: alpha-beta on what the turn shows, exact when few squares are left.
//!
//! `board` is a position and its moves, `worth` what it looks like to its mover.

mod board;
mod worth;

use std::sync::Arc;

use schema::{MatchMove, MatchView};

use crate::alpha_beta::{Position, SearchBudget, best};
use crate::{Error, Player};
use board::Board;

const GAME: &str = "othello";

/// Searches within a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Teacher {
    budget: SearchBudget,
}

impl Default for Teacher {
    /// A few milliseconds a move; about the last eleven squares are searched to the end.
    fn default() -> Self {
        Self::within(SearchBudget { positions: 10_000, table: 1 << 14 })
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
        "othello/teacher".to_owned()
    }

    fn answer(&self, view: &MatchView, _draw: f64) -> Result<MatchMove, Error> {
        crate::answer_legal(GAME, view, || {
            let board = Board::read(view)?;
            Ok(best(&board, self.budget).map(|found| found.action))
        })
    }
}

/// Turns over as many discs as it can.
struct Greedy;

impl Player for Greedy {
    fn name(&self) -> String {
        "othello/greedy".to_owned()
    }

    fn answer(&self, view: &MatchView, _draw: f64) -> Result<MatchMove, Error> {
        crate::answer_legal(GAME, view, || {
            let mut steps = Vec::new();
            Board::read(view)?.moves(&mut steps);
            let most =
                steps.iter().max_by_key(|step| (step.after.discs_of_other(), std::cmp::Reverse(step.action)));
            Ok(most.map(|step| step.action))
        })
    }
}

/// The bot of this name, without the game's.
pub(crate) fn bot(name: &str) -> Option<Arc<dyn Player>> {
    (name == "greedy").then(|| Arc::new(Greedy) as Arc<dyn Player>)
}

#[cfg(test)]
mod tests;
