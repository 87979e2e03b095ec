//! Gradients of a case under torch's names.

use std::collections::BTreeMap;

use model::{DecoderConfig, LanguageModel};
use train::{
    Learner, LearnerConfig, NamedTensor, Objective, Row, ScoreSettings, StepReport, named_gradients,
};

use super::files::Tensors;
use super::tolerance::Check;

/// Gradients by torch's name.
pub(super) type Gradients = BTreeMap<String, NamedTensor>;

/// Loss, figures and gradients of `parts`; the model is not changed.
pub(super) fn compute(
    model: &LanguageModel,
    parts: Vec<Vec<Row>>,
    objective: &dyn Objective,
    score: &ScoreSettings,
) -> (StepReport, Gradients) {
    let learner = Learner::new(model.clone(), LearnerConfig::default());
    let (gradients, report) = learner.gradients(&parts, objective, score);
    let named = named_gradients(model, &gradients).into_iter();
    (report, named.map(|gradient| (torch_name(&gradient.name, model.config()), gradient)).collect())
}

/// Compares total norm, norms per parameter, and the gradients that were kept whole.
pub(super) fn compare(
    check: &mut Check,
    id: &str,
    found: &Gradients,
    total: f64,
    norms: &BTreeMap<String, f64>,
    kept: &Tensors,
) {
    let squares: f64 = found.values().map(|gradient| gradient.norm().powi(2)).sum();
    check.norm("grad_norm", squares.sqrt(), total);
    for (name, want) in norms {
        let got = found.get(name).map_or(f64::NAN, NamedTensor::norm);
        check.norm(&format!("grad_norm {name}"), got, *want);
    }
    for (name, want) in kept.under(&format!("{id}.")) {
        let got = found.get(name).map_or(&[][..], |gradient| &gradient.values);
        check.gradient(&format!("grad {name}"), got, &want.values);
    }
}

/// The name that torch, or PEFT for an adapter's matrix, gives the parameter at `path`.
pub(super) fn torch_name(path: &str, config: &DecoderConfig) -> String {
    for (ours, theirs) in [(".lora_a", ".lora_A"), (".lora_b", ".lora_B")] {
        if let Some(linear) = path.strip_suffix(ours) {
            return format!("base_model.model.{}{theirs}.default.weight", config.name_in_files(linear));
        }
    }
    config.name_in_files(path)
}
