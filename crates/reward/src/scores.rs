//! What comes back: a number for every completion, and the name of whatever went wrong.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The scores of one function for one batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// One finite number per completion; 0 where the function gave none.
    pub values: Vec<f64>,
    /// Rows for which the function returned None, NaN or an infinity.
    pub missing: Vec<usize>,
    /// Completions that are 0 because the function failed.
    pub n_faulty: usize,
    /// How it failed: one entry per slice of the batch that has no scores.
    pub faults: Vec<Fault>,
    /// How they came about.
    pub by: ScoredBy,
    /// Time in the function itself, added over the slices.
    pub busy: Duration,
}

/// Who computed scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScoredBy {
    /// The function itself, in a worker.
    #[default]
    Python,
    /// Its native equivalent.
    Native,
    /// Nobody: it failed before and is not called again.
    Nobody,
}

/// Why a function gave no scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind of failure.
    pub kind: FaultKind,
    /// With the value, for people.
    pub detail: String,
}

/// Kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The source is no Python.
    Syntax,
    /// Running the source raised.
    Load,
    /// The source defines nothing that can be called.
    NoCallable,
    /// It takes other arguments than the completions.
    Signature,
    /// It raised.
    Raises,
    /// It ended the interpreter (`SystemExit`).
    Exits,
    /// It needs more memory than it may have.
    Memory,
    /// It returned something else than a list of numbers.
    WrongType,
    /// It returned more or fewer scores than there are completions.
    WrongLength,
    /// It did not end in time. It is not called again.
    Hangs,
    /// Its process ended while it ran. It is not called again.
    Dies,
}

impl FaultKind {
    /// True if the function is never called again: each call would cost a worker.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Syntax | Self::Load | Self::NoCallable | Self::Hangs | Self::Dies)
    }

    /// `wrong-length`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Load => "load",
            Self::NoCallable => "no-callable",
            Self::Signature => "signature",
            Self::Raises => "raises",
            Self::Exits => "exits",
            Self::Memory => "memory",
            Self::WrongType => "wrong-type",
            Self::WrongLength => "wrong-length",
            Self::Hangs => "hangs",
            Self::Dies => "dies",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.detail)
    }
}

impl Scores {
    /// Zeros for `n` completions, because of `fault`.
    pub(crate) fn failed(n: usize, fault: Fault, by: ScoredBy) -> Self {
        Self { values: vec![0.0; n], n_faulty: n, faults: vec![fault], by, ..Self::default() }
    }

    /// Adds the scores of the next slice.
    pub(crate) fn append(&mut self, next: Self) {
        let offset = self.values.len();
        self.values.extend(next.values);
        self.missing.extend(next.missing.iter().map(|row| offset + row));
        self.n_faulty += next.n_faulty;
        self.faults.extend(next.faults);
        self.busy += next.busy;
        self.by = next.by;
    }
}

/// The weighted sum over functions for every completion.
///
/// # Panics
/// If there is not one weight per function, or the functions judged different numbers of completions.
pub fn weighted_sum(scores: &[Scores], weights: &[f64]) -> Vec<f64> {
    assert_eq!(scores.len(), weights.len(), "functions and weights");
    let n = scores.first().map_or(0, |one| one.values.len());
    let mut sum = vec![0.0; n];
    for (one, weight) in scores.iter().zip(weights) {
        assert_eq!(one.values.len(), n, "completions of each function");
        sum.iter_mut().zip(&one.values).for_each(|(sum, value)| *sum += weight * value);
    }
    sum
}

#[cfg(test)]
mod tests;
