//! From hidden states to logits on the host.

use burn::tensor::Tensor;

use super::sequence::Sequence;
use crate::decoder::{LanguageModel, select_slots};
use crate::weights::host_values;

/// Logits of some rows for some tokens.
pub(super) struct HostLogits {
    values: Vec<f32>,
    n_cols: usize,
    /// Tokens of the columns, ascending; `None` for the whole vocabulary.
    columns: Option<Vec<u32>>,
}

impl HostLogits {
    /// Logits of hidden states, whole or for some tokens.
    ///
    /// # Shapes
    /// `rows`: `[N, D]`
    pub(super) fn of_rows(model: &LanguageModel, rows: Tensor<2>, columns: Option<Vec<u32>>) -> Self {
        let logits = match &columns {
            None => model.lm_logits(rows),
            Some(columns) => {
                let columns: Vec<usize> = columns.iter().map(|&id| id as usize).collect();
                model.lm_logits_of(rows, &columns)
            }
        };
        let n_cols = logits.dims()[1];
        Self { values: host_values(logits), n_cols, columns }
    }

    /// Logits at chosen places of a batch, counted over all rows.
    ///
    /// # Shapes
    /// `hidden`: `[B, T, D]`
    pub(super) fn of_places(
        model: &LanguageModel,
        hidden: Tensor<3>,
        places: &[usize],
        columns: Option<Vec<u32>>,
    ) -> Self {
        let [n_rows, n_cols, d] = hidden.dims();
        let flat = hidden.reshape([n_rows * n_cols, d]);
        let is_all = places.len() == n_rows * n_cols;
        Self::of_rows(model, if is_all { flat } else { select_slots(flat, places) }, columns)
    }

    /// Logits that it holds.
    pub(super) fn n_values(&self) -> usize {
        self.values.len()
    }

    /// True if a row has a logit for each token that the next draw may give.
    pub(super) fn covers(&self, sequence: &Sequence) -> bool {
        match (&self.columns, sequence.allowed()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(columns), Some(mut allowed)) => allowed.all(|token| columns.binary_search(&token).is_ok()),
        }
    }

    /// All logits of a row.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.n_cols..(row + 1) * self.n_cols]
    }

    /// The logits of a row for the given tokens.
    pub(super) fn pick(&self, row: usize, tokens: &[u32]) -> Vec<f32> {
        let row = self.row(row);
        let column = |token: u32| match &self.columns {
            None => token as usize,
            Some(columns) => columns.binary_search(&token).expect("the columns hold every allowed token"),
        };
        tokens.iter().map(|&token| row[column(token)]).collect()
    }
}

/// The union of the tokens that the next draws allow, ascending; `None` if some draw may give any.
pub(super) fn allowed_columns<'a>(sequences: impl Iterator<Item = &'a Sequence>) -> Option<Vec<u32>> {
    let mut columns = Vec::new();
    for sequence in sequences {
        columns.extend(sequence.allowed()?);
    }
    columns.sort_unstable();
    columns.dedup();
    Some(columns)
}
