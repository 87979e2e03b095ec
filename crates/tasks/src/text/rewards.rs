//! A GRPO task: completions of raw prompts, judged by Python reward functions.
//!
//! Differs from the plain objective in two things. Half of an advantage is each function's rewards on their own scale,
//! because the tournament ranks entries by each function on its own (spec/contract.md §3.4), and a sum hears only the
//! loudest. And the learning rate follows from how far a step moves the policy ([`Pace`]).

mod pace;

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use data::{Prompt, Source, Tokenizer, VALIDATION_SHARE};
use grpo::advantage::batch_std_advantages;
use grpo::{GrpoConfig, GrpoTrainer, LossSettings};
use model::LanguageModel;
use reward::{Scores, weighted_sum};
use rollout::jsonl;
use schema::{Artifact, DatasetType, GrpoType};
use tokio_util::sync::CancellationToken;
use train::{LearnerConfig, Progress, Row, Schedule, Shape, Warmup};

use self::pace::Pace;
use super::examples::mean_and_error;
use super::fit::Shuffled;
use super::judge::{Judge, MAX_NEW_TOKENS, Played, prompt_divergences};
use super::{Clock, TextTask};
use crate::BadInput;
use crate::events::{Event, Observer, TextStepEvent};
use crate::publish::Publisher;

/// Weight of the divergence from the base in training: the tournament's own template has it.
const BETA: f64 = 0.04;
/// Completions of one prompt in training.
const GROUP: usize = 8;
/// And in evaluation, as the evaluator has it.
pub(super) const JUDGED: usize = 2;
/// Prompts that decide, at most.
const MAX_HELD_OUT: usize = 128;
/// Evaluations of a run.
const EVALUATIONS: u64 = 6;
/// What the evaluator takes off for each nat that the distributions on prompts have moved.
pub(super) const DIVERGENCE_COST: f64 = 0.5;
/// Groups of a step: bounds.
const GROUPS: (usize, usize) = (2, 8);
/// Steps that a run should have at least.
const STEPS_WANTED: f64 = 40.0;
/// Share of an advantage in which functions are heard by weight alone, whatever their scale.
const EACH_SHARE: f32 = 0.5;
/// Completions of a step by which it is told how far it has moved the policy.
const PACED_BY: usize = 16;

/// Trains by rewards. Blocks.
///
/// # Errors
/// As [`super::run`].
pub(super) fn run(
    task: &TextTask,
    (publisher, floor): (&Publisher, Artifact),
    model: LanguageModel,
    observer: &mut dyn Observer,
    cancel: &CancellationToken,
) -> Result<Artifact> {
    let DatasetType::Grpo(card) = &task.card else { anyhow::bail!("no reward functions in this task") };
    let tokenizer = Tokenizer::from_dir(&task.model_dir)?;
    let (train, held_out) = prompts(task, card, &tokenizer, &model, observer)?;
    let mut arena = Arena::new(task, card, tokenizer, model.valid().without_lora(), observer)?;
    let lr = task.lr.unwrap_or_else(|| {
        let facts = super::Facts { n_examples: train.len(), ..task.facts(model.config(), &[]) };
        task.recipe.learning_rate(&facts, task.recipe.method(&facts))
    });
    observer.event(&Event::LearningRate { lr, trials: Vec::new() });
    let memory =
        super::Memory::plan(task.memory, &model, task.recipe.method(&task.facts(model.config(), &[])), 1);
    arena.token_budget = memory.token_budget;
    let mut trainer = GrpoTrainer::new(model, config(lr, &memory));
    let mut pace = task.lr.is_none().then(|| Pace::new(lr));
    let (clock, stored) = (Clock::new(&task.deadline), publisher.stored_dtype()?);

    observer.event(&Event::Phase { name: "measuring".to_owned() });
    let started = Instant::now();
    arena.judge_base(&held_out[..held_out.len().min(4)]);
    let per_prompt = started.elapsed().as_secs_f64() / held_out.len().min(4) as f64;
    let affordable = clock.seconds() * task.eval_share / (EVALUATIONS + 2) as f64 / per_prompt.max(1e-9);
    let held_out = &held_out[..held_out.len().min((affordable as usize).clamp(4, MAX_HELD_OUT))];
    let started = Instant::now();
    arena.judge_base(held_out);
    let mut eval_s = started.elapsed().as_secs_f64();

    observer.event(&Event::Phase { name: "training".to_owned() });
    let mut order = Shuffled::new(train.len(), task.seed);
    let (mut step, mut step_s, mut n_groups) = (0, 0.0_f64, GROUPS.0);
    let (mut evaluated, mut best, mut published) = (0, 0.0_f64, None);
    let begun = Instant::now();
    let closing = |eval_s: f64| 2.0 * eval_s + 0.03 * clock.seconds();
    let total = clock.until(closing(eval_s)).saturating_duration_since(begun).as_secs_f64();
    loop {
        let by_clock = begun.elapsed().as_secs_f64() / total.max(1e-9);
        let fraction = task.steps.map_or(by_clock, |steps| by_clock.max(step as f64 / steps.max(1) as f64));
        let is_over =
            fraction >= 1.0 || cancel.is_cancelled() || clock.left() < 1.5 * step_s + closing(eval_s);
        let due = (fraction * EVALUATIONS as f64) as u64;
        if step > 0 && (is_over || due > evaluated) {
            evaluated = due;
            let candidate = if is_over { trainer.averaged() } else { trainer.model().clone() };
            let started = Instant::now();
            let (score, error) = arena.judge(&candidate.read_back_in(stored), held_out, step);
            eval_s = started.elapsed().as_secs_f64();
            observer.event(&Event::Evaluation { step, loss: -score, base: 0.0, n: held_out.len() * JUDGED });
            // What has learnt longer is preferred unless it is clearly worse.
            if score > (best - error).max(2.0 * error) {
                match publisher.publish(&candidate, step) {
                    Ok(artifact) => {
                        observer.event(&Event::Published { step, path: artifact.path.clone() });
                        (best, published) = (best.max(score), Some(artifact));
                    }
                    Err(error) => observer.event(&Event::Warning {
                        message: format!("step {step} is not handed over: {error:#}"),
                    }),
                }
            }
        }
        if is_over {
            arena.finish(observer);
            return Ok(published.unwrap_or(floor));
        }
        let started = Instant::now();
        let chosen: Vec<&Prompt> = order.take(n_groups).into_iter().map(|idx| &train[idx]).collect();
        let by_clock = if step == 0 { STEPS_WANTED } else { total / step_s.max(1e-9) };
        let n_steps = task.steps.map_or(by_clock, |steps| by_clock.min(steps as f64));
        let pace = pace.as_mut().map(|pace| (pace, n_steps));
        let event = arena.step(&mut trainer, pace, &chosen, Progress { step, fraction })?;
        step += 1;
        let seconds = started.elapsed().as_secs_f64();
        step_s = if step == 1 { seconds } else { 0.7 * step_s + 0.3 * seconds };
        let (means, faults) = (arena.last_means.clone(), arena.n_faults);
        observer.event(&Event::Rewards { step, names: arena.judge.names(), means, faults });
        observer.event(&Event::TextStep(TextStepEvent { fraction, ..event }));
        if step == 2 {
            let per_group = step_s / n_groups as f64;
            n_groups = ((clock.left() / STEPS_WANTED / per_group) as usize).clamp(GROUPS.0, GROUPS.1);
            step_s = per_group * n_groups as f64;
        }
    }
}

fn config(lr: f64, memory: &super::Memory) -> GrpoConfig {
    GrpoConfig {
        loss: LossSettings { beta: BETA, ..LossSettings::default() },
        schedule: Schedule { peak: lr, warmup: Warmup::Share(0.0), shape: Shape::Cosine, floor: 0.1 },
        token_budget: memory.token_budget,
        learner: LearnerConfig { activations: memory.activations, ..LearnerConfig::default() },
        max_completion_tokens: MAX_NEW_TOKENS as usize,
        average_from: 0.6,
        ..GrpoConfig::default()
    }
}

/// Prompts to learn from and to judge by, short enough for a completion to follow.
fn prompts(
    task: &TextTask,
    card: &GrpoType,
    tokenizer: &Tokenizer,
    model: &LanguageModel,
    observer: &mut dyn Observer,
) -> Result<(Vec<Prompt>, Vec<Prompt>)> {
    let quarantine = task.quarantine.as_deref();
    quarantine.and_then(Path::parent).map(std::fs::create_dir_all).transpose()?;
    let source = Source { file: &task.dataset, quarantine };
    let dataset = data::load_grpo(source, card, tokenizer).map_err(|error| {
        let hint = error.hint().unwrap_or_else(|| "see --dataset and --dataset-type".to_owned());
        BadInput::new(error.to_string(), hint)
    })?;
    observer.event(&Event::Rows { counts: dataset.counts.clone() });
    let room = model.config().max_position_embeddings.saturating_sub(MAX_NEW_TOKENS as usize);
    let split = dataset.split(VALIDATION_SHARE, task.seed);
    let cut = |mut prompts: Vec<Prompt>| {
        prompts.retain(|prompt| (1..=room).contains(&prompt.token_ids.len()));
        prompts
    };
    let (train, mut held_out) = (cut(split.train), cut(split.validation));
    if held_out.is_empty() {
        held_out.clone_from(&train);
    }
    if train.is_empty() {
        let message = format!("no prompt leaves room for {MAX_NEW_TOKENS} tokens in the model's positions");
        return Err(BadInput::new(message, "shorter prompts, or a model with more positions").into());
    }
    Ok((train, held_out))
}

/// Play, its judge, and what it is measured against.
struct Arena {
    judge: Judge,
    base: LanguageModel,
    seed: u64,
    /// Tokens that go through the model at once.
    token_budget: usize,
    /// Mean and deviation of each function's rewards of the base.
    scales: Vec<(f64, f64)>,
    last_means: Vec<f64>,
    n_faults: usize,
    /// Gets the completions of evaluations.
    rollouts: Option<jsonl::Writer>,
}

impl Arena {
    fn new(
        task: &TextTask,
        card: &GrpoType,
        tokenizer: Tokenizer,
        base: LanguageModel,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let judge = Judge::new(card, tokenizer, base.config(), task.memory)?;
        observer.event(&Event::Plan { lines: judge.lines() });
        Ok(Self {
            scales: vec![(0.0, 1.0); judge.weights().len()],
            rollouts: task.rollouts.as_ref().map(jsonl::Writer::create).transpose()?,
            token_budget: 1,
            judge,
            base,
            seed: task.seed,
            last_means: Vec::new(),
            n_faults: 0,
        })
    }

    /// As [`Judge::play`], with the counts kept.
    fn play(
        &mut self,
        model: &LanguageModel,
        prompts: &[&Prompt],
        group: usize,
        seed: u64,
    ) -> Result<Played> {
        let played = self.judge.play(model, prompts, group, seed)?;
        self.last_means = played.means();
        self.n_faults += played.n_faults();
        Ok(played)
    }

    fn step(
        &mut self,
        trainer: &mut GrpoTrainer,
        pace: Option<(&mut Pace, f64)>,
        prompts: &[&Prompt],
        progress: Progress,
    ) -> Result<TextStepEvent> {
        let started = Instant::now();
        let policy = trainer.model().valid().merged();
        let seed = self.seed << 20 | (progress.step + 1);
        let Played { drawn, scores } = self.play(&policy, prompts, GROUP, seed)?;
        let advantages = weighted_advantages(&scores, self.judge.weights(), GROUP);
        let rows: Vec<Row> = drawn
            .into_iter()
            .zip(advantages)
            .map(|(drawn, advantage)| {
                let generation = drawn.generation;
                let row = Row::new(drawn.prompt, generation.token_ids).with_loss_mask(generation.loss_mask);
                row.with_old_logprobs(generation.logprobs).with_advantage(advantage)
            })
            .collect();
        let n_tokens: usize = rows.iter().map(Row::n_tokens).sum();
        let some = rows.iter().step_by(rows.len().div_ceil(PACED_BY)).cloned().collect::<Vec<_>>();
        let report = trainer.step_rows(rows, progress)?;
        if let Some((pace, n_steps)) = pace.filter(|_| !report.skipped) {
            pace.moved(trainer.moved(&some), report.lr, n_steps);
            trainer.set_peak_lr(pace.peak());
        }
        Ok(TextStepEvent {
            step: progress.step + 1,
            loss: report.loss,
            lr: report.lr,
            grad_norm: report.grad_norm,
            tokens_per_second: n_tokens as f64 / started.elapsed().as_secs_f64().max(1e-9),
            skipped: report.skipped,
            ..TextStepEvent::default()
        })
    }

    /// Takes the base's rewards as the measure of all others.
    fn judge_base(&mut self, prompts: &[Prompt]) {
        let asked: Vec<&Prompt> = prompts.iter().collect();
        let base = self.base.clone();
        if let Ok(played) = self.play(&base, &asked, JUDGED, self.seed << 20) {
            let scale = |scores: &Scores| {
                let (mean, error) = mean_and_error(&scores.values);
                // A function that says the same of everything has no scale of its own.
                let deviation = error * (scores.values.len() as f64).sqrt();
                (mean, if deviation > 1e-9 { deviation } else { 1.0 })
            };
            self.scales = played.scores.iter().map(scale).collect();
        }
    }

    /// Weighted gain over the base in the base's deviations, less the cost of having moved; and its standard error. The
    /// base's own is 0.
    fn judge(&mut self, model: &LanguageModel, prompts: &[Prompt], step: u64) -> (f64, f64) {
        let asked: Vec<&Prompt> = prompts.iter().collect();
        let plain = model.valid();
        let Ok(played) = self.play(&plain.clone().merged(), &asked, JUDGED, self.seed << 20) else {
            return (f64::NEG_INFINITY, 0.0);
        };
        self.record(&played, prompts, step);
        let gain = |idx: usize| {
            let parts = played.scores.iter().zip(self.judge.weights()).zip(&self.scales);
            parts.map(|((scores, weight), (mean, scale))| weight * (scores.values[idx] - mean) / scale).sum()
        };
        let gains: Vec<f64> = (0..played.drawn.len()).map(gain).collect();
        let (mean, error) = mean_and_error(&gains);
        let moved = prompt_divergences(&plain, &self.base, prompts, self.token_budget);
        // The base was drawn as often and is as uncertain.
        (mean - DIVERGENCE_COST * mean_and_error(&moved).0, error * 2.0_f64.sqrt())
    }

    /// Writes an evaluation's completions; a disk that refuses them ends the record and not the run.
    fn record(&mut self, played: &Played, prompts: &[Prompt], step: u64) {
        let Some(rollouts) = &mut self.rollouts else { return };
        let records = self.judge.trajectories(played, prompts, "text", step);
        if records.iter().any(|record| rollouts.append(record).is_err()) {
            self.rollouts = None;
        }
    }

    /// Gives the file of completions its name.
    fn finish(self, observer: &mut dyn Observer) {
        if let Some(Err(error)) = self.rollouts.map(jsonl::Writer::finish) {
            observer.event(&Event::Warning { message: format!("completions are not recorded: {error}") });
        }
    }
}

/// Rewards compared within their group: half as the weighted sum, half each function on its own scale, then weighted.
fn weighted_advantages(scores: &[Scores], weights: &[f64], group: usize) -> Vec<f32> {
    let compared = |values: &[f64]| {
        let as_f32 = |group: &[f64]| group.iter().map(|value| *value as f32).collect();
        let groups: Vec<Vec<f32>> = values.chunks(group).map(as_f32).collect();
        batch_std_advantages(&groups).concat()
    };
    let total: f64 = weights.iter().map(|weight| weight.abs()).sum();
    let mut advantages = compared(&weighted_sum(scores, weights));
    advantages.iter_mut().for_each(|advantage| *advantage *= 1.0 - EACH_SHARE);
    for (scores, weight) in scores.iter().zip(weights) {
        let share = EACH_SHARE * (weight / total.max(1e-9)) as f32;
        for (sum, advantage) in advantages.iter_mut().zip(compared(&scores.values)) {
            *sum += share * advantage;
        }
    }
    advantages
}

#[cfg(test)]
mod tests;
