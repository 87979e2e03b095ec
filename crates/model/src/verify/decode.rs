//! `croupier verify decode`: the same tokens, padded and through the cache, against each row alone.

use std::path::Path;

use burn::tensor::{DType, Device, Tensor};

use super::Check;
use super::reference::Reference;
use crate::Result;
use crate::decoder::{KvCache, LanguageModel, TokenBatch};
use crate::weights::host_values;

/// Between orders of summation of the same numbers.
const TOLERANCE: f64 = 1e-5;

/// Computes the logits of the rows of `reference_logits.safetensors` in three more ways than alone: padded on the left,
/// padded on the right, and through the cache (the first half at once, then token by token, all rows in one ragged
/// batch).
///
/// # Errors
/// If a file is missing or malformed, or the architecture is not supported.
pub fn verify_decode(dir: &Path, device: &Device) -> Result<Vec<Check>> {
    let model = LanguageModel::load(dir, DType::F32, &device.clone().without_autodiff())?;
    let reference = Reference::open(dir)?;
    let rows = &reference.rows;
    let alone: Vec<Vec<f32>> = rows
        .iter()
        .map(|row| logits(&model, model.hidden(&TokenBatch::right_padded(&[row])), 0, 0, row.len()))
        .collect();
    let left = model.hidden(&reference.padded);
    let right = model.hidden(&TokenBatch::right_padded(rows));
    let cached = through_cache(&model, rows);
    let vocab_size = model.config().vocab_size;
    let mut checks = Vec::new();
    for (row, want) in alone.iter().enumerate() {
        let n = rows[row].len();
        let ways = [
            ("padded left", logits(&model, left.clone(), row, reference.n_cols - n, n)),
            ("padded right", logits(&model, right.clone(), row, 0, n)),
            ("cached", cached[row].clone()),
        ];
        for (way, got) in ways {
            checks.extend(Check::worst(
                &format!("row {row}, {way}"),
                "logits",
                &got,
                want,
                vocab_size,
                TOLERANCE,
            ));
        }
    }
    Ok(checks)
}

fn through_cache(model: &LanguageModel, rows: &[Vec<u32>]) -> Vec<Vec<f32>> {
    let halves: Vec<(&[u32], &[u32])> = rows.iter().map(|row| row.split_at(row.len().div_ceil(2))).collect();
    let first: Vec<&[u32]> = halves.iter().map(|half| half.0).collect();
    // Too little room on purpose: the cache has to grow.
    let mut cache = KvCache::new(model, rows.len(), first.iter().map(|half| half.len()).max().unwrap_or(0));
    let slots: Vec<usize> = (0..rows.len()).rev().collect();
    let hidden = model.extend(&TokenBatch::right_padded(&first), &slots, &mut cache);
    let mut all: Vec<Vec<f32>> = first
        .iter()
        .enumerate()
        .map(|(row, half)| logits(model, hidden.clone(), row, 0, half.len()))
        .collect();
    let n_steps = halves.iter().map(|half| half.1.len()).max().unwrap_or(0);
    for step in 0..n_steps {
        // A row that has ended feeds nothing.
        let next: Vec<&[u32]> =
            halves.iter().map(|half| half.1.get(step..=step).unwrap_or_default()).collect();
        let hidden = model.extend(&TokenBatch::right_padded(&next), &slots, &mut cache);
        for (row, fed) in next.iter().enumerate().filter(|(_, fed)| !fed.is_empty()) {
            all[row].extend(logits(model, hidden.clone(), row, 0, fed.len()));
        }
    }
    all
}

/// Logits of `n` slots of a row, from `start`.
fn logits(model: &LanguageModel, hidden: Tensor<3>, row: usize, start: usize, n: usize) -> Vec<f32> {
    host_values(model.lm_logits(hidden.narrow(0, row, 1).narrow(1, start, n).squeeze_dim::<2>(0)))
}
