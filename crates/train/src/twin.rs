//! What the tournament's evaluators compute, on rows: the same figures, for selection and for people.
//!
//! Models are given without gradients (`valid()`).

use crate::divergence::parts_of;
use crate::dpo::{DpoSettings, PairLogprobs, pair_losses};
use crate::{Batch, CausalLm, Row, row_logprobs};

use burn::tensor::{DType, Device, Tensor, TensorData};

/// Log-probs of the tokens that count, per row as [`row_logprobs`], in parts of at most `token_budget` tokens.
pub fn logprobs_of_rows<M: CausalLm>(model: &M, rows: &[Row], token_budget: usize) -> Vec<Vec<f32>> {
    let device = model.devices().first().cloned().expect("a model has parameters");
    let mut found: Vec<Vec<f32>> = rows.iter().map(|row| vec![0.0; row.completion().len()]).collect();
    for part in parts_of(rows, token_budget) {
        let of_part: Vec<Row> = part.iter().map(|idx| rows[*idx].clone()).collect();
        let batch = Batch::new(&of_part, model.beginnings(), &device);
        for (idx, logprobs) in part.into_iter().zip(row_logprobs(model, &batch, &of_part, 1.0)) {
            found[idx] = logprobs;
        }
    }
    found
}

/// Cross-entropy of each row, the mean over its tokens, in nats; NaN where none counts. The evaluator's loss of an
/// instruct or chat task is the mean of these.
pub fn row_losses<M: CausalLm>(model: &M, rows: &[Row], token_budget: usize) -> Vec<f64> {
    let sums = sums(model, rows, token_budget);
    rows.iter().zip(sums).map(|(row, sum)| -sum / row.n_loss_tokens() as f64).collect()
}

/// The loss of each pair of rows (2i chosen, 2i+1 rejected), which must have reference log-probs.
///
/// # Panics
/// If a row has none, or the number of rows is odd.
pub fn pair_losses_of<M: CausalLm>(
    model: &M,
    rows: &[Row],
    settings: &DpoSettings,
    token_budget: usize,
) -> Vec<f64> {
    assert!(rows.len().is_multiple_of(2), "{} rows do not make pairs", rows.len());
    let policy = sums(model, rows, token_budget);
    let reference: Vec<f64> = rows.iter().map(reference_sum).collect();
    let counts: Vec<f64> = rows.iter().map(|row| row.n_loss_tokens() as f64).collect();
    let column = |values: &[f64], which: usize| {
        let values: Vec<f32> = values.iter().skip(which).step_by(2).map(|value| *value as f32).collect();
        let n = values.len();
        Tensor::<1>::from_data(TensorData::new(values, [n]), &Device::flex())
    };
    let pairs = PairLogprobs {
        chosen: column(&policy, 0),
        rejected: column(&policy, 1),
        ref_chosen: column(&reference, 0),
        ref_rejected: column(&reference, 1),
        n_chosen: column(&counts, 0),
        n_rejected: column(&counts, 1),
    };
    let losses = pair_losses(&pairs, settings).into_data_dtype(DType::F32);
    let losses: Vec<f32> = losses.try_to_vec().expect("converted to f32 just now");
    losses.into_iter().map(f64::from).collect()
}

fn sums<M: CausalLm>(model: &M, rows: &[Row], token_budget: usize) -> Vec<f64> {
    let logprobs = logprobs_of_rows(model, rows, token_budget);
    logprobs.iter().map(|row| row.iter().map(|value| f64::from(*value)).sum()).collect()
}

fn reference_sum(row: &Row) -> f64 {
    let logprobs = row.ref_logprobs().expect("pairs have reference log-probs");
    row.loss_positions().map(|idx| f64::from(logprobs[idx])).sum()
}

#[cfg(test)]
mod tests;
