//! The cases of DPO.

use burn::module::Module;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use model::{LanguageModel, TokenBatch};
use schema::VerifyReport;
use train::dpo::{Dpo, DpoSettings, PairLogprobs, pair_losses};
use train::{Batch, CausalLm, Row, ScoreSettings, row_logprobs};

use super::cases::DpoCase;
use super::files::Tensors;
use super::tolerance::Check;
use super::{Golden, Mode, gradients, scores};
use crate::Error;

/// The five-decimal sums suffice for a comparison as sharp as the loss's.
pub(super) fn verify_stored(
    golden: &Golden,
    report: &mut VerifyReport,
    device: &Device,
) -> Result<(), Error> {
    for case in &golden.cases.dpo {
        let policy = golden.batch.get(&format!("dpo.{}.logps", case.mode.name()))?.values.clone();
        let reference = reference_sums(golden, case)?;
        let lengths: Vec<f32> = rows(golden)?.iter().map(|row| row.n_loss_tokens() as f32).collect();
        let n_pairs = policy.len() / 2;
        let half = |values: &[f32], idx: usize| -> Tensor<1> {
            let values = values[idx * n_pairs..(idx + 1) * n_pairs].to_vec();
            Tensor::from_data(TensorData::new(values, [n_pairs]), device)
        };
        let pairs = PairLogprobs {
            chosen: half(&policy, 0),
            rejected: half(&policy, 1),
            ref_chosen: half(reference, 0),
            ref_rejected: half(reference, 1),
            n_chosen: half(&lengths, 0),
            n_rejected: half(&lengths, 1),
        };
        let loss = f64::from(pair_losses(&pairs, &settings(case)?).mean().into_scalar::<f32>());
        Check::new(report, &case.id).loss("loss", loss, case.loss, 0.0);
    }
    Ok(())
}

/// Every case of `mode` through the model, with gradients.
pub(super) fn verify(
    golden: &Golden,
    mode: Mode,
    model: &LanguageModel,
    kept: &Tensors,
    report: &mut VerifyReport,
) -> Result<(), Error> {
    let rows = rows(golden)?;
    let policy = scores::logprobs(model, &rows, 1.0);
    let sums: Vec<f32> = policy.iter().map(|logprobs| logprobs.iter().sum()).collect();
    let mut check = Check::new(report, format!("dpo.{}.logps", mode.name()));
    let want = golden.batch.get(&format!("dpo.{}.logps", mode.name()))?;
    // Sums of up to a dozen log-probs, each of which may be off by the tolerance of a token.
    check.distance("logps", &sums, &want.values, 1e-5, 1e-5);
    let pairs = in_pairs(&rows);
    // Scored as they will be trained, gradients and all: a reference that is the policy leaves a margin of exactly 0.
    let current = row_logprobs(model, &Batch::new(&pairs, model.beginnings(), &model.device()), &pairs, 1.0);
    for case in golden.cases.dpo.iter().filter(|case| case.mode == mode) {
        let parts = vec![with_reference(golden, case, &pairs, &current)?];
        let objective = Dpo::new(&parts, settings(case)?);
        let (step, found) = gradients::compute(model, parts, &objective, &ScoreSettings::default());
        let mut check = Check::new(report, &case.id);
        check.loss("loss", step.loss, case.loss, 0.0);
        let half = rows.len() / 2;
        for (name, want) in &case.metrics {
            let got = match name.as_str() {
                // A counter of the run that made the cases, not a figure of one.
                "num_tokens" => continue,
                "logits/chosen" => Some(mean_logit(model, &rows[..half])),
                "logits/rejected" => Some(mean_logit(model, &rows[half..])),
                "mean_token_accuracy" => Some(accuracy(model, &rows[..half])),
                name => step.metrics.get(name).copied(),
            };
            check.metric(name, got, *want, 0.0);
        }
        gradients::compare(&mut check, &case.id, &found, case.grad_norm, &case.grad_norms, kept);
    }
    Ok(())
}

/// The chosen rows, then the rejected ones.
pub(super) fn rows(golden: &Golden) -> Result<Vec<Row>, Error> {
    let ids = golden.batch.get("dpo.input_ids")?;
    let attention = golden.batch.get("dpo.attention_mask")?;
    let completion = golden.batch.get("dpo.completion_mask")?;
    let row = |((ids, attention), completion): ((&[f32], &[f32]), &[f32])| {
        let prompt: Vec<f32> =
            attention.iter().zip(completion).map(|(real, completion)| real - completion).collect();
        Row::new(scores::masked(ids, &prompt), scores::masked(ids, completion))
    };
    Ok(ids.rows().zip(attention.rows()).zip(completion.rows()).map(row).collect())
}

/// With an adapter TRL's reference was a copy of it, hence the policy itself; derived cases take the base model.
fn reference_is_policy(case: &DpoCase) -> bool {
    case.mode == Mode::Lora && case.source == "trl"
}

fn reference_sums<'a>(golden: &'a Golden, case: &DpoCase) -> Result<&'a [f32], Error> {
    let name = if reference_is_policy(case) { "logps" } else { "ref_logps" };
    Ok(&golden.batch.get(&format!("dpo.{}.{name}", case.mode.name()))?.values)
}

/// Chosen and rejected rows side by side.
fn in_pairs(rows: &[Row]) -> Vec<Row> {
    let (chosen, rejected) = rows.split_at(rows.len() / 2);
    chosen.iter().zip(rejected).flat_map(|(chosen, rejected)| [chosen.clone(), rejected.clone()]).collect()
}

/// The pairs with the case's reference; stored sums are spread over their tokens, as only sums matter.
fn with_reference(
    golden: &Golden,
    case: &DpoCase,
    pairs: &[Row],
    current: &[Vec<f32>],
) -> Result<Vec<Row>, Error> {
    let sums = reference_sums(golden, case)?;
    let reference = |idx: usize, n: usize| {
        let stored = sums[idx / 2 + idx % 2 * (pairs.len() / 2)];
        if reference_is_policy(case) { current[idx].clone() } else { vec![stored / n as f32; n] }
    };
    let row =
        |(idx, row): (usize, &Row)| row.clone().with_ref_logprobs(reference(idx, row.completion().len()));
    Ok(pairs.iter().enumerate().map(row).collect())
}

fn settings(case: &DpoCase) -> Result<DpoSettings, Error> {
    Ok(DpoSettings { loss: case.loss_type.parse()?, beta: case.beta, label_smoothing: case.label_smoothing })
}

/// Logits that predict the completions of `rows`, with the tokens that follow.
fn completion_logits(model: &LanguageModel, rows: &[Row]) -> (Tensor<2>, Vec<u32>) {
    let model = model.valid();
    let sequences: Vec<Vec<u32>> = rows.iter().map(|row| [row.prompt(), row.completion()].concat()).collect();
    let tokens = TokenBatch::right_padded(&sequences);
    let places: Vec<i32> = rows
        .iter()
        .enumerate()
        .flat_map(|(idx, row)| {
            let first = idx * tokens.n_cols() + row.prompt().len() - 1;
            (first..first + row.completion().len()).map(|place| place as i32)
        })
        .collect();
    let n = places.len();
    let hidden = CausalLm::hidden(&model, &tokens);
    let [n_rows, n_columns, width] = hidden.dims();
    let places = Tensor::<1, Int>::from_data(TensorData::new(places, [n]), &model.device());
    let logits = model.lm_logits(hidden.reshape([n_rows * n_columns, width]).select(0, places));
    (logits, rows.iter().flat_map(|row| row.completion().to_vec()).collect())
}

fn mean_logit(model: &LanguageModel, rows: &[Row]) -> f64 {
    f64::from(completion_logits(model, rows).0.mean().into_scalar::<f32>())
}

fn accuracy(model: &LanguageModel, rows: &[Row]) -> f64 {
    let (logits, targets) = completion_logits(model, rows);
    let best: Vec<i32> =
        logits.argmax(1).into_data_dtype(DType::I32).try_to_vec().expect("converted to i32 just now");
    let hits = best.iter().zip(&targets).filter(|(best, target)| **best as u32 == **target).count();
    hits as f64 / targets.len() as f64
}
