//! The evaluator's figure for a model or an adapter, on a file of rows: for people, without training.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::tensor::{DType, Device};
use data::Tokenizer;
use model::LanguageModel;
use schema::DatasetType;
use serde::Serialize;
use train::Activations;

use super::ObjectiveKind;
use super::examples::{self, Goal, mean_and_error};
use crate::BadInput;

/// Tokens that go through the model at once.
const TOKEN_BUDGET: usize = 16_384;

/// What is evaluated, and on what.
#[derive(Clone, Debug)]
pub struct EvaluateTask {
    /// Base model: its tokenizer is the evaluator's, and what preferences and the KL term are relative to.
    pub base: PathBuf,
    /// Rows.
    pub dataset: PathBuf,
    /// What its columns are.
    pub card: DatasetType,
    /// Weight of the KL term of an instruct task.
    pub kl_coef: Option<f64>,
    /// At most so many rows, the first ones.
    pub max_rows: Option<usize>,
    /// For tensors, without autodiff.
    pub device: Device,
}

/// The evaluator's figure, lower is better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Evaluated {
    /// Mean over rows (pairs) of what each is worth.
    pub loss: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Rows (pairs).
    pub n: usize,
    /// Mean gain over the base on the same rows, and its standard error.
    pub gain: f64,
    /// Of `gain`.
    pub gain_error: f64,
}

/// Evaluates each of `models`: a folder with an adapter of the base, or with a whole model.
///
/// # Errors
/// [`BadInput`] if the rows cannot be used or the task has no such figure; else what could not be read.
pub fn evaluate(task: &EvaluateTask, models: &[PathBuf]) -> Result<Vec<Evaluated>> {
    let kind = match (&task.card, task.kl_coef) {
        (DatasetType::Dpo(_), _) => ObjectiveKind::Dpo,
        (DatasetType::Instruct(_), Some(coef)) => ObjectiveKind::SftWithKl(coef),
        (DatasetType::Instruct(_) | DatasetType::Chat(_), _) => ObjectiveKind::Sft,
        (DatasetType::Grpo(_) | DatasetType::Env(_), _) => {
            let hint = "InstructTextTask, ChatTask or DpoTask";
            return Err(BadInput::new("this task type has no loss on rows", hint).into());
        }
    };
    let tokenizer = Tokenizer::from_dir(&task.base)?;
    let base = load(&task.base, task)?;
    let mut rows = examples::load(&task.dataset, &task.card, base.config(), &tokenizer, None, None)?.train;
    rows.truncate(task.max_rows.unwrap_or(usize::MAX).max(1));
    let (token_budget, activations) = (TOKEN_BUDGET, Activations::Kept);
    let goal = Goal { kind, base: base.clone(), token_budget, activations };
    let rows = goal.prepared(rows);
    let of_base = goal.losses(&base, &rows);
    let figure = |dir: &PathBuf| {
        let model = match dir.join("adapter_config.json").is_file() {
            true => base.clone().with_adapter(dir)?,
            false => load(dir, task)?,
        };
        let losses = goal.losses(&model, &rows);
        let gains: Vec<f64> = of_base.iter().zip(&losses).map(|(base, ours)| base - ours).collect();
        let ((loss, standard_error), (gain, gain_error)) = (mean_and_error(&losses), mean_and_error(&gains));
        Ok(Evaluated { loss, standard_error, n: losses.len(), gain, gain_error })
    };
    models.iter().map(figure).collect()
}

fn load(dir: &Path, task: &EvaluateTask) -> Result<LanguageModel> {
    LanguageModel::load(dir, DType::F32, &task.device).with_context(|| format!("loading `{}`", dir.display()))
}
