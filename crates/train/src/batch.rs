//! Rows as tensors: the only tensor type that crosses a crate.

use burn::tensor::{Device, Int, Tensor, TensorData};
use model::{Beginnings, Slots, TokenBatch};

use crate::Row;
use crate::plan::{Plan, Predictor, Token};

/// Bias of a logit that is not there. Finite, so that `0 × bias` stays 0 in entropies and gradients.
const ABSENT: f32 = -1e30;

/// A micro-batch.
///
/// `B` rows, `C` the most scored tokens of a row, `U` rows of distinct inputs, packed, `T` the longest input. Cell `[b,c]` belongs
/// to the c-th token of row b that counts (not to the c-th of its completion).
#[derive(Clone, Debug)]
pub struct Batch {
    /// Distinct inputs, packed, beginnings shared, `[U,T]`.
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
    /// Indices in `[U·T]` of the scored tokens themselves, as far as the model reads them.
    pub(crate) scored: Vec<usize>,
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
    /// The tokens whose logits are wanted, each with its predictor: those that are scored, `[N,2]`, or all that could be
    /// drawn, `[P·K,2]`.
    pub(crate) tokens: Tensor<2, Int>,
    /// The predictor of each scored token, `[N]`.
    pub(crate) predictors: Tensor<1, Int>,
    /// The restriction, if not every token could be drawn.
    pub(crate) allowed: Option<Allowed>,
}

/// Allowed tokens of each predictor, padded to the longest list.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    /// 0, or [`ABSENT`] at padding, `[P,K]`.
    pub(crate) bias: Tensor<2>,
    /// Index of each scored token among all `[P·K]`, `[N]`.
    pub(crate) targets: Tensor<1, Int>,
}

impl Batch {
    /// Collates `rows`; `beginnings` are the model's.
    ///
    /// # Panics
    /// If no token of any row counts.
    pub fn new(rows: &[Row], beginnings: Beginnings, device: &Device) -> Self {
        let device = &device.clone().without_autodiff();
        let plan = Plan::new(rows);
        let n_tokens = plan.free.1.len() + plan.constrained.1.len();
        assert!(n_tokens > 0, "a batch of {} rows needs a token that counts", rows.len());
        let shape = [rows.len(), plan.n_columns];
        let (tokens, slots) = TokenBatch::packed(&plan.sequences, beginnings);
        let scored = plan.scored.iter().map(|(sequence, position)| slots.slot(*sequence, *position)).collect();
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
            scored,
            cells: cells(&plan, shape, device),
            free: lookup(&plan.free, &slots, device),
            constrained: lookup(&plan.constrained, &slots, device),
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
    slots: &Slots,
    device: &Device,
) -> Option<Lookup> {
    let first = predictors.first()?;
    let positions =
        predictors.iter().map(|predictor| slots.slot(predictor.sequence, predictor.position)).collect();
    let (pairs, allowed) = match first.allowed {
        None => (tokens.iter().map(|token| [token.predictor, token.target]).collect(), None),
        Some(_) => {
            let (pairs, allowed) = allowed(predictors, tokens, device);
            (pairs, Some(allowed))
        }
    };
    let n_pairs = pairs.len();
    Some(Lookup {
        positions: indices(positions, device),
        tokens: indices(pairs.into_iter().flatten().collect(), device).reshape([n_pairs, 2]),
        predictors: indices(tokens.iter().map(|token| token.predictor).collect(), device),
        allowed,
    })
}

fn allowed(predictors: &[Predictor], tokens: &[Token], device: &Device) -> (Vec<[usize; 2]>, Allowed) {
    let lists: Vec<&[u32]> = predictors.iter().filter_map(|predictor| predictor.allowed.as_deref()).collect();
    let widest = lists.iter().map(|list| list.len()).max().unwrap_or(0);
    let mut pairs = Vec::with_capacity(lists.len() * widest);
    let mut bias = vec![ABSENT; lists.len() * widest];
    for (row_idx, list) in lists.iter().enumerate() {
        bias[row_idx * widest..][..list.len()].fill(0.0);
        pairs
            .extend((0..widest).map(|column| [row_idx, list.get(column).map_or(0, |token| *token as usize)]));
    }
    let targets = tokens.iter().map(|token| token.predictor * widest + token.target).collect();
    let bias = floats(bias, [lists.len(), widest], device);
    (pairs, Allowed { bias, targets: indices(targets, device) })
}

fn floats<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn indices(values: Vec<usize>, device: &Device) -> Tensor<1, Int> {
    let n = values.len();
    let values: Vec<i32> = values.into_iter().map(|value| value as i32).collect();
    Tensor::from_data(TensorData::new(values, [n]), device)
}
