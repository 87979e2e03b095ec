//! What a step will need, before anything is allocated.

use model::DecoderConfig;

use crate::Activations;

/// Bytes of a training step by what they are for. An estimate from the model's shape: weights and optimizer are exact,
/// activations were fitted to measured peaks (BENCHMARKS.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepMemory {
    /// The weights, and a master copy in f32 of trained ones that are stored in less.
    pub weights: u64,
    /// Gradients of what is trained, and the two moments of AdamW.
    pub optimizer: u64,
    /// What the forward pass leaves behind for one token.
    pub per_token: u64,
}

/// Tensors of a backward pass that live beside what the forward pass kept, as a share of the latter.
const PASSING: f64 = 1.2;
const F32: u64 = 4;

impl StepMemory {
    /// For a model of which `n_trained` parameters change.
    pub fn estimate(
        config: &DecoderConfig,
        weight_bytes: u64,
        n_trained: usize,
        activations: Activations,
    ) -> Self {
        let masters = if weight_bytes < F32 { F32 * n_trained as u64 } else { 0 };
        let hidden = config.hidden_size as u64;
        let heads = ((2 * config.n_heads + 2 * config.n_kv_heads) * config.head_dim) as u64;
        // What each layer reads, both norms and the sum between them; queries, keys, values and what attention gives;
        // gate, up and their product.
        let layer = F32 * (4 * hidden + heads + 3 * config.intermediate_size as u64);
        let n_layers = config.n_layers as u64;
        let layers = match activations {
            Activations::Kept => n_layers * layer,
            Activations::Recomputed => n_layers * F32 * hidden + layer,
        };
        // The last hidden state, its norm, and the expected rows of the head.
        let ends = 4 * F32 * hidden;
        Self {
            weights: weight_bytes * config.n_params() as u64 + masters,
            optimizer: 3 * F32 * n_trained as u64,
            per_token: (PASSING * (layers + ends) as f64) as u64,
        }
    }

    /// Of a step whose largest part has `n_tokens`.
    pub fn total(&self, n_tokens: usize) -> u64 {
        self.weights + self.optimizer + self.per_token * n_tokens as u64
    }

    /// Tokens that may go through the model at once within `available` bytes; `None` if not even one fits.
    pub fn token_budget(&self, available: u64) -> Option<usize> {
        let left = available.checked_sub(self.weights + self.optimizer)?;
        Some((left / self.per_token) as usize).filter(|budget| *budget > 0)
    }
}

#[cfg(test)]
mod tests;
