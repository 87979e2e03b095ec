use burn::module::Module;
use burn::tensor::{TensorData, Tolerance};

use super::*;
use crate::test_support::{model, rows};

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data_dtype(DType::F32).try_to_vec().unwrap()
}

/// The logits that predict `row`'s completion, one row at a time and without sharing anything.
fn plain_logits(model: &model::LanguageModel, row: &Row, idx: usize) -> Vec<f64> {
    let sequence = [row.prompt(), row.completion()].concat();
    let hidden = CausalLm::hidden(model, &model::TokenBatch::right_padded(&[sequence]));
    let [_, _, width] = hidden.dims();
    let place = row.prompt().len() + idx - 1;
    let logits = model.lm_logits(hidden.slice([0..1, place..place + 1]).reshape([1, width]));
    values(logits).into_iter().map(f64::from).collect()
}

fn log_sum_exp(values: &[f64]) -> f64 {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    max + values.iter().map(|value| (value - max).exp()).sum::<f64>().ln()
}

#[test]
fn scores_are_those_of_each_row_alone_under_its_restriction_and_temperature() {
    let model = model(1).valid();
    let rows = rows();
    let temperature = 0.7;
    let batch = Batch::new(&rows, model.beginnings(), &model.device());
    let settings = ScoreSettings { temperature, entropy: EntropyGradient::Tracked, legality: true };
    let stats = token_stats(&model, &batch, &settings);
    let [_, n_columns] = batch.shape();
    let (logprobs, entropies) = (values(stats.logprobs), values(stats.entropy));
    let masses = values(stats.legal_logmass.unwrap());
    for (row_idx, row) in rows.iter().enumerate() {
        for (column, idx) in row.loss_positions().enumerate() {
            let logits: Vec<f64> =
                plain_logits(&model, row, idx).iter().map(|logit| logit / temperature).collect();
            let all: Vec<u32> = (0..logits.len() as u32).collect();
            let allowed = row.allowed_at(idx).unwrap_or(&all);
            let kept: Vec<f64> = allowed.iter().map(|token| logits[*token as usize]).collect();
            let total = log_sum_exp(&kept);
            let entropy: f64 = kept.iter().map(|logit| -(logit - total) * (logit - total).exp()).sum();
            let cell = row_idx * n_columns + column;
            let want =
                [logits[row.completion()[idx] as usize] - total, entropy, total - log_sum_exp(&logits)];
            let got = [logprobs[cell], entropies[cell], masses[cell]].map(f64::from);
            for (got, want) in got.iter().zip(want) {
                assert!((got - want).abs() < 1e-5, "row {row_idx} token {idx}: {got} is not {want}");
            }
        }
    }
}

#[test]
fn empty_cells_are_zero() {
    let model = model(1).valid();
    let batch = Batch::new(&rows(), model.beginnings(), &model.device());
    let stats = token_stats(&model, &batch, &ScoreSettings::default());
    let outside = batch.loss_mask.clone().neg().add_scalar(1.0);
    let sum = (stats.logprobs.abs() + stats.entropy.abs()) * outside;
    sum.sum().into_data().assert_approx_eq::<f32>(&TensorData::from([0.0_f32]), Tolerance::absolute(0.0));
}

#[test]
fn row_logprobs_stand_where_the_tokens_do() {
    let model = model(1).valid();
    let rows = rows();
    let logprobs = row_logprobs(&model, &Batch::new(&rows, model.beginnings(), &model.device()), &rows, 1.0);
    assert_eq!(logprobs[2].len(), 4);
    assert_eq!((logprobs[2][1], logprobs[2][3]), (0.0, 0.0));
    assert!(logprobs[2][0] < 0.0 && logprobs[2][2] < 0.0);
}
