//! The figures of a GRPO task: rewards of sampled completions, the trainer's own term, and how far prompts have moved.
//!
//! Source: contract §3.4 and the evaluation of TRL's GRPOTrainer with its defaults (two completions of a prompt, eight
//! prompts a batch, rewards scaled by their group's deviation, the `dapo` loss). Deviation: batches are taken in the order of
//! the file, and completions are drawn with our random numbers.

use std::path::PathBuf;

use anyhow::Result;
use data::{Prompt, Source, Tokenizer};
use model::LanguageModel;
use reward::weighted_sum;
use schema::GrpoType;
use serde::Serialize;
use train::Row;
use train::twin::logprobs_of_rows;

use super::{EvaluateTask, TOKEN_BUDGET, candidate, load};
use crate::BadInput;
use crate::text::examples::mean_and_error;
use crate::text::judge::{Judge, MAX_NEW_TOKENS, Played, prompt_divergences};
use crate::text::rewards::{DIVERGENCE_COST, JUDGED};

/// Completions of a batch in the evaluator's trainer.
const BATCH: usize = 16;
/// Keeps the scale of a group finite, as TRL does.
const STD_EPSILON: f64 = 1e-4;

/// What the evaluator says of a model with reward functions; higher is better.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rewarded {
    /// Weighted sum of the functions' means.
    pub reward: f64,
    /// Its standard error.
    pub reward_error: f64,
    /// Names of the functions.
    pub functions: Vec<String>,
    /// Mean of each, unweighted.
    pub means: Vec<f64>,
    /// Loss of the evaluator's trainer, taken off the reward.
    pub trainer_loss: f64,
    /// Mean divergence from the base on completions, which `beta` weighs within it; absent if that is 0.
    pub completion_kl: Option<f64>,
    /// `reward` less `trainer_loss`: what the evaluator calls the loss.
    pub eval_loss: f64,
    /// Mean divergence from the base on the prompts' own tokens, in nats.
    pub prompt_kl: f64,
    /// What the tournament ranks by: among all models of the call, each function on a common scale, less the cost of
    /// `prompt_kl`. Of a single model `eval_loss`.
    pub score: f64,
    /// Completions.
    pub n: usize,
    /// Completions that a function failed on, which count 0.
    pub n_faults: usize,
}

/// Figures of `models` on the same prompts with the same random numbers.
pub(super) fn evaluate(task: &EvaluateTask, card: &GrpoType, models: &[PathBuf]) -> Result<Vec<Rewarded>> {
    let tokenizer = Tokenizer::from_dir(&task.base)?;
    let base = load(&task.base, task)?;
    let prompts = prompts(task, card, &tokenizer, &base)?;
    let judge = Judge::new(card, tokenizer, base.config(), task.memory)?;
    let asked: Vec<&Prompt> = prompts.iter().collect();
    let figure = |dir: &PathBuf| {
        let model = candidate(dir, &base, task)?;
        let played = judge.play(&model.clone().merged(), &asked, JUDGED, task.seed << 20)?;
        let moved = prompt_divergences(&model, &base, &prompts, TOKEN_BUDGET);
        let completion_kl = (task.beta != 0.0).then(|| completion_divergences(&model, &base, &played));
        Ok(figures(&judge, &played, (completion_kl, task.beta), mean_and_error(&moved).0))
    };
    let mut found = models.iter().map(figure).collect::<Result<Vec<Rewarded>>>()?;
    if found.len() > 1 {
        let means: Vec<Vec<f64>> = found.iter().map(|one| one.means.clone()).collect();
        let common = common_scale(&means, judge.weights());
        for (one, common) in found.iter_mut().zip(common) {
            one.score = common - DIVERGENCE_COST * one.prompt_kl;
        }
    }
    Ok(found)
}

/// The first prompts of the file that leave room for a completion.
fn prompts(
    task: &EvaluateTask,
    card: &GrpoType,
    tokenizer: &Tokenizer,
    base: &LanguageModel,
) -> Result<Vec<Prompt>> {
    let source = Source { file: &task.dataset, quarantine: None };
    let mut prompts = data::load_grpo(source, card, tokenizer)
        .map_err(|error| {
            let hint = error.hint().unwrap_or_else(|| "see --dataset and --dataset-type".to_owned());
            BadInput::new(error.to_string(), hint)
        })?
        .rows;
    let room = base.config().max_position_embeddings.saturating_sub(MAX_NEW_TOKENS as usize);
    prompts.retain(|prompt| (1..=room).contains(&prompt.token_ids.len()));
    prompts.truncate(task.max_rows.unwrap_or(usize::MAX).max(1));
    if prompts.is_empty() {
        let message = format!("no prompt leaves room for {MAX_NEW_TOKENS} tokens in the model's positions");
        return Err(BadInput::new(message, "shorter prompts, or a model with more positions").into());
    }
    Ok(prompts)
}

fn figures(
    judge: &Judge,
    played: &Played,
    (completion_kl, beta): (Option<Vec<Vec<f64>>>, f64),
    prompt_kl: f64,
) -> Rewarded {
    let sums = weighted_sum(&played.scores, judge.weights());
    let lengths: Vec<usize> = played.drawn.iter().map(|drawn| drawn.generation.token_ids.len()).collect();
    let (reward, reward_error) = mean_and_error(&sums);
    let kl_sums: Vec<f64> = completion_kl.iter().flatten().map(|tokens| tokens.iter().sum::<f64>()).collect();
    let trainer_loss = trainer_loss(&sums, &lengths, &kl_sums, beta);
    let n_tokens = lengths.iter().sum::<usize>().max(1) as f64;
    Rewarded {
        reward,
        reward_error,
        functions: judge.names(),
        means: played.means(),
        trainer_loss,
        completion_kl: completion_kl.map(|_| kl_sums.iter().sum::<f64>() / n_tokens),
        eval_loss: reward - trainer_loss,
        prompt_kl,
        score: reward - trainer_loss,
        n: played.drawn.len(),
        n_faults: played.n_faults(),
    }
}

/// The mean over batches, by their completions, of what TRL's `dapo` loss makes of completions under the weights that drew
/// them: the advantages and `beta` times the divergences, both summed over tokens, by the batch's tokens.
///
/// `kl_sums` is empty or has the sum over its tokens of each completion.
fn trainer_loss(rewards: &[f64], lengths: &[usize], kl_sums: &[f64], beta: f64) -> f64 {
    let advantages: Vec<f64> = rewards.chunks(JUDGED).flat_map(scaled_in_group).collect();
    let n = advantages.len();
    let batches = (0..n).step_by(BATCH).map(|start| start..(start + BATCH).min(n));
    let of_batch = |batch: std::ops::Range<usize>| {
        let n_tokens: usize = lengths[batch.clone()].iter().sum();
        let share = batch.len() as f64 / n as f64;
        let term = |idx: usize| {
            beta * kl_sums.get(idx).copied().unwrap_or_default() - advantages[idx] * lengths[idx] as f64
        };
        share * batch.map(term).sum::<f64>() / n_tokens.max(1) as f64
    };
    batches.map(of_batch).sum()
}

/// Rewards of one prompt, less their mean, by their deviation (of a sample).
fn scaled_in_group(rewards: &[f64]) -> Vec<f64> {
    let n = rewards.len() as f64;
    let mean = rewards.iter().sum::<f64>() / n;
    let variance = rewards.iter().map(|reward| (reward - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    rewards.iter().map(|reward| (reward - mean) / (variance.sqrt() + STD_EPSILON)).collect()
}

/// For each token of each completion `exp(r) - r - 1` with `r` the log-ratio of base to model.
fn completion_divergences(model: &LanguageModel, base: &LanguageModel, played: &Played) -> Vec<Vec<f64>> {
    let row = |drawn: &crate::text::judge::Drawn| {
        Row::new(drawn.prompt.clone(), drawn.generation.token_ids.clone())
    };
    let rows: Vec<Row> = played.drawn.iter().map(row).collect();
    let [ours, theirs] = [model, base].map(|model| logprobs_of_rows(model, &rows, TOKEN_BUDGET));
    let k3 = |(ours, theirs): (&f32, &f32)| {
        let ratio = f64::from(*theirs) - f64::from(*ours);
        ratio.exp() - ratio - 1.0
    };
    ours.iter().zip(&theirs).map(|(ours, theirs)| ours.iter().zip(theirs).map(k3).collect()).collect()
}

/// The weighted sum of each model's means after the tournament has brought every function to a common scale: values below 0
/// lift all by the least, then the best is 1. Two models with a value below 0 are only put in order, 0.75 before 0.25;
/// equal ones (of which the contract says nothing) share 0.5.
fn common_scale(means: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; means.len()];
    for (function, weight) in weights.iter().enumerate() {
        let values: Vec<f64> = means.iter().map(|means| means[function]).collect();
        let scaled = scaled(&values);
        sums.iter_mut().zip(scaled).for_each(|(sum, value)| *sum += weight * value);
    }
    sums
}

fn scaled(values: &[f64]) -> Vec<f64> {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    if let [a, b] = *values
        && least < 0.0
    {
        let place = |own: f64, other: f64| match own.total_cmp(&other) {
            std::cmp::Ordering::Less => 0.25,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 0.75,
        };
        return vec![place(a, b), place(b, a)];
    }
    let lifted: Vec<f64> = values.iter().map(|value| value - least.min(0.0)).collect();
    let most = lifted.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    lifted.iter().map(|value| if most > 0.0 { value / most } else { 1.0 }).collect()
}

#[cfg(test)]
mod tests;
