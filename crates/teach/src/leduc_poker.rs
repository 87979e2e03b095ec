//! Leduc poker: a table of moves, solved on the whole tree, and rules of thumb to play against.
//!
//! In match play folding is a certain loss and the pot counts for nothing, so the strongest player there never folds;
//! against players who do not fold either it scores exactly one half, and nobody scores more. What is left to choose
//! is when to raise. For chips the teacher is the CFR+ equilibrium.

mod facts;
mod population;
mod response;
mod tree;

use std::collections::HashMap;
use std::sync::Arc;

use schema::{MatchMove, MatchView};

use crate::{Error, Player, Utility};
use facts::{Facts, Weights, pick};

/// Iterations of CFR+: exploitability of about 0.003 chips.
const ITERATIONS: usize = 300;

/// A table of moves for everything that a seat can see, with and without the betting so far.
#[derive(Clone, Debug)]
pub struct Teacher {
    utility: Utility,
    moves: HashMap<Facts, Weights>,
    measured: Vec<Measured>,
}

/// What the exact enumeration says of a teacher against one opponent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The opponent.
    pub opponent: &'static str,
    /// Wins and half of the draws, mean of both seats, where the text shows the betting.
    pub shown: f64,
    /// The same where it does not.
    pub hidden: f64,
}

impl Teacher {
    /// Enumerates the game and solves it for `utility`, in about a second.
    ///
    /// # Errors
    /// [`Error::Game`] cannot happen for the rules as they are.
    pub fn solve(utility: Utility) -> Result<Self, Error> {
        // The chip equilibrium is one of those whom both teachers are measured against.
        let (tree, equilibrium) = tree::with_equilibrium(Utility::Returns, ITERATIONS)?;
        let population = population::reference(&tree, &equilibrium);
        let moves = match utility {
            Utility::Outcome => response::solve(&tree, &population),
            Utility::Returns => tree.summarise(&tree.strategy(&equilibrium)),
        };
        let [shown, hidden] = [tree::FactsKind::Shown, tree::FactsKind::Hidden].map(|kind| {
            let own = tree.strategy_of_table(&moves, kind);
            population.iter().map(|member| tree.score(&own, &member.strategy)).collect::<Vec<f64>>()
        });
        let measured = population.iter().zip(shown.into_iter().zip(hidden));
        let measured = measured
            .map(|(member, (shown, hidden))| Measured { opponent: member.name, shown, hidden })
            .collect();
        Ok(Self { utility, moves, measured })
    }

    /// Exact scores in match play against the reference population: uniform play, random play without folding, always
    /// raise, the chip equilibrium mixed and by its likeliest moves, a tight player, and a rule by cards.
    pub fn measured(&self) -> &[Measured] {
        &self.measured
    }
}

impl Player for Teacher {
    fn name(&self) -> String {
        match self.utility {
            Utility::Outcome => "leduc_poker/teacher".to_owned(),
            Utility::Returns => "leduc_poker/equilibrium".to_owned(),
        }
    }

    fn answer(&self, view: &MatchView, draw: f64) -> Result<MatchMove, Error> {
        let facts = Facts::read(view)?;
        let weights = self.moves.get(&facts).ok_or_else(|| facts::unreadable(view, "a hand that can be"))?;
        Ok(MatchMove::plain(pick(weights, draw)))
    }
}

/// Weights of the actions by what a seat sees.
type Rule = fn(&Facts) -> Weights;

/// A player by a rule.
struct Bot {
    name: &'static str,
    rule: Rule,
}

impl Player for Bot {
    fn name(&self) -> String {
        format!("leduc_poker/{}", self.name)
    }

    fn answer(&self, view: &MatchView, draw: f64) -> Result<MatchMove, Error> {
        Ok(MatchMove::plain(pick(&(self.rule)(&Facts::read(view)?), draw)))
    }
}

/// The bot of this name, without the game's.
pub(crate) fn bot(name: &str) -> Option<Arc<dyn Player>> {
    let (name, rule) = population::RULES.into_iter().find(|(known, _)| *known == name)?;
    Some(Arc::new(Bot { name, rule }))
}

#[cfg(test)]
mod tests;
