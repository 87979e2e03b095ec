//! Four optimizer steps on the whole batch.

use burn::tensor::Device;
use schema::VerifyReport;
use train::{AdamWConfig, Learner, LearnerConfig, NamedTensor, named_parameters};

use super::cases::AdamwCase;
use super::files::Tensors;
use super::grpo::Columns;
use super::tolerance::Check;
use super::{Golden, Mode, gradients, grpo};
use crate::{Error, LossSettings, PolicyObjective};

/// Losses and norms may drift apart by this much, absolute.
const DRIFT: f64 = 2e-5;
/// Of the parameters' change, relative: entries with a gradient near 0 may flip sign.
const CHANGE: f64 = 1e-2;

/// The run and the adapter after it.
pub(super) fn verify(golden: &Golden, device: &Device, report: &mut VerifyReport) -> Result<(), Error> {
    let Some(case) = &golden.cases.adamw else {
        return Ok(());
    };
    let after = Tensors::read(&golden.dir.join("adamw_after4.safetensors"))?;
    let model = golden.model(Mode::Lora, device)?;
    let columns = Columns { mode: Mode::Lora, tool_mask: true, on_policy: false, scale: "group" };
    let parts = vec![grpo::rows(golden, columns, &model)?];
    let settings = LossSettings {
        loss_type: case.loss_type.parse()?,
        epsilon_low: case.epsilon,
        epsilon_high: case.epsilon_high,
        beta: case.beta,
        ..LossSettings::default()
    };
    let objective = PolicyObjective::new(settings, &parts, golden.cases.max_completion_length);
    let score = objective.score_settings(golden.cases.settings.temp);
    let before = named_parameters(&model);
    let mut learner = Learner::new(model, learner_config(case));
    let mut check = Check::new(report, "adamw");
    for (idx, want) in case.steps.iter().enumerate() {
        let step = learner.step(&parts, &objective, &score, case.lr)?;
        check.loss(&format!("loss {idx}"), step.loss, want.loss, DRIFT);
        check.norm(&format!("grad_norm {idx}"), step.grad_norm, want.grad_norm_before_clip);
    }
    for (old, new) in before.iter().zip(named_parameters(learner.model())) {
        let name = gradients::torch_name(&old.name, learner.model().config());
        let want = after.get(&name)?;
        check.distance(&name, &change(old, &new.values), &change(old, &want.values), CHANGE, 0.0);
    }
    Ok(())
}

fn change(before: &NamedTensor, after: &[f32]) -> Vec<f32> {
    after.iter().zip(&before.values).map(|(after, before)| after - before).collect()
}

fn learner_config(case: &AdamwCase) -> LearnerConfig {
    let adamw = AdamWConfig {
        beta_1: case.betas[0],
        beta_2: case.betas[1],
        epsilon: case.eps,
        weight_decay: case.weight_decay,
    };
    LearnerConfig { adamw, max_grad_norm: case.clip, ..LearnerConfig::default() }
}
