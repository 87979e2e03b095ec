//! Exact figures of a policy in a game small enough to be enumerated.
//!
//! The policy is asked at every information set, with the prompt that it would get there, so that what is measured is
//! the player and not a sample of its games.

use std::sync::Arc;

use games::best_response::{expected_value, nash_conv};
use games::{Game, GameTree, TabularPolicy, cfr};
use serde::Serialize;

use crate::card_sensitivity;

/// Iterations of CFR+ for the opponent that values are measured against: exploitability of about 0.003 in leduc_poker.
const CFR_ITERATIONS: usize = 300;

/// What can be computed about a policy without playing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ExactFigures {
    /// Return per game against uniform play, mean of both seats.
    pub value_vs_uniform: f64,
    /// Return per game against CFR+, mean of both seats.
    pub value_vs_cfr: f64,
    /// What the best opponents win against it, summed over seats; 0 is an equilibrium.
    pub nash_conv: f64,
    /// [`card_sensitivity`].
    pub card_sensitivity: f64,
}

impl ExactFigures {
    /// Half of NashConv.
    pub fn exploitability(&self) -> f64 {
        self.nash_conv / 2.0
    }
}

/// A game with its tree and a near-equilibrium to compare with.
#[derive(Debug)]
pub struct ExactGame {
    game: Arc<dyn Game>,
    tree: GameTree,
    equilibrium: TabularPolicy,
}

impl ExactGame {
    /// Enumerates and solves the game named by an OpenSpiel string; half a second for leduc_poker.
    ///
    /// # Errors
    /// If there is no such game, or it is too large to be enumerated.
    pub fn new(spec: &str) -> Result<Self, games::Error> {
        let game = games::load_game(spec)?;
        let tree = GameTree::new(game.as_ref())?;
        let mut solver = cfr::CfrPlus::new(&tree);
        solver.run(CFR_ITERATIONS);
        let equilibrium = solver.average_policy();
        Ok(Self { game, tree, equilibrium })
    }

    /// The rules.
    pub fn game(&self) -> &dyn Game {
        self.game.as_ref()
    }

    /// All nodes.
    pub fn tree(&self) -> &GameTree {
        &self.tree
    }

    /// The CFR+ average policy.
    pub fn equilibrium(&self) -> &TabularPolicy {
        &self.equilibrium
    }

    /// Measures a policy.
    pub fn figures(&self, policy: &TabularPolicy) -> ExactFigures {
        ExactFigures {
            value_vs_uniform: self.value(policy, &TabularPolicy::uniform()),
            value_vs_cfr: self.value(policy, &self.equilibrium),
            nash_conv: nash_conv(&self.tree, policy),
            card_sensitivity: card_sensitivity(&self.tree, policy),
        }
    }

    fn value(&self, policy: &TabularPolicy, other: &TabularPolicy) -> f64 {
        let first = expected_value(&self.tree, [policy, other]);
        let second = -expected_value(&self.tree, [other, policy]);
        (first + second) / 2.0
    }
}
