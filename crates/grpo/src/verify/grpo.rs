//! The cases of the GRPO family.

use std::collections::BTreeMap;

use burn::tensor::{DType, Device, Tensor, TensorData};
use model::LanguageModel;
use schema::VerifyReport;
use train::Row;

use super::cases::GrpoCase;
use super::files::{HostTensor, Tensors};
use super::tolerance::Check;
use super::{Golden, Mode, gradients, scores};
use crate::{
    Error, KlEstimator, KlWeight, LossInput, LossSettings, Normalisers, PolicyObjective, entropy_threshold,
    policy_loss,
};

/// Every case from stored log-probs: losses and figures, no model.
pub(super) fn verify_stored(
    golden: &Golden,
    report: &mut VerifyReport,
    device: &Device,
) -> Result<(), Error> {
    for case in &golden.cases.grpo {
        let terms =
            policy_loss(&stored_input(golden, case, device)?, &settings(case)?, &counts(golden, case)?);
        let mut metrics = BTreeMap::new();
        for metric in terms.metrics {
            metrics.insert(metric.name.to_owned(), scalar(metric.value));
        }
        let mut check = Check::new(report, &case.id);
        compare(&mut check, case, scalar(terms.loss), &metrics);
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
    for case in golden.cases.grpo.iter().filter(|case| case.mode == mode) {
        let objective = PolicyObjective { settings: settings(case)?, counts: counts(golden, case)? };
        let rows = rows(golden, Columns::of(case), model)?;
        let score = objective.score_settings(golden.cases.settings.temp);
        let (step, found) = gradients::compute(model, vec![rows], &objective, &score);
        let mut check = Check::new(report, &case.id);
        compare(&mut check, case, step.loss, &step.metrics);
        let total = case.grad_norm_f64.unwrap_or(case.grad_norm);
        gradients::compare(&mut check, &case.id, &found, total, &case.grad_norms, kept);
    }
    Ok(())
}

fn compare(check: &mut Check, case: &GrpoCase, loss: f64, metrics: &BTreeMap<String, f64>) {
    check.loss("loss", loss, case.loss_f64.unwrap_or(case.loss), 0.0);
    let expected = if case.metrics_f64.is_empty() { &case.metrics } else { &case.metrics_f64 };
    for (name, want) in expected {
        let got = match name.as_str() {
            "entropy_coef" => Some(case.entropy_coef),
            name => metrics.get(name).copied(),
        };
        let slack = if name.contains("clip_ratio") && name.ends_with("mean") {
            1.0 / case.num_items_in_batch
        } else {
            0.0
        };
        check.metric(name, got, *want, slack);
    }
}

/// Which of the batch's columns a case takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns<'a> {
    pub(super) mode: Mode,
    /// Tokens written by the environment do not count.
    pub(super) tool_mask: bool,
    /// Old log-probs are the current ones.
    pub(super) on_policy: bool,
    /// Which advantages.
    pub(super) scale: &'a str,
}

impl<'a> Columns<'a> {
    fn of(case: &'a GrpoCase) -> Self {
        Self { mode: case.mode, tool_mask: case.tool_mask, on_policy: case.on_policy, scale: &case.scale }
    }
}

/// The rows of the whole batch.
pub(super) fn rows(golden: &Golden, columns: Columns<'_>, model: &LanguageModel) -> Result<Vec<Row>, Error> {
    let rows = scores::rows(golden)?;
    let mode = columns.mode.name();
    let mask = mask(golden, columns)?;
    let old = golden.batch.get(&format!("{mode}.old_per_token_logps"))?;
    let reference = golden.batch.get(&format!("{mode}.ref_per_token_logps"))?;
    let advantages = golden.batch.get(&format!("advantages.{}", columns.scale))?;
    let current = columns.on_policy.then(|| scores::logprobs(model, &rows, golden.cases.settings.temp));
    let mut finished = Vec::with_capacity(rows.len());
    for (idx, row) in rows.into_iter().enumerate() {
        let n = row.completion().len();
        let of =
            |tensor: &HostTensor| tensor.rows().nth(idx).map(|row| row[..n].to_vec()).unwrap_or_default();
        let old = current.as_ref().map_or_else(|| of(old), |current| current[idx].clone());
        let mask = of(&mask).into_iter().map(|value| value as u8).collect();
        let row = row.with_loss_mask(mask).with_old_logprobs(old).with_ref_logprobs(of(reference));
        finished.push(row.with_advantage(advantages.values[idx]));
    }
    Ok(finished)
}

fn stored_input(golden: &Golden, case: &GrpoCase, device: &Device) -> Result<LossInput, Error> {
    let mode = case.mode.name();
    let matrix = |name: &str| -> Result<Tensor<2>, Error> {
        let tensor = golden.batch.get(name)?;
        Ok(upload(&tensor.values, [tensor.shape[0], tensor.shape[1]], device))
    };
    let logprobs = matrix(&format!("{mode}.per_token_logps"))?;
    let old = if case.on_policy { logprobs.clone() } else { matrix(&format!("{mode}.old_per_token_logps"))? };
    let mask = mask(golden, Columns::of(case))?;
    let advantages = golden.batch.get(&format!("advantages.{}", case.scale))?;
    Ok(LossInput {
        logprobs,
        entropy: matrix(&format!("{mode}.entropy"))?,
        old_logprobs: old,
        ref_logprobs: Some(matrix(&format!("{mode}.ref_per_token_logps"))?),
        sampler_logprobs: None,
        legal_logmass: None,
        advantages: upload(&advantages.values, [advantages.values.len(), 1], device),
        mask: upload(&mask.values, [mask.shape[0], mask.shape[1]], device),
    })
}

/// Completion tokens that count.
fn mask(golden: &Golden, columns: Columns<'_>) -> Result<HostTensor, Error> {
    let mut mask = golden.batch.get("batch.completion_mask")?.clone();
    if columns.tool_mask {
        let own = golden.batch.get("batch.tool_mask")?;
        mask.values.iter_mut().zip(&own.values).for_each(|(value, own)| *value *= own);
    }
    Ok(mask)
}

fn settings(case: &GrpoCase) -> Result<LossSettings, Error> {
    Ok(LossSettings {
        loss_type: case.loss_type.parse()?,
        level: case.level.parse()?,
        epsilon_low: case.epsilon,
        epsilon_high: case.epsilon_high.unwrap_or(case.epsilon),
        delta: case.delta,
        beta: case.beta,
        kl: KlEstimator::K3,
        kl_weight: if case.use_bias_correction_kl { KlWeight::Ratio } else { KlWeight::Plain },
        entropy_coef: case.entropy_coef,
        top_entropy_quantile: case.top_entropy_quantile,
        off_policy_threshold: case.off_policy_mask_threshold,
        ..LossSettings::default()
    })
}

fn counts(golden: &Golden, case: &GrpoCase) -> Result<Normalisers, Error> {
    let mask = mask(golden, Columns::of(case))?;
    let entropy = golden.batch.get(&format!("{}.entropy", case.mode.name()))?;
    let counted = entropy.values.iter().zip(&mask.values).filter(|(_, mask)| **mask != 0.0);
    let entropies: Vec<f32> = counted.map(|(entropy, _)| *entropy).collect();
    Ok(Normalisers {
        n_items: case.num_items_in_batch,
        accumulation_steps: case.acc,
        steps_per_generation: case.spg,
        entropy_threshold: entropy_threshold(&entropies, case.top_entropy_quantile),
        ..Normalisers::new(mask.shape[0], entropies.len(), golden.cases.max_completion_length)
    })
}

fn upload(values: &[f32], shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn scalar(value: Tensor<1>) -> f64 {
    let values: Vec<f32> = value.into_data_dtype(DType::F32).try_to_vec().expect("converted to f32 just now");
    values.first().copied().map_or(f64::NAN, f64::from)
}
