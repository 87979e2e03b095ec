//! From hidden states to logits on the host.

use burn::tensor::{Int, Tensor, TensorData};

use crate::decoder::{LanguageModel, TokenBatch};
use crate::weights::host_values;

/// Logits of some rows for some tokens.
pub(super) struct HostLogits {
    values: Vec<f32>,
    n_cols: usize,
    /// Tokens of the columns, ascending; `None` for the whole vocabulary.
    columns: Option<Vec<u32>>,
}

impl HostLogits {
    /// Logits of the last real token of each row.
    ///
    /// With `columns`, only those rows of the head are multiplied: a constrained choice between three tokens needs no
    /// product with the vocabulary.
    ///
    /// # Shapes
    /// `hidden`: `[B, T, D]`
    pub(super) fn of_last(
        model: &LanguageModel,
        hidden: Tensor<3>,
        batch: &TokenBatch,
        columns: Option<Vec<u32>>,
    ) -> Self {
        let [n_rows, n_cols, d] = hidden.dims();
        let last = batch.lengths().iter().enumerate();
        let last: Vec<i32> = last.map(|(row, length)| (row * n_cols + length.max(&1) - 1) as i32).collect();
        let last = if n_cols == 1 {
            hidden.reshape([n_rows, d])
        } else {
            let index = Tensor::<1, Int>::from_data(TensorData::new(last, [n_rows]), &hidden.device());
            hidden.reshape([n_rows * n_cols, d]).select(0, index)
        };
        let logits = match &columns {
            None => model.lm_logits(last),
            Some(columns) => {
                let index: Vec<i32> = columns.iter().map(|&id| id as i32).collect();
                let index = Tensor::<1, Int>::from_data(TensorData::from(index.as_slice()), &last.device());
                last.matmul(model.lm_head_weight().select(0, index).transpose())
            }
        };
        let n_cols = logits.dims()[1];
        Self { values: host_values(logits), n_cols, columns }
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
