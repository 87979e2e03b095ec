//! Scores by content: what function judged which completion with which arguments.
//!
//! Sound only for functions that judge each completion for itself, so a pool has one only if it is told to. Bounded:
//! when half of its capacity is new, what was not asked for since is forgotten.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::{Batch, FunctionDigest};

/// SHA-256 of a completion and its arguments.
pub(crate) type RowDigest = [u8; 32];

/// A bounded map from function and row to score.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    capacity: usize,
    young: HashMap<(FunctionDigest, RowDigest), f64>,
    old: HashMap<(FunctionDigest, RowDigest), f64>,
}

impl Cache {
    /// A cache of at most `capacity` scores.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// The score, if it is known; it stays known for a while longer.
    pub(crate) fn get(&mut self, function: FunctionDigest, row: RowDigest) -> Option<f64> {
        if let Some(score) = self.young.get(&(function, row)) {
            return Some(*score);
        }
        let score = self.old.remove(&(function, row))?;
        self.insert(function, row, score);
        Some(score)
    }

    /// Remembers a score.
    pub(crate) fn insert(&mut self, function: FunctionDigest, row: RowDigest, score: f64) {
        if self.young.len() >= self.capacity.div_ceil(2) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert((function, row), score);
    }

    /// Scores held.
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// One digest per row of the batch.
pub(crate) fn row_digests(batch: &Batch) -> Vec<RowDigest> {
    let columns: Vec<_> = batch.columns().collect();
    let digest = |(row, completion): (usize, &String)| {
        let mut hash = Sha256::new();
        let mut add = |part: &str| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        add(completion);
        for (name, values) in &columns {
            add(name);
            add(&values[row].to_string());
        }
        hash.finalize().into()
    };
    batch.completions().iter().enumerate().map(digest).collect()
}

#[cfg(test)]
mod tests;
