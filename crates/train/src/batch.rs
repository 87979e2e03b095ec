//! Rows as tensors: the only tensor type that crosses a crate.

use burn::tensor::{Device, Int, Tensor, TensorData};
use model::TokenBatch;

use crate::Row;
use crate::plan::{Plan, Predictor, Token};

/// Bias of a logit that is not there. Finite, so that `0 × bias` stays 0 in entropies and gradients.
const ABSENT: f32 = -1e30;

/// A micro-batch.
///
/// `B` rows, `C` the most scored tokens of a row, `U` distinct inputs, `T` their longest length. Cell `[b,c]` belongs
/// to the c-th token of row b that counts (not to the c-th of its completion).
#[derive(Clone, Debug)]
pub struct Batch {
    /// Distinct inputs, right-padded, `[U,T]`.
    pub tokens: TokenBatch,
    /// 1 for scored tokens, 0 for empty cells, `[B,C]`.
    pub loss_mask: Tensor<2>,
    /// Advantage of the row, `[B,1]`.
    pub advantages: Tensor<2>,
    /// Log-probs of the policy that drew the tokens, 0 in empty cells, `[B,C]`.
    pub old_logprobs: Tensor<2>,
    /// Log-probs of the reference, `[B,C]`, if every row has them.
    pub ref_logprobs: Option<Tensor<2>>,
    /// Log-probs that the sampler reported, `[B,C]`, if every row has them.
    pub sampler_logprobs: Option<Tensor<2>>,
    /// Number of scored tokens.
    pub n_tokens: usize,
    pub(crate) free: Option<Lookup>,
    pub(crate) constrained: Option<Lookup>,
    /// For each cell the index of its token in the order free, constrained; empty cells take one past the last.
    pub(crate) cells: Tensor<1, Int>,
}

/// Tokens to look up in one kind of distribution.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    /// Index of each predictor's hidden state in `[U·T]`, `[P]`.
    pub(crate) positions: Tensor<1, Int>,
    /// The tokens that could be drawn, if not all.
    pub(crate) allowed: Option<Allowed>,
    /// The predictor of each token, `[N]`.
    pub(crate) predictors: Tensor<1, Int>,
    /// The column of each token in its predictor's distribution, `[N]`.
    pub(crate) targets: Tensor<1, Int>,
}

/// Allowed tokens of each predictor, padded to the longest list.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    /// `[P,K]`
    pub(crate) token_ids: Tensor<2, Int>,
    /// 0, or [`ABSENT`] at padding, `[P,K]`.
    pub(crate) bias: Tensor<2>,
}

impl Batch {
    /// Collates `rows`.
    ///
    /// # Panics
    /// If no token of any row counts.
    pub fn new(rows: &[Row], device: &Device) -> Self {
        let device = &device.clone().without_autodiff();
        let plan = Plan::new(rows);
        let n_tokens = plan.free.1.len() + plan.constrained.1.len();
        assert!(n_tokens > 0, "a batch of {} rows needs a token that counts", rows.len());
        let shape = [rows.len(), plan.n_columns];
        let tokens = TokenBatch::right_padded(&plan.sequences);
        let longest = tokens.n_cols();
        let grid = |value: &dyn Fn(&Row, usize) -> f32| {
            floats(grid_values(rows, plan.n_columns, value), shape, device)
        };
        let optional = |of: for<'a> fn(&'a Row) -> Option<&'a [f32]>| {
            let complete = rows.iter().all(|row| of(row).is_some());
            complete.then(|| grid(&|row, idx| of(row).map_or(0.0, |list| list[idx])))
        };
        Self {
            tokens,
            loss_mask: grid(&|_, _| 1.0),
            advantages: floats(rows.iter().map(Row::advantage).collect(), [rows.len(), 1], device),
            old_logprobs: grid(&|row, idx| row.old_logprobs()[idx]),
            ref_logprobs: optional(Row::ref_logprobs),
            sampler_logprobs: optional(Row::sampler_logprobs),
            n_tokens,
            cells: cells(&plan, shape, device),
            free: lookup(&plan.free, longest, device),
            constrained: lookup(&plan.constrained, longest, device),
        }
    }

    /// Rows and columns of the cells, `[B,C]`.
    pub fn shape(&self) -> [usize; 2] {
        self.loss_mask.dims()
    }
}

/// One value per scored token, 0 elsewhere.
fn grid_values(rows: &[Row], n_columns: usize, value: &dyn Fn(&Row, usize) -> f32) -> Vec<f32> {
    let mut values = vec![0.0; rows.len() * n_columns];
    for (row_idx, row) in rows.iter().enumerate() {
        for (column, idx) in row.loss_positions().enumerate() {
            values[row_idx * n_columns + column] = value(row, idx);
        }
    }
    values
}

fn cells(plan: &Plan, [n_rows, n_columns]: [usize; 2], device: &Device) -> Tensor<1, Int> {
    let tokens: Vec<&Token> = plan.free.1.iter().chain(&plan.constrained.1).collect();
    let mut cells = vec![tokens.len(); n_rows * n_columns];
    for (idx, token) in tokens.iter().enumerate() {
        cells[token.cell.0 * n_columns + token.cell.1] = idx;
    }
    indices(cells, device)
}

fn lookup(
    (predictors, tokens): &(Vec<Predictor>, Vec<Token>),
    longest: usize,
    device: &Device,
) -> Option<Lookup> {
    let first = predictors.first()?;
    let positions =
        predictors.iter().map(|predictor| predictor.sequence * longest + predictor.position).collect();
    Some(Lookup {
        positions: indices(positions, device),
        allowed: first.allowed.is_some().then(|| allowed(predictors, device)),
        predictors: indices(tokens.iter().map(|token| token.predictor).collect(), device),
        targets: indices(tokens.iter().map(|token| token.target).collect(), device),
    })
}

fn allowed(predictors: &[Predictor], device: &Device) -> Allowed {
    let lists: Vec<&[u32]> = predictors.iter().filter_map(|predictor| predictor.allowed.as_deref()).collect();
    let widest = lists.iter().map(|list| list.len()).max().unwrap_or(0);
    let shape = [lists.len(), widest];
    let mut token_ids = vec![0_i32; lists.len() * widest];
    let mut bias = vec![ABSENT; lists.len() * widest];
    for (row_idx, list) in lists.iter().enumerate() {
        for (column, token) in list.iter().enumerate() {
            token_ids[row_idx * widest + column] = *token as i32;
            bias[row_idx * widest + column] = 0.0;
        }
    }
    Allowed {
        token_ids: Tensor::from_data(TensorData::new(token_ids, shape), device),
        bias: floats(bias, shape, device),
    }
}

fn floats<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn indices(values: Vec<usize>, device: &Device) -> Tensor<1, Int> {
    let n = values.len();
    let values: Vec<i32> = values.into_iter().map(|value| value as i32).collect();
    Tensor::from_data(TensorData::new(values, [n]), device)
}
