//! The evaluator's figure for a model or an adapter, on a file of rows: for people, without training.

mod rewards;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::tensor::{DType, Device};
use data::Tokenizer;
use model::LanguageModel;
use schema::DatasetType;
use serde::Serialize;
use train::Activations;

pub use self::rewards::Rewarded;

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
    /// Weight of the divergence on completions in the evaluator's trainer term, of tasks with reward functions. The
    /// tournament's is 0.
    pub beta: f64,
    /// At most so many rows, the first ones.
    pub max_rows: Option<usize>,
    /// Of completions.
    pub seed: u64,
    /// Bytes that may be used.
    pub memory: u64,
    /// For tensors, without autodiff.
    pub device: Device,
}

/// What the evaluator says of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Figures {
    /// Of tasks with a loss: lower is better.
    Loss(Evaluated),
    /// Of tasks with reward functions: higher is better.
    Reward(Rewarded),
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

impl Figures {
    /// What models are ranked by, higher is better.
    pub fn rank(&self) -> f64 {
        match self {
            Self::Loss(evaluated) => -evaluated.loss,
            Self::Reward(rewarded) => rewarded.score,
        }
    }
}

/// Evaluates each of `models`: a folder with an adapter of the base, or with a whole model.
///
/// # Errors
/// [`BadInput`] if the rows cannot be used or the task has no such figure; else what could not be read.
pub fn evaluate(task: &EvaluateTask, models: &[PathBuf]) -> Result<Vec<Figures>> {
    let kind = match (&task.card, task.kl_coef) {
        (DatasetType::Grpo(card), _) => {
            let found = rewards::evaluate(task, card, models)?;
            return Ok(found.into_iter().map(Figures::Reward).collect());
        }
        (DatasetType::Dpo(_), _) => ObjectiveKind::Dpo,
        (DatasetType::Instruct(_), Some(coef)) => ObjectiveKind::SftWithKl(coef),
        (DatasetType::Instruct(_) | DatasetType::Chat(_), _) => ObjectiveKind::Sft,
        (DatasetType::Env(_), _) => {
            let hint = "`croupier eval arena` compares players";
            return Err(BadInput::new("an environment task has no figure on rows", hint).into());
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
        let losses = goal.losses(&candidate(dir, &base, task)?, &rows);
        let gains: Vec<f64> = of_base.iter().zip(&losses).map(|(base, ours)| base - ours).collect();
        let ((loss, standard_error), (gain, gain_error)) = (mean_and_error(&losses), mean_and_error(&gains));
        Ok(Figures::Loss(Evaluated { loss, standard_error, n: losses.len(), gain, gain_error }))
    };
    models.iter().map(figure).collect()
}

/// The base with the adapter in `dir`, or the whole model there.
fn candidate(dir: &Path, base: &LanguageModel, task: &EvaluateTask) -> Result<LanguageModel> {
    if dir.join("adapter_config.json").is_file() {
        return base
            .clone()
            .with_adapter(dir)
            .with_context(|| format!("loading adapter `{}`", dir.display()));
    }
    if dir == task.base { Ok(base.clone()) } else { load(dir, task) }
}

fn load(dir: &Path, task: &EvaluateTask) -> Result<LanguageModel> {
    LanguageModel::load(dir, DType::F32, &task.device).with_context(|| format!("loading `{}`", dir.display()))
}
