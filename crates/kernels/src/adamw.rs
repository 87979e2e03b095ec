//! AdamW in two passes over memory: moments, then weights. Plain loops: memory is what they wait for.

use crate::threads::{for_row_blocks, for_row_blocks_of_two};

/// Numbers of one step, the same for all weights.
///
/// # Source
/// Loshchilov & Hutter, arXiv 1711.05101, algorithm 2; bias correction and ε outside the root as in `torch.optim.AdamW`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWStep {
    /// Multiplies the gradient first (clipping).
    pub gradient_factor: f32,
    /// Decay of the mean.
    pub beta_1: f32,
    /// Decay of the mean square.
    pub beta_2: f32,
    /// Added to the root.
    pub epsilon: f32,
    /// Learning rate over the bias correction of the mean.
    pub rate: f32,
    /// One over the root of the bias correction of the mean square.
    pub root_factor: f32,
    /// What decay leaves of a weight.
    pub kept: f32,
}

/// Moves the means and the mean squares behind them, in place.
pub(crate) fn adam_moments(moments: &mut [f32], gradient: &[f32], step: AdamWStep) {
    let AdamWStep { gradient_factor, beta_1, beta_2, .. } = step;
    let halves = moments.split_at_mut(gradient.len());
    for_row_blocks_of_two(halves, 1, 3 * gradient.len(), |start, means, squares| {
        let gradient = &gradient[start..start + means.len()];
        for ((mean, square), gradient) in means.iter_mut().zip(squares).zip(gradient) {
            let gradient = gradient_factor * gradient;
            *mean = beta_1 * *mean + (1.0 - beta_1) * gradient;
            *square = beta_2 * *square + (1.0 - beta_2) * (gradient * gradient);
        }
    });
}

/// Moves the weights by their moments, in place.
pub(crate) fn adamw(weights: &mut [f32], moments: &[f32], step: AdamWStep) {
    let n = weights.len();
    let (means, squares) = moments.split_at(n);
    for_row_blocks(weights, 1, 3 * n, |start, weights| {
        let (means, squares) = (&means[start..], &squares[start..]);
        for ((weight, mean), square) in weights.iter_mut().zip(means).zip(squares) {
            let root = square.sqrt() * step.root_factor + step.epsilon;
            *weight = *weight * step.kept - mean / root * step.rate;
        }
    });
}
