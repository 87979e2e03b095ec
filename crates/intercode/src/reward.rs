//! The evaluator's reward: which paths changed, whether they changed alike, whether the outputs are alike.
//!
//! `0.01 + p1 + p2 + p3`, each part at most 0.33. Not here: how states are taken (`manifest`) and outputs read.
//!
//! # Source
//! spec/env_sidecars.md §3.3; scikit-learn's `TfidfVectorizer` with its defaults for the last part.

mod similarity;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use self::similarity::similarity;
use crate::manifest::Changes;

/// Weight of each of the three parts.
const PART: f64 = 0.33;
/// What every finished episode gets.
const FLOOR: f64 = 0.01;

/// How an episode is scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scoring {
    /// Three parts, from 0.01 to 1.
    #[default]
    Continuous,
    /// 1 if everything agrees, else 0.
    Binary,
}

/// What one side left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Paths whose state differs from the start, with their states.
    pub changes: Changes,
    /// The last observation of an agent; standard output and standard error of the gold command.
    pub output: String,
}

/// A reward and what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reward {
    /// The reward.
    pub total: f64,
    /// For changing the same paths.
    pub paths: f64,
    /// For changing them alike.
    pub contents: f64,
    /// For the same output.
    pub output: f64,
}

/// The reward of an agent that left `agent` where the gold command leaves `gold`.
pub fn reward(agent: &Outcome, gold: &Outcome, scoring: Scoring) -> Reward {
    let ours: BTreeSet<_> = agent.changes.keys().collect();
    let theirs: BTreeSet<_> = gold.changes.keys().collect();
    let n_diffs = ours.symmetric_difference(&theirs).count();
    let common: Vec<_> = ours.intersection(&theirs).copied().collect();
    let n_equal = common.iter().filter(|&path| agent.changes.get(*path) == gold.changes.get(*path)).count();
    match scoring {
        Scoring::Continuous => {
            let paths = paths_part(n_diffs);
            let contents = match common.len() {
                0 => PART,
                n_common => round2(PART * (n_equal as f64 / n_common as f64)),
            };
            let output = round2(PART * similarity(&agent.output, &gold.output));
            Reward { total: FLOOR + paths + contents + output, paths, contents, output }
        }
        Scoring::Binary => {
            let one_if = |holds: bool| if holds { 1.0 } else { 0.0 };
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let paths = one_if(n_diffs == 0);
            let contents = one_if(n_equal == common.len());
            let output = one_if(words(&agent.output) == words(&gold.output));
            Reward { total: paths * contents * output, paths, contents, output }
        }
    }
}

/// `round(0.33 · (1 − erf(n)), 2)` for a whole number: erf(1) = 0.8427, and from erf(2) = 0.9953 on nothing is left.
fn paths_part(n_diffs: usize) -> f64 {
    match n_diffs {
        0 => PART,
        1 => 0.05,
        _ => 0.0,
    }
}

/// Two decimals, ties of the exact binary value to even, as Python's `round`.
fn round2(value: f64) -> f64 {
    format!("{value:.2}").parse().expect("a formatted number is a number")
}

#[cfg(test)]
mod tests;
