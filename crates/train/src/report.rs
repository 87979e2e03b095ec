//! Figures of one step.

use std::collections::BTreeMap;

/// What one optimizer step did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepReport {
    /// Steps before this one, skipped ones included.
    pub step: u64,
    /// The step's loss.
    pub loss: f64,
    /// Global gradient norm before the clip.
    pub grad_norm: f64,
    /// Learning rate that was applied.
    pub lr: f64,
    /// Rows trained on.
    pub n_rows: usize,
    /// Tokens that counted.
    pub n_tokens: usize,
    /// Tokens that the model read after sharing equal inputs, padding included.
    pub n_input_tokens: usize,
    /// True if the gradient was not finite and the weights were left as they were.
    pub skipped: bool,
    /// Steps skipped so far, this one included.
    pub n_skipped: u64,
    /// Figures of the objective.
    pub metrics: BTreeMap<String, f64>,
}
