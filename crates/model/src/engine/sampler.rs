//! Drawing one token from logits, on the host.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use super::Sampling;

/// A drawn token: its index among the logits, and its log-probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Draw {
    pub(super) index: usize,
    pub(super) logprob: f32,
}

/// Draws from `softmax(logits / temperature)`, cut by top-k and top-p.
///
/// The uniform number is a function of the seed and the position alone, so that neither the batch nor earlier draws
/// move it.
pub(super) fn draw(logits: &[f32], sampling: &Sampling, seed: u64, position: usize) -> Draw {
    if sampling.temperature == 0.0 {
        let index = argmax(logits);
        return Draw { index, logprob: log_softmax(logits, 1.0)[index] };
    }
    let max = most(logits);
    let weights = kernels::exponentials(logits, max, sampling.temperature);
    let sum: f64 = weights.iter().copied().map(f64::from).sum();
    let kept = kept(&weights, sum, sampling);
    let weight = |index: usize| f64::from(weights[index]);
    let total = match &kept {
        None => sum,
        Some(kept) => kept.iter().map(|&index| weight(index)).sum(),
    };
    let mut left = uniform(seed, position) * total;
    let mut walk = |index: usize| {
        left -= weight(index);
        left < 0.0
    };
    let index = match &kept {
        None => (0..weights.len()).find(|&index| walk(index)),
        Some(kept) => kept.iter().copied().find(|&index| walk(index)),
    };
    // Rounding may leave a sliver beyond the last token.
    let index = index.unwrap_or_else(|| argmax(logits));
    Draw { index, logprob: (logits[index] - max) / sampling.temperature - sum.ln() as f32 }
}

/// Natural log-probabilities of `softmax(logits / temperature)`.
pub(super) fn log_softmax(logits: &[f32], temperature: f32) -> Vec<f32> {
    let max = most(logits);
    let sum: f64 = logits.iter().map(|&logit| f64::from((logit - max) / temperature).exp()).sum();
    let log_sum = sum.ln() as f32;
    logits.iter().map(|&logit| (logit - max) / temperature - log_sum).collect()
}

/// Indices that top-k and top-p leave, ascending; `None` for all.
fn kept(weights: &[f32], total: f64, sampling: &Sampling) -> Option<Vec<usize>> {
    let top_k = sampling.top_k as usize;
    if (top_k == 0 || top_k >= weights.len()) && sampling.top_p >= 1.0 {
        return None;
    }
    let mut order: Vec<usize> = (0..weights.len()).collect();
    // Ties by index, so that the cut is deterministic.
    order.sort_by(|&i, &j| weights[j].total_cmp(&weights[i]).then(i.cmp(&j)));
    if top_k > 0 {
        order.truncate(top_k);
    }
    if sampling.top_p < 1.0 {
        let total: f64 = match top_k {
            0 => total,
            _ => order.iter().map(|&index| f64::from(weights[index])).sum(),
        };
        let mut mass = 0.0;
        let reached = order.iter().position(|&index| {
            mass += f64::from(weights[index]);
            mass >= f64::from(sampling.top_p) * total
        });
        order.truncate(reached.map_or(order.len(), |last| last + 1));
    }
    order.sort_unstable();
    Some(order)
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
