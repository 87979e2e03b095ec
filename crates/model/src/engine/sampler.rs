//! Drawing one token from logits, on the host.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use super::Sampling;

/// Tokens that a top-p cut looks at first; it widens as it must. The vocabulary is never sorted for a peaked choice.
const FIRST_LOOK: usize = 64;

/// A drawn token: its index among the logits, and its log-probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Draw {
    pub(super) index: usize,
    pub(super) logprob: f32,
}

/// What one token is drawn from: `softmax(logits / temperature)`, cut by top-k, min-p and top-p; of a greedy draw the
/// uncut softmax at temperature 1.
pub(super) struct Distribution<'a> {
    logits: &'a [f32],
    max: f32,
    temperature: f32,
    is_greedy: bool,
    /// Of the best token 1.
    weights: Vec<f32>,
    /// Indices that are left, ascending; `None` for all.
    kept: Option<Vec<usize>>,
    /// Of what is left.
    total: f64,
}

impl<'a> Distribution<'a> {
    pub(super) fn new(logits: &'a [f32], sampling: &Sampling) -> Self {
        let is_greedy = sampling.temperature == 0.0;
        let temperature = if is_greedy { 1.0 } else { sampling.temperature };
        let max = most(logits);
        let weights = kernels::exponentials(logits, max, temperature);
        let kept = if is_greedy { None } else { kept(&weights, sampling) };
        let total = match &kept {
            None => weights.iter().copied().map(f64::from).sum(),
            Some(kept) => kept.iter().map(|&index| f64::from(weights[index])).sum(),
        };
        Self { logits, max, temperature, is_greedy, weights, kept, total }
    }

    /// The draw of a position.
    ///
    /// The uniform number is a function of the seed and the position alone, so that neither the batch nor earlier draws
    /// move it.
    pub(super) fn draw(&self, seed: u64, position: usize) -> Draw {
        let index = if self.is_greedy { argmax(self.logits) } else { self.walk(uniform(seed, position)) };
        Draw { index, logprob: self.logprob(index) }
    }

    fn walk(&self, uniform: f64) -> usize {
        let mut left = uniform * self.total;
        let mut takes = |index: usize| {
            left -= f64::from(self.weights[index]);
            left < 0.0
        };
        let index = match &self.kept {
            None => (0..self.weights.len()).find(|&index| takes(index)),
            Some(kept) => kept.iter().copied().find(|&index| takes(index)),
        };
        // Rounding may leave a sliver beyond the last token.
        index.unwrap_or_else(|| argmax(self.logits))
    }

    /// Natural log-probability of a token that is not cut.
    pub(super) fn logprob(&self, index: usize) -> f32 {
        (self.logits[index] - self.max) / self.temperature - self.total.ln() as f32
    }

    /// The `n` most probable tokens that are not cut, best first.
    pub(super) fn top(&self, n: usize) -> Vec<Draw> {
        let mut order = match &self.kept {
            None => (0..self.weights.len()).collect(),
            Some(kept) => kept.clone(),
        };
        keep_best(&mut order, n, &self.weights);
        order.sort_unstable_by(|&i, &j| by_weight(&self.weights, i, j));
        order.into_iter().map(|index| Draw { index, logprob: self.logprob(index) }).collect()
    }
}

/// Natural log-probabilities of `softmax(logits / temperature)`.
pub(super) fn log_softmax(logits: &[f32], temperature: f32) -> Vec<f32> {
    let max = most(logits);
    let sum: f64 = logits.iter().map(|&logit| f64::from((logit - max) / temperature).exp()).sum();
    let log_sum = sum.ln() as f32;
    logits.iter().map(|&logit| (logit - max) / temperature - log_sum).collect()
}

/// Indices that top-k, min-p and, of what these leave, top-p keep, ascending; `None` for all.
fn kept(weights: &[f32], sampling: &Sampling) -> Option<Vec<usize>> {
    let &Sampling { top_p, min_p, .. } = sampling;
    let top_k = match sampling.top_k as usize {
        0 => weights.len(),
        top_k => top_k,
    };
    if top_k >= weights.len() && top_p >= 1.0 && min_p <= 0.0 {
        return None;
    }
    let mut order: Vec<usize> = (0..weights.len()).filter(|&index| weights[index] >= min_p).collect();
    keep_best(&mut order, top_k, weights);
    if top_p < 1.0 {
        keep_mass(&mut order, top_p, weights);
    }
    order.sort_unstable();
    Some(order)
}

/// The fewest of the best tokens that have `share` of the mass.
fn keep_mass(order: &mut Vec<usize>, share: f32, weights: &[f32]) {
    let weight = |index: usize| f64::from(weights[index]);
    order.sort_unstable();
    let wanted = f64::from(share) * order.iter().copied().map(weight).sum::<f64>();
    let mut n = FIRST_LOOK;
    loop {
        let mut best = order.clone();
        keep_best(&mut best, n, weights);
        best.sort_unstable_by(|&i, &j| by_weight(weights, i, j));
        let mut mass = 0.0;
        let reached = best.iter().position(|&index| {
            mass += weight(index);
            mass >= wanted
        });
        if reached.is_some() || best.len() == order.len() {
            best.truncate(reached.map_or(best.len(), |last| last + 1));
            *order = best;
            return;
        }
        n *= 8;
    }
}

fn keep_best(order: &mut Vec<usize>, n: usize, weights: &[f32]) {
    if n < order.len() {
        if n > 0 {
            order.select_nth_unstable_by(n - 1, |&i, &j| by_weight(weights, i, j));
        }
        order.truncate(n);
    }
}

/// Best first; ties by index, so that a cut is deterministic.
fn by_weight(weights: &[f32], i: usize, j: usize) -> std::cmp::Ordering {
    weights[j].total_cmp(&weights[i]).then(i.cmp(&j))
}

fn most(logits: &[f32]) -> f32 {
    logits.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

fn argmax(values: &[f32]) -> usize {
    let better = |best: usize, index: usize| if values[index] > values[best] { index } else { best };
    (1..values.len()).fold(0, better)
}

/// Uniform in `[0, 1)`, a function of the key and the counter.
fn uniform(seed: u64, position: usize) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(position as u64);
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests;
