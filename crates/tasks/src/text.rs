//! A text task, read top to bottom: floor artifact, rows, model, what a step costs, learning rate, training, mean of the
//! best, a last look at the held-out rows. A GRPO task leaves after the floor (`rewards`).
//!
//! Everything is sized by the clock, which began with the process. Rows become tokens in `data`, figures in `train::twin`;
//! the choices that entries differ in are in [`Recipe`].

mod best;
mod evaluate;
mod examples;
mod fit;
mod judge;
mod recipe;
mod rewards;
mod search;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use burn::module::Module;
use burn::tensor::{DType, Device};
use data::Tokenizer;
use model::{DecoderConfig, LanguageModel, LoraConfig};
use schema::{Artifact, DatasetType};
use tokio_util::sync::CancellationToken;
use train::{Activations, Learner, LearnerConfig, ScoreSettings, Tie};

pub use self::evaluate::{EvaluateTask, Evaluated, Figures, Rewarded, evaluate};
pub use self::recipe::{Facts, Method, ObjectiveKind, Recipe, Table, explain};

use self::best::Gate;
use self::examples::Examples;
pub(crate) use self::examples::{Example, Goal};
pub(crate) use self::fit::Shuffled;
use self::fit::{Length, fit};
pub(crate) use self::search::{first_rate, knows_nothing, search};
use crate::Deadline;
use crate::events::{Event, Observer};
use crate::publish::Publisher;

/// Rows that decide are at most so many: more do not make a choice better.
const MAX_HELD_OUT: usize = 1000;
/// Evaluations that the held-out rows are sized for: base, those of the run, means, and one to spare.
const EVALUATIONS: f64 = 14.0;
/// Steps that a run should have at least, before their batches are made larger.
const STEPS_WANTED: f64 = 400.0;
/// Smallest batch.
const MIN_BATCH: usize = 8;
/// A step of so many seconds is measured once.
const LONG_STEP: f64 = 0.5;
/// Share of the run's time that is kept for what follows the main phase.
const CLOSING_SHARE: f64 = 0.04;
/// Tokens that go through the model at once, unless memory allows fewer.
const TOKEN_BUDGET: usize = 16_384;
/// The learning rate of the last look, as a share of the run's, and the examples of its steps.
const LAST_LOOK_LR: f64 = 0.1;
const LAST_BATCH: usize = 16;

/// What is asked.
#[derive(Clone, Debug)]
pub struct TextTask {
    /// Base model.
    pub model_dir: PathBuf,
    /// What an adapter says it belongs to.
    pub base_model: String,
    /// Output folder.
    pub out: PathBuf,
    /// Rows.
    pub dataset: PathBuf,
    /// What its columns are.
    pub card: DatasetType,
    /// Weight of the KL term of an instruct task, if it has one.
    pub kl_coef: Option<f64>,
    /// Where rows that cannot be used are named.
    pub quarantine: Option<PathBuf>,
    /// Gets the completions of evaluations, where there are reward functions: JSON lines of trajectories.
    pub rollouts: Option<PathBuf>,
    /// Reproduces the run, as far as the clock does.
    pub seed: u64,
    /// Optimizer steps, if the clock does not end it first.
    pub steps: Option<u64>,
    /// Replaces the recipe's learning rate and leaves out the search.
    pub lr: Option<f64>,
    /// Share of the time for evaluation.
    pub eval_share: f64,
    /// Share of the time for the search of the learning rate.
    pub search_share: f64,
    /// Bytes that may be used.
    pub memory: u64,
    /// For tensors, without autodiff.
    pub device: Device,
    /// When to be done.
    pub deadline: Deadline,
    /// What is tried first.
    pub recipe: Arc<dyn Recipe>,
}

impl TextTask {
    /// What is minimised.
    pub fn objective(&self) -> ObjectiveKind {
        match (&self.card, self.kl_coef) {
            (DatasetType::Dpo(_), _) => ObjectiveKind::Dpo,
            (DatasetType::Grpo(_), _) => ObjectiveKind::Grpo,
            (DatasetType::Instruct(_), Some(coef)) => ObjectiveKind::SftWithKl(coef),
            _ => ObjectiveKind::Sft,
        }
    }

    /// Why method, precision, batch and learning rate are what they are, in lines: what is known before the rows are.
    ///
    /// # Errors
    /// If the model's configuration cannot be read.
    pub fn explain(&self) -> Result<Vec<String>> {
        let config = DecoderConfig::from_dir(&self.model_dir)?;
        let mut lines = explain(self.recipe.as_ref(), &self.facts(&config, &[]));
        lines.extend(self.lr.map(|lr| format!("           {lr:.3e} was asked for and is taken instead")));
        Ok(lines)
    }

    fn facts<'a>(&self, config: &'a DecoderConfig, examples: &[Example]) -> Facts<'a> {
        let lengths = examples.iter().map(|example| example.iter().map(train::Row::n_tokens).sum());
        Facts {
            config,
            objective: self.objective(),
            n_examples: examples.len(),
            // Before the rows are known: as long as the evaluator lets them be.
            longest: lengths.max().unwrap_or(config.max_position_embeddings.min(4096)),
            memory: self.memory,
        }
    }
}

/// A whole run. Blocks; the caller's thread is the one that computes.
///
/// # Errors
/// [`BadInput`] for what the user can mend; else what failed. After the floor something valid lies in the output folder.
pub fn run(task: &TextTask, observer: &mut dyn Observer, cancel: &CancellationToken) -> Result<Artifact> {
    let config = DecoderConfig::from_dir(&task.model_dir)?;
    let publisher = Publisher::new(&task.out, &task.base_model)?.of_base(&task.model_dir);
    let method = task.recipe.method(&task.facts(&config, &[]));
    let floor = publisher.floor(&config, &adapter_of(method, &config), task.seed)?;
    observer.event(&Event::Published { step: 0, path: floor.path.clone() });

    if task.objective() == ObjectiveKind::Grpo {
        let (model, _) = load(&task.model_dir, &task.device, task.seed, method)?;
        return rewards::run(task, (&publisher, floor), model, observer, cancel);
    }
    observer.event(&Event::Phase { name: "rows".to_owned() });
    let tokenizer = Tokenizer::from_dir(&task.model_dir)?;
    let quarantine = task.quarantine.as_deref();
    quarantine.and_then(Path::parent).map(std::fs::create_dir_all).transpose()?;
    let Examples { mut train, mut validation, counts } =
        examples::load(&task.dataset, &task.card, &config, &tokenizer, Some(task.seed), quarantine)?;
    observer.event(&Event::Rows { counts });
    if validation.is_empty() {
        // Too few rows to set any apart: what is learnt is then also what decides.
        validation = train.clone();
    }

    observer.event(&Event::Phase { name: "model".to_owned() });
    let facts = task.facts(&config, &train);
    let (model, base) = load(&task.model_dir, &task.device, task.seed, method)?;
    let memory = Memory::plan(task.memory, &model, method, facts.longest);
    let Memory { token_budget, activations, n_kept } = memory;
    let goal = Goal { kind: task.objective(), base, token_budget, activations };
    let (mut start_lr, full_batch) = (task.recipe.learning_rate(&facts, method), task.recipe.batch(&facts));
    let max_epochs = task.recipe.max_epochs(&facts);

    observer.event(&Event::Phase { name: "measuring".to_owned() });
    let clock = Clock::new(&task.deadline);
    let cost = StepCost::measure(&model, &goal, &train)?;
    let held_out = held_out(&goal, validation, clock.seconds() * task.eval_share / EVALUATIONS)?;
    let mut gate = Gate::new(&goal, &publisher, held_out, n_kept)?;
    let batch = cost.affordable_batch(clock.left() / STEPS_WANTED, full_batch).min(train.len());
    let step_s = cost.seconds(batch);
    if goal.kind != ObjectiveKind::Dpo {
        // What a loss of preferences says of the base is always the same.
        start_lr = first_rate(start_lr, gate.base_loss(), &config);
    }
    observer.event(&Event::Plan { lines: plan_lines(&goal, method, start_lr, batch, step_s, &gate, &clock) });

    let lr = match task.lr {
        Some(lr) => {
            observer.event(&Event::LearningRate { lr, trials: Vec::new() });
            lr
        }
        None => {
            observer.event(&Event::Phase { name: "learning rate".to_owned() });
            let batches = cached_batches(&train, batch, task.seed);
            let until = clock.until_share(task.search_share);
            let (lr, trials) =
                search(&model, &goal, &batches, gate.held_out(), start_lr, (step_s, until), cancel)?;
            let trials = trials.into_iter().map(|trial| (trial.lr, trial.loss)).collect();
            observer.event(&Event::LearningRate { lr, trials });
            lr
        }
    };

    observer.event(&Event::Phase { name: "training".to_owned() });
    let by_epochs = (max_epochs * train.len() as f64 / batch as f64).ceil().max(1.0) as u64;
    let n_steps = task.steps.unwrap_or(u64::MAX).min(by_epochs);
    let until = clock.until(clock.closing(&gate));
    let length = Length { batch, n_steps, until, step_s, lr, seed: task.seed };
    let n_steps = fit(learner(model, &goal), &goal, &mut train, length, &mut gate, observer, cancel)?;

    if !cancel.is_cancelled() {
        observer.event(&Event::Phase { name: "closing".to_owned() });
        gate.soup(clock.until(0.0), observer);
        last_look(&goal, &mut gate, LAST_LOOK_LR * lr, n_steps, (&cost, &clock), observer)?;
    }
    Ok(gate.published().cloned().unwrap_or(floor))
}

/// The one clock of a run.
pub(crate) struct Clock {
    start: Instant,
    end: Instant,
}

impl Clock {
    /// Without a deadline there is a day: the number of steps ends the run.
    pub(crate) fn new(deadline: &Deadline) -> Self {
        let start = Instant::now();
        let end = deadline.stop_training_at().unwrap_or(start + Duration::from_secs(24 * 3600));
        Self { start, end }
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.end.saturating_duration_since(self.start).as_secs_f64()
    }

    pub(crate) fn left(&self) -> f64 {
        self.end.saturating_duration_since(Instant::now()).as_secs_f64()
    }

    /// So many seconds before the end.
    pub(crate) fn until(&self, reserve: f64) -> Instant {
        self.end.checked_sub(Duration::from_secs_f64(reserve)).unwrap_or(self.start)
    }

    pub(crate) fn until_share(&self, share: f64) -> Instant {
        Instant::now() + Duration::from_secs_f64(self.seconds() * share)
    }

    /// Seconds for means and publications.
    fn closing(&self, gate: &Gate<'_>) -> f64 {
        (CLOSING_SHARE * self.seconds())
            .max(2.0 * gate.eval_s + 2.0 * gate.publish_s)
            .min(0.3 * self.seconds())
    }
}

/// The model to train, and the base without gradients.
pub(crate) fn load(
    model_dir: &Path,
    device: &Device,
    seed: u64,
    method: Method,
) -> Result<(LanguageModel, LanguageModel)> {
    let loaded = LanguageModel::load(model_dir, DType::F32, &device.clone().autodiff())
        .with_context(|| format!("loading `{}`", model_dir.display()))?;
    let base = loaded.valid();
    Ok(match method {
        Method::Full => (loaded, base),
        Method::Lora { .. } => {
            let lora = adapter_of(method, loaded.config());
            (loaded.with_fresh_lora(&lora, seed), base)
        }
    })
}

/// The shape of the adapter: of the floor, and of what is trained unless that is every weight.
pub(crate) fn adapter_of(method: Method, config: &DecoderConfig) -> LoraConfig {
    match method {
        Method::Full => LoraConfig::all_linear(8, 16.0),
        // A rank beyond the width of the model says nothing more.
        Method::Lora { rank, alpha } => {
            let fits = rank.min(config.hidden_size / 2).max(1);
            LoraConfig::all_linear(fits, alpha * fits as f32 / rank as f32)
        }
    }
}

/// A learner for `goal`.
pub(crate) fn learner(model: LanguageModel, goal: &Goal) -> Learner<LanguageModel> {
    let config = LearnerConfig { activations: goal.activations, ..LearnerConfig::default() };
    let learner = Learner::new(model, config);
    match goal.kind {
        ObjectiveKind::SftWithKl(coef) => learner.with_tie(Tie { base: goal.base.clone(), coef }),
        _ => learner,
    }
}

/// What fits beside what a run keeps anyway.
pub(crate) struct Memory {
    /// Tokens that go through the model at once.
    pub(crate) token_budget: usize,
    /// What a step keeps: less where a long row would not fit otherwise.
    pub(crate) activations: Activations,
    /// Candidates for the mean at the end.
    n_kept: usize,
}

impl Memory {
    pub(crate) fn plan(memory: u64, model: &LanguageModel, method: Method, longest: usize) -> Self {
        let n_trained = train::n_trained(model);
        let usable = (recipe::USABLE * memory as f64) as u64;
        // Of a whole model: the base, and what is read back after it was written. An adapter's base is the model.
        let copy = 4 * n_trained as u64;
        let copies = if method == Method::Full { 2 * copy } else { 0 };
        let budget = |activations| {
            let step = train::StepMemory::estimate(model.config(), 4, n_trained, activations);
            step.token_budget(usable.saturating_sub(copies)).unwrap_or(0)
        };
        let wanted = longest.min(TOKEN_BUDGET);
        let fits = [Activations::Kept, Activations::Recomputed].map(|kept| (kept, budget(kept)));
        let (activations, fits) = if fits[0].1 >= wanted { fits[0] } else { fits[1] };
        let for_candidates = (memory - usable.min(memory)) / 2;
        Self {
            token_budget: fits.clamp(wanted, TOKEN_BUDGET),
            activations,
            n_kept: (for_candidates / copy.max(1)).clamp(1, best::KEPT as u64) as usize,
        }
    }
}

/// Seconds of an optimizer step: a part that is the same for all, and one for each example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StepCost {
    fixed: f64,
    each: f64,
}

impl StepCost {
    /// From steps of two sizes that change nothing, after one that allocates.
    pub(crate) fn measure(model: &LanguageModel, goal: &Goal, examples: &[Example]) -> Result<Self> {
        let mut learner = learner(model.clone(), goal);
        let mut order = Shuffled::new(examples.len(), 1);
        let mut seconds = |n: usize| -> Result<f64> {
            let chosen = order.take(n);
            let started = Instant::now();
            let batch = goal.prepared(chosen.iter().map(|idx| examples[*idx].clone()).collect());
            let (parts, objective) = goal.step(batch);
            learner.step(&parts, objective.as_ref(), &ScoreSettings::default(), 0.0)?;
            Ok(started.elapsed().as_secs_f64())
        };
        // The least of some: what disturbs a measurement makes it longer.
        let mut least = |n: usize| -> Result<f64> {
            let mut least = seconds(n)?;
            for _ in 0..2 {
                if least < LONG_STEP {
                    least = least.min(seconds(n)?);
                }
            }
            Ok(least)
        };
        least(MIN_BATCH)?;
        Ok(Self::through((MIN_BATCH, least(MIN_BATCH)?), (3 * MIN_BATCH, least(3 * MIN_BATCH)?)))
    }

    /// The line through two measurements; neither part is negative.
    fn through((few, short): (usize, f64), (many, long): (usize, f64)) -> Self {
        let slope = (long - short) / (many - few) as f64;
        let each = slope.clamp(0.1 * long / many as f64, long / many as f64);
        Self { each, fixed: (long - each * many as f64).max(0.0) }
    }

    pub(crate) fn seconds(&self, batch: usize) -> f64 {
        self.fixed + self.each * batch as f64
    }

    /// The largest batch of a step of at most `seconds`; at least [`MIN_BATCH`], at most `full`.
    pub(crate) fn affordable_batch(&self, seconds: f64, full: usize) -> usize {
        let affordable = (seconds - self.fixed) / self.each.max(1e-9);
        (affordable.max(0.0) as usize).clamp(MIN_BATCH, full.max(MIN_BATCH))
    }
}

/// As many of the held-out examples as can be evaluated in `seconds`, with what they need.
fn held_out(goal: &Goal, mut examples: Vec<Example>, seconds: f64) -> Result<Vec<Example>> {
    anyhow::ensure!(!examples.is_empty(), "there is nothing to choose by");
    // Short and long ones alike tell what the others will take.
    let mut by_length: Vec<usize> = (0..examples.len()).collect();
    by_length.sort_by_key(|idx| examples[*idx].iter().map(train::Row::n_tokens).sum::<usize>());
    let stride = by_length.len().div_ceil(2 * MIN_BATCH);
    let probe = by_length.iter().step_by(stride).map(|idx| examples[*idx].clone()).collect();
    let probe = goal.prepared(probe);
    let started = Instant::now();
    goal.losses(&goal.base, &probe);
    let each = started.elapsed().as_secs_f64() / probe.len() as f64;
    let affordable = (seconds / each.max(1e-9)) as usize;
    examples.truncate(affordable.clamp(MIN_BATCH, MAX_HELD_OUT));
    Ok(goal.prepared(examples))
}

pub(crate) fn cached_batches(examples: &[Example], batch: usize, seed: u64) -> Vec<Vec<Example>> {
    let mut order = Shuffled::new(examples.len(), seed ^ 0x5eed);
    let mut one = || order.take(batch).into_iter().map(|idx| examples[idx].clone()).collect();
    (0..24).map(|_| one()).collect()
}

/// One pass at a low rate over most of the rows that were set apart: they are data too, now that all choices are made. A
/// part of them is kept back and must not become worse.
fn last_look(
    goal: &Goal,
    gate: &mut Gate<'_>,
    lr: f64,
    n_steps: u64,
    (cost, clock): (&StepCost, &Clock),
    observer: &mut dyn Observer,
) -> Result<()> {
    let Some(best) = gate.handed_over().cloned() else { return Ok(()) };
    let (judges, examples): (Vec<_>, Vec<_>) =
        gate.held_out().iter().cloned().enumerate().partition(|(idx, _)| idx % 4 == 0);
    let [judges, examples] =
        [judges, examples].map(|part| part.into_iter().map(|(_, example)| example).collect::<Vec<Example>>());
    let steps = examples.chunks(LAST_BATCH);
    let needed = steps.len() as f64 * cost.seconds(LAST_BATCH) + 2.0 * (gate.eval_s + gate.publish_s);
    if examples.is_empty() || 1.5 * needed > clock.left() {
        return Ok(());
    }
    let loss = |model: &LanguageModel| examples::mean_and_error(&goal.losses(&model.valid(), &judges)).0;
    let (before, mut learner) = (loss(&best.model), learner(best.model, goal));
    let n_steps = n_steps + steps.len() as u64;
    for batch in steps {
        let (parts, objective) = goal.step(batch.to_vec());
        let report = learner.step(&parts, objective.as_ref(), &ScoreSettings::default(), lr)?;
        if report.skipped || clock.left() < gate.eval_s + 2.0 * gate.publish_s {
            return Ok(());
        }
    }
    if loss(learner.model()) < before {
        gate.publish_unjudged(learner.model(), n_steps, observer);
    }
    Ok(())
}

fn plan_lines(
    goal: &Goal,
    method: Method,
    lr: f64,
    batch: usize,
    step_s: f64,
    gate: &Gate<'_>,
    clock: &Clock,
) -> Vec<String> {
    vec![
        format!("objective  {:?}", goal.kind),
        format!("trains     {method}"),
        format!("step       {batch} examples, {step_s:.2} s, at most {} tokens at once", goal.token_budget),
        format!("lr         {lr:.2e} to begin with"),
        format!(
            "chooses    by {} held-out examples, {:.2} s each time; base {:.4}",
            gate.held_out().len(),
            gate.eval_s,
            gate.base_loss()
        ),
        format!("time left  {:.0} s, {:.0} s of it for closing", clock.left(), clock.closing(gate)),
    ]
}

#[cfg(test)]
mod tests;
