//! Whether what was written computes what was to be written.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{DType, Tensor, activation};

use crate::decoder::{LanguageModel, TokenBatch};
use crate::weights::host_values;
use crate::{Error, Result};

/// Largest accepted difference of a log-probability: merging and writing round, once each.
const TOLERANCE: f32 = 1e-3;
const N_PROMPTS: usize = 2;
const LENGTH: usize = 8;

impl LanguageModel {
    /// Reads the adapter in `dir` onto this model's base, and compares log-probabilities with this model's adapter.
    ///
    /// # Errors
    /// If it cannot be read, or computes something else.
    pub fn check_adapter(&self, dir: &Path) -> Result<()> {
        let ours = self.valid();
        let read = ours.clone().without_lora().with_adapter(dir)?;
        ours.check_same(&read, dir)
    }

    /// Reads the model in `dir` and compares log-probabilities with this one's.
    ///
    /// # Errors
    /// If it cannot be read, or computes something else.
    pub fn check_saved(&self, dir: &Path) -> Result<()> {
        let ours = self.valid();
        let read = Self::load(dir, DType::F32, &ours.device())?;
        ours.check_same(&read, dir)
    }

    fn check_same(&self, read: &Self, dir: &Path) -> Result<()> {
        let worst = worst_difference(self, read);
        // Also if it is not a number.
        if worst <= TOLERANCE {
            return Ok(());
        }
        let reason = format!("log-probabilities differ by {worst} from those of the model in memory");
        Err(Error::Weights { path: dir.to_owned(), reason })
    }
}

fn worst_difference(a: &LanguageModel, b: &LanguageModel) -> f32 {
    let vocab_size = a.config().vocab_size;
    // Multiples of a prime: spread over the vocabulary, and different from row to row.
    let token = |idx: usize| ((idx + 1) * 7919 % vocab_size) as u32;
    let length = LENGTH.min(a.config().max_position_embeddings);
    let rows: Vec<Vec<u32>> =
        (0..N_PROMPTS).map(|row| (0..length).map(|col| token(row * length + col)).collect()).collect();
    let batch = TokenBatch::right_padded(&rows);
    let logprobs = |model: &LanguageModel| {
        let hidden: Tensor<3> = model.hidden(&batch);
        let [b, t, d] = hidden.dims();
        host_values(activation::log_softmax(model.lm_logits(hidden.reshape([b * t, d])), 1))
    };
    let differences = logprobs(a).into_iter().zip(logprobs(b)).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |worst: f32, diff| if diff.is_nan() { f32::NAN } else { worst.max(diff) })
}
