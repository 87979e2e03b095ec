//! Rows of a data file as examples: what is learnt from together, and what it is worth to a model.

use std::path::Path;

use anyhow::Result;
use data::{Counts, Encoded, SequenceLimit, Source, Tokenizer, VALIDATION_SHARE};
use model::{DecoderConfig, LanguageModel};
use schema::DatasetType;
use train::dpo::{Dpo, DpoSettings};
use train::sft::RowMean;
use train::twin::{logprobs_of_rows, pair_losses_of, row_losses};
use train::{Activations, Direction, Objective, Row, RowUnit, micro_batches, row_divergences};

use super::ObjectiveKind;
use crate::BadInput;

/// One row, or a pair of them (chosen, rejected).
pub(crate) type Example = Vec<Row>;

/// Examples of a supervised task.
#[derive(Debug)]
pub(super) struct Examples {
    /// To learn from.
    pub(super) train: Vec<Example>,
    /// To choose by.
    pub(super) validation: Vec<Example>,
    /// What became of the file's rows.
    pub(super) counts: Counts,
}

/// Reads the file of an instruct, chat or DPO task; without a seed nothing is set apart and the order is the file's.
///
/// # Errors
/// [`BadInput`] if nothing in it can be learnt from.
pub(super) fn load(
    file: &Path,
    card: &DatasetType,
    config: &DecoderConfig,
    tokenizer: &Tokenizer,
    seed: Option<u64>,
    quarantine: Option<&Path>,
) -> Result<Examples> {
    let positions = config.max_position_embeddings;
    let limit = SequenceLimit::of_model(Some(positions), tokenizer.model_max_length());
    let source = Source { file, quarantine };
    let bad = |error: data::Error| {
        let hint = error.hint().unwrap_or_else(|| "see --dataset and --dataset-type".to_owned());
        BadInput::new(error.to_string(), hint)
    };
    let single =
        |dataset: data::Dataset<Encoded>| examples(dataset, seed, |row: &Encoded| vec![Row::from(row)]);
    let found = match card {
        DatasetType::Instruct(card) => {
            single(data::load_instruct(source, card, tokenizer, limit).map_err(bad)?)
        }
        DatasetType::Chat(card) => single(data::load_chat(source, card, tokenizer, limit).map_err(bad)?),
        DatasetType::Dpo(card) => {
            let dataset = data::load_dpo(source, card, tokenizer, positions).map_err(bad)?;
            examples(dataset, seed, |pair: &data::Pair| {
                vec![Row::from(&pair.chosen), Row::from(&pair.rejected)]
            })
        }
        DatasetType::Grpo(_) | DatasetType::Env(_) => anyhow::bail!("this task has no supervised examples"),
    };
    if found.train.is_empty() {
        let message = format!("no row of `{}` has a token that is predicted", file.display());
        return Err(BadInput::new(message, "longer prompts or outputs").into());
    }
    Ok(found)
}

fn examples<T>(dataset: data::Dataset<T>, seed: Option<u64>, example: impl Fn(&T) -> Example) -> Examples {
    let counts = dataset.counts.clone();
    // A sequence whose only label is its first token has none that is predicted.
    let is_learnt = |example: &Example| example.iter().all(|row| row.n_loss_tokens() > 0);
    let examples = |rows: Vec<T>| rows.iter().map(&example).filter(is_learnt).collect();
    match seed {
        Some(seed) => {
            let split = dataset.split(VALIDATION_SHARE, seed);
            Examples { train: examples(split.train), validation: examples(split.validation), counts }
        }
        None => Examples { train: examples(dataset.rows), validation: Vec::new(), counts },
    }
}

/// What is minimised over examples, and what the evaluator makes of them.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    pub(crate) kind: ObjectiveKind,
    /// Without gradients: what the KL term and preferences are relative to.
    pub(crate) base: LanguageModel,
    /// Tokens that go through the model at once.
    pub(crate) token_budget: usize,
    /// What a step keeps for its backward pass.
    pub(crate) activations: Activations,
}

impl Goal {
    /// Examples as the step wants them: with reference log-probs, or read whole.
    pub(crate) fn prepared(&self, examples: Vec<Example>) -> Vec<Example> {
        match self.kind {
            ObjectiveKind::SftWithKl(_) => {
                let whole = |example: Example| example.into_iter().map(Row::with_whole_input).collect();
                examples.into_iter().map(whole).collect()
            }
            ObjectiveKind::Dpo => self.with_reference(examples),
            _ => examples,
        }
    }

    /// Reference log-probs are computed once for each pair.
    fn with_reference(&self, examples: Vec<Example>) -> Vec<Example> {
        let missing = |row: &&Row| row.ref_logprobs().is_none();
        let rows: Vec<Row> = examples.iter().flatten().filter(missing).cloned().collect();
        let mut logprobs = logprobs_of_rows(&self.base, &rows, self.token_budget).into_iter();
        let mut complete = |row: Row| match row.ref_logprobs() {
            Some(_) => row,
            None => row.with_ref_logprobs(logprobs.next().expect("one for each row that had none")),
        };
        examples.into_iter().map(|example| example.into_iter().map(&mut complete).collect()).collect()
    }

    /// The micro-batches of a step and what they are minimised by.
    pub(crate) fn step(&self, examples: Vec<Example>) -> (Vec<Vec<Row>>, Box<dyn Objective>) {
        let rows: Vec<Row> = examples.into_iter().flatten().collect();
        let is_dpo = self.kind == ObjectiveKind::Dpo;
        let parts =
            micro_batches(rows, self.token_budget, if is_dpo { RowUnit::Pair } else { RowUnit::Single });
        let objective: Box<dyn Objective> = match self.kind {
            ObjectiveKind::Dpo => Box::new(Dpo::new(&parts, DpoSettings::default())),
            _ => Box::new(RowMean::new(&parts)),
        };
        (parts, objective)
    }

    /// The evaluator's figure for each example, lower is better; `model` without gradients.
    pub(crate) fn losses(&self, model: &LanguageModel, examples: &[Example]) -> Vec<f64> {
        let rows: Vec<Row> = examples.iter().flatten().cloned().collect();
        match self.kind {
            ObjectiveKind::Dpo => pair_losses_of(model, &rows, &DpoSettings::default(), self.token_budget),
            ObjectiveKind::SftWithKl(coef) => {
                let losses = row_losses(model, &rows, self.token_budget);
                let moved = row_divergences(model, &self.base, &rows, Direction::FromBase, self.token_budget);
                // The term is a mean over tokens: a row's share of it, so that the mean over rows is the whole.
                let n_tokens: usize = moved.iter().map(Vec::len).sum();
                let share = coef * rows.len() as f64 / n_tokens.max(1) as f64;
                losses
                    .iter()
                    .zip(&moved)
                    .map(|(loss, moved)| loss + share * moved.iter().sum::<f64>())
                    .collect()
            }
            _ => row_losses(model, &rows, self.token_budget),
        }
    }
}

/// Mean, and the standard error of it.
pub(super) fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, (variance / n).sqrt())
}

#[cfg(test)]
mod tests;
