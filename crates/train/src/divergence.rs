//! How far a model's next-token distributions have moved from another's, over the whole vocabulary.
//!
//! Logits are written for a block of positions at a time. In training the gradient of a block is taken at once, down to
//! the hidden states and the head, and goes on from there with that of the loss.

use burn::tensor::{DType, Int, Tensor, TensorData, activation};
use kernels::{LogitScale, linear};
use model::TokenBatch;

use crate::{Batch, CausalLm, Row};

/// Positions whose logits are there at the same time.
const BLOCK: usize = 128;

/// A pull towards another model: `coef` times the mean of KL(model ‖ base) over the positions *of* the tokens that count,
/// not those that predict them.
///
/// # Source
/// The KL term of the tournament's instruct evaluation: logits at position t, masked by label t, mean over tokens.
#[derive(Clone, Debug)]
pub struct Tie<M> {
    /// Without gradients.
    pub base: M,
    /// Factor of the mean.
    pub coef: f64,
}

impl<M: CausalLm> Tie<M> {
    /// The batch's part of the term, of a step with `n_positions` in all. Rows must be read whole.
    ///
    /// # Shapes
    /// `hidden` `[U,T,D]` → `[1]`
    pub(crate) fn term(&self, model: &M, hidden: Tensor<3>, batch: &Batch, n_positions: usize) -> Tensor<1> {
        let base = chosen(self.base.hidden(&batch.tokens), &batch.scored);
        let hidden = chosen(hidden, &batch.scored);
        let (weight, scale) = model.lm_head();
        let (base_weight, base_scale) = self.base.lm_head();
        let factor = self.coef / n_positions as f64;
        let mut terms = Vec::new();
        for (start, n) in blocks(batch.scored.len()) {
            let rows = hidden.clone().narrow(0, start, n);
            let base = log_softmax(base.clone().narrow(0, start, n), base_weight.clone(), base_scale);
            let leaf = tracked(rows.clone());
            let is_trained = weight.is_require_grad();
            let head =
                if is_trained { tracked(weight.clone()) } else { Tensor::from_inner(weight.clone().inner()) };
            let found = divergence(log_softmax(leaf.clone(), head.clone(), scale), Tensor::from_inner(base));
            let found = found.sum().mul_scalar(factor);
            let value = found.clone().inner();
            let mut gradients = found.backward();
            let mut carried = carrier(rows, leaf.grad_remove(&mut gradients));
            if is_trained {
                carried = carried + carrier(weight.clone(), head.grad_remove(&mut gradients));
            }
            terms.push(carried.clone() - carried.detach() + Tensor::from_inner(value));
        }
        Tensor::cat(terms, 0).sum()
    }
}

/// Which way a divergence is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// KL(model ‖ base), the expectation under the model.
    FromBase,
    /// KL(base ‖ model), the expectation under the base.
    ToBase,
}

/// The divergence at each scored token of each row (as [`Tie`] takes it), in nats. Both models without gradients.
pub fn row_divergences<M: CausalLm>(
    model: &M,
    base: &M,
    rows: &[Row],
    direction: Direction,
    token_budget: usize,
) -> Vec<Vec<f64>> {
    let mut found = vec![Vec::new(); rows.len()];
    for part in parts_of(rows, token_budget) {
        let whole: Vec<Row> = part.iter().map(|idx| rows[*idx].clone().with_whole_input()).collect();
        let device = model.devices().first().cloned().expect("a model has parameters");
        let batch = Batch::new(&whole, model.beginnings(), &device);
        let mut values = divergences_at((model, base), &batch.tokens, &batch.scored, direction).into_iter();
        for idx in part {
            found[idx] = values.by_ref().take(rows[idx].n_loss_tokens()).collect();
        }
    }
    found
}

/// The mean divergence over all positions of each sequence, in nats. Both models without gradients.
///
/// # Panics
/// If a sequence is empty.
pub fn sequence_divergences<M: CausalLm>(
    model: &M,
    base: &M,
    sequences: &[Vec<u32>],
    direction: Direction,
    token_budget: usize,
) -> Vec<f64> {
    let mut found = vec![f64::NAN; sequences.len()];
    for part in parts(sequences.iter().map(Vec::len), token_budget) {
        let ids: Vec<Vec<u32>> = part.iter().map(|idx| sequences[*idx].clone()).collect();
        let (tokens, slots) = TokenBatch::packed(&ids, model.beginnings());
        let place = |(idx, ids): (usize, &Vec<u32>)| (0..ids.len()).map(move |position| (idx, position));
        let places = ids.iter().enumerate().flat_map(place);
        let places: Vec<usize> = places.map(|(idx, position)| slots.slot(idx, position)).collect();
        let values = divergences_at((model, base), &tokens, &places, direction);
        let mut values = values.as_slice();
        for (idx, ids) in part.into_iter().zip(&ids) {
            let (own, rest) = values.split_at(ids.len());
            found[idx] = own.iter().sum::<f64>() / own.len() as f64;
            values = rest;
        }
    }
    found
}

fn divergences_at<M: CausalLm>(
    (model, base): (&M, &M),
    tokens: &TokenBatch,
    places: &[usize],
    direction: Direction,
) -> Vec<f64> {
    let ours = chosen(model.hidden(tokens), places);
    let theirs = chosen(base.hidden(tokens), places);
    let mut values = Vec::new();
    for (start, n) in blocks(places.len()) {
        let log_probs = |hidden: &Tensor<2>, of: &M| {
            let (weight, scale) = of.lm_head();
            log_softmax(hidden.clone().narrow(0, start, n), weight, scale)
        };
        let (p, q) = match direction {
            Direction::FromBase => (log_probs(&ours, model), log_probs(&theirs, base)),
            Direction::ToBase => (log_probs(&theirs, base), log_probs(&ours, model)),
        };
        values.extend(host(divergence(p, q)).into_iter().map(f64::from));
    }
    values
}

/// Indices of rows that go through the model together; rows without a token that counts are left out.
pub(crate) fn parts_of(rows: &[Row], token_budget: usize) -> Vec<Vec<usize>> {
    let lengths = rows.iter().map(|row| if row.n_loss_tokens() > 0 { row.n_tokens() } else { 0 });
    parts(lengths, token_budget)
}

/// Indices of sequences, longest first, in parts of at most `token_budget` tokens or of one sequence; empty ones are left
/// out.
fn parts(lengths: impl Iterator<Item = usize>, token_budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<(usize, usize)> = lengths.enumerate().filter(|(_, length)| *length > 0).collect();
    order.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut filled = 0;
    for (idx, length) in order {
        match parts.last_mut() {
            Some(part) if filled + length <= token_budget => {
                filled += length;
                part.push(idx);
            }
            _ => {
                filled = length;
                parts.push(vec![idx]);
            }
        }
    }
    parts
}

/// `Σ p (ln p − ln q)` of each row.
fn divergence(log_p: Tensor<2>, log_q: Tensor<2>) -> Tensor<1> {
    let [n, _] = log_p.dims();
    (log_p.clone().exp() * (log_p - log_q)).sum_dim(1).reshape([n])
}

/// In f32.
fn log_softmax(hidden: Tensor<2>, weight: Tensor<2>, scale: LogitScale) -> Tensor<2> {
    let logits = linear(hidden, weight).cast(DType::F32).mul_scalar(scale.scale);
    let logits = match scale.soft_cap {
        0.0 => logits,
        cap => logits.div_scalar(cap).tanh().mul_scalar(cap),
    };
    activation::log_softmax(logits, 1)
}

fn chosen(hidden: Tensor<3>, places: &[usize]) -> Tensor<2> {
    let [n_rows, n_columns, width] = hidden.dims();
    let places: Vec<i32> = places.iter().map(|place| *place as i32).collect();
    let n = places.len();
    let places =
        Tensor::<1, Int>::from_data(TensorData::new(places, [n]), &hidden.device().without_autodiff());
    hidden.reshape([n_rows * n_columns, width]).select(0, places)
}

fn blocks(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).step_by(BLOCK).map(move |start| (start, BLOCK.min(n - start)))
}

fn tracked(x: Tensor<2>) -> Tensor<2> {
    Tensor::from_inner(x.inner()).require_grad()
}

/// A number whose gradient for `x` is the given one.
fn carrier(x: Tensor<2>, gradient: Option<Tensor<2>>) -> Tensor<1> {
    let gradient = gradient.expect("the divergence depends on it");
    (x * Tensor::from_inner(gradient)).sum()
}

fn host(values: Tensor<1>) -> Vec<f32> {
    values.into_data_dtype(DType::F32).try_to_vec().expect("converted to f32 just now")
}

#[cfg(test)]
mod tests;
