//! `croupier verify logits`: logits, log-probabilities and entropies against transformers.

use std::path::Path;

use burn::tensor::{DType, Device, Tensor};

use super::Check;
use super::reference::Reference;
use crate::Result;
use crate::decoder::LanguageModel;
use crate::weights::host_values;

/// Between f32 implementations; transformers' own padded and unpadded forwards differ by 6e-6.
const TOLERANCE: f64 = 1e-4;

/// Compares a model folder with its `reference_logits.safetensors`. With `layers` the hidden states of row 0 too, first
/// layer first: the first one out of tolerance is where to look.
///
/// # Errors
/// If a file is missing or malformed, or the architecture is not supported.
pub fn verify_logits(dir: &Path, layers: bool, device: &Device) -> Result<Vec<Check>> {
    let model = LanguageModel::load(dir, DType::F32, &device.clone().without_autodiff())?;
    let reference = Reference::open(dir)?;
    let mut checks = Vec::new();
    if layers {
        checks.extend(check_layers(&model, &reference)?);
    }
    let hidden = model.hidden(&reference.padded);
    for (row, tokens) in reference.rows.iter().enumerate() {
        checks.extend(check_row(&model, &reference, hidden.clone(), row, tokens)?);
    }
    Ok(checks)
}

fn check_layers(model: &LanguageModel, reference: &Reference) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for (idx, state) in model.hidden_states(&reference.padded).into_iter().enumerate() {
        let d = state.dims()[2];
        let got = host_values(state.narrow(0, 0, 1));
        let check =
            Check::worst("row 0", &format!("hidden.{idx}"), &got, &reference.hidden(idx)?, d, TOLERANCE);
        checks.extend(check);
    }
    Ok(checks)
}

fn check_row(
    model: &LanguageModel,
    reference: &Reference,
    hidden: Tensor<3>,
    row: usize,
    tokens: &[u32],
) -> Result<Vec<Check>> {
    let n = tokens.len();
    let case = format!("row {row}");
    let real = hidden.narrow(0, row, 1).narrow(1, reference.n_cols - n, n).squeeze_dim::<2>(0);
    let logits = model.lm_logits(real);
    let vocab_size = logits.dims()[1];
    let logits = host_values(logits);
    let predictions: Vec<Prediction> = logits.chunks(vocab_size).map(Prediction::of).collect();
    let entropy: Vec<f32> = predictions.iter().map(|prediction| prediction.entropy).collect();
    let next = predictions.iter().zip(tokens.iter().skip(1));
    let logprobs: Vec<f32> = next.map(|(prediction, &token)| prediction.logprobs[token as usize]).collect();
    let checks = [
        Check::worst(&case, "logits", &logits, &reference.tail("logits", row, n)?, vocab_size, TOLERANCE),
        Check::worst(&case, "logprobs", &logprobs, &reference.tail("logprobs", row, n - 1)?, 1, TOLERANCE),
        Check::worst(&case, "entropy", &entropy, &reference.tail("entropy", row, n)?, 1, TOLERANCE),
    ];
    Ok(checks.into_iter().flatten().collect())
}

struct Prediction {
    logprobs: Vec<f32>,
    entropy: f32,
}

impl Prediction {
    fn of(logits: &[f32]) -> Self {
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let log_sum =
            logits.iter().map(|&logit| f64::from(logit - max).exp()).sum::<f64>().ln() + f64::from(max);
        let logprobs: Vec<f64> = logits.iter().map(|&logit| f64::from(logit) - log_sum).collect();
        let entropy = -logprobs.iter().map(|logprob| logprob.exp() * logprob).sum::<f64>();
        Self {
            logprobs: logprobs.into_iter().map(|logprob| logprob as f32).collect(),
            entropy: entropy as f32,
        }
    }
}
