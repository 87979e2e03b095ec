//! Logits after prompts that the same weights have read: whoever asks for one of them again draws at once.
//!
//! A group's members come one by one and the first is read alone; and in a small game most prompts of a step come again
//! and again. What a forward pass gives does not depend on its batch, so the logits of then are those of now.

use std::collections::HashMap;
use std::sync::Arc;

use super::logits::HostLogits;
use super::sequence::Sequence;

/// Logits and tokens that are kept: 64 MiB, a hundred rows of a large vocabulary. Beyond that all are forgotten.
const MAX_VALUES: usize = 16 << 20;

/// Prompts with their logits, for one version of the weights.
#[derive(Default)]
pub(super) struct Seen {
    rows: HashMap<Vec<u32>, (Arc<HostLogits>, usize)>,
    n_values: usize,
}

impl Seen {
    /// Keeps the logits of prompts, one row each.
    pub(super) fn insert(&mut self, prompts: impl IntoIterator<Item = Vec<u32>>, logits: &Arc<HostLogits>) {
        if self.n_values + logits.n_values() > MAX_VALUES {
            self.clear();
        }
        self.n_values += logits.n_values();
        for (row, prompt) in prompts.into_iter().enumerate() {
            self.n_values += prompt.len();
            self.rows.insert(prompt, (Arc::clone(logits), row));
        }
    }

    /// The row for the next draw of a sequence, if all tokens that it may give are in it.
    pub(super) fn find(&self, sequence: &Sequence) -> Option<(Arc<HostLogits>, usize)> {
        let (logits, row) = self.rows.get(sequence.tokens())?;
        logits.covers(sequence).then(|| (Arc::clone(logits), *row))
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
