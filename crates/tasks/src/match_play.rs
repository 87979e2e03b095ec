//! An environment task at the tournament's table, read top to bottom: floor artifact, model, teachers, learning rate,
//! the teachers' games, the states that the model itself reaches, exams, artifact.
//!
//! Match play is scored by wins alone, one stateless tool call a turn, at temperature 0. A teacher that has solved a game
//! from its rules says at every turn what to do, and the model learns to say it: first on the teacher's games, then also
//! on those that the model plays (DAgger), because it does not stay where its teacher would be; mounted data sets of
//! recorded turns join where there are some. What is handed over has played the same games as the base and as what lay
//! there before, and scored more than the one and no less than the other.

mod course;
mod exam;
mod lessons;
mod mounted;
mod shell;
mod tail;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use burn::module::Module;
use burn::tensor::Device;
use data::Tokenizer;
use games::match_play;
use model::{DecoderConfig, LanguageModel};
use reward::WeightedFunction;
use rollout::{IntercodeFormat, MatchFormat, PromptPack, ShellView};
use schema::{Artifact, EnvName, MatchMove, MatchView, RunConfig};
use tokio_util::sync::CancellationToken;
use train::{AdamWConfig, Learner, LearnerConfig, WeightAverage};
use url::Url;

pub use self::lessons::TeacherKind;

use self::course::{Best, Course, EXAMS, Run, n_groups};
use self::exam::Exams;
use self::lessons::Lessons;
use self::shell::Shell;
use self::tail::Stage;
use crate::env_task::connect;
use crate::events::{Event, Observer};
use crate::publish::Publisher;
use crate::text::{
    Clock, Facts, Goal, Memory, ObjectiveKind, Recipe, StepCost, adapter_of, cached_batches, knows_nothing,
    load, search,
};
use crate::{BadInput, Deadline, EnvRewards, Source, WhenAllDead};

/// Rows for the measurements before the first step.
const PROBE: usize = 256;
/// Steps that a run should have at least, before their batches are made larger.
const STEPS_WANTED: f64 = 800.0;
/// Of a base that knows no language: the learning rate, and how long the optimizer remembers squared gradients, which are a
/// thousand times smaller after fifty steps than at first. The loss of liar's dice told briefly after 200 steps is 0.074, with
/// 1e-3 and 0.999 it is 0.099, and a gradient of 35 then undoes it.
const RATE_FROM_NOTHING: f64 = 5e-4;
const BETA_2_FROM_NOTHING: f64 = 0.99;
/// Share of the time after the first measurements that belongs to rewards.
const TAIL_SHARE: f64 = 0.15;
/// A player's turns in an episode, about.
const TURNS: f64 = 6.0;

/// What is asked.
#[derive(Clone, Debug)]
pub struct MatchTask {
    /// Base model.
    pub model_dir: PathBuf,
    /// What an adapter says it belongs to.
    pub base_model: String,
    /// Output folder.
    pub out: PathBuf,
    /// Games to be played; not empty.
    pub envs: Vec<EnvName>,
    /// Sidecars for the episodes that are rewarded; empty means in this process.
    pub urls: Vec<Url>,
    /// What to do if no sidecar answers.
    pub when_all_dead: WhenAllDead,
    /// Of the rewarded episodes: rollouts, opponent, weights of the games.
    pub config: RunConfig,
    /// Whom the model learns from.
    pub teacher: TeacherKind,
    /// Whether rows may be made here; else only those of mounted sets are learnt from.
    pub own_rows: bool,
    /// Data sets of recorded turns, files or folders.
    pub mounted: Vec<PathBuf>,
    /// Whether the states that the model reaches join the lessons.
    pub own_states: bool,
    /// Whether the end of the run belongs to GRPO.
    pub by_rewards: bool,
    /// Reward functions whose weighted scores are added to what an episode of GRPO is worth.
    pub rewards: Vec<WeightedFunction>,
    /// Prose of the prompts.
    pub pack: Arc<PromptPack>,
    /// Reproduces the run, as far as the clock does.
    pub seed: u64,
    /// Optimizer steps, if the clock does not end it first.
    pub steps: Option<u64>,
    /// Replaces the recipe's learning rate and leaves out the search.
    pub lr: Option<f64>,
    /// Share of the time for exams and for the games of the model's own states.
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
    /// Where the shell environment may keep files.
    pub scratch: PathBuf,
}

impl MatchTask {
    /// The environments that are played at a table.
    fn games(&self) -> Vec<EnvName> {
        self.envs.iter().copied().filter(|env| *env != EnvName::Intercode).collect()
    }
}

/// Tokens that the longest first turn of `envs` takes: what a model must at least be able to read.
///
/// # Errors
/// If the model's tokenizer cannot be read, or cannot show a turn.
pub fn first_turn_tokens(model_dir: &Path, pack: &Arc<PromptPack>, envs: &[EnvName]) -> Result<usize> {
    let tokenizer = Arc::new(Tokenizer::from_dir(model_dir)?);
    let format = MatchFormat::new(tokenizer.clone(), pack.clone())?;
    let tokens = |env: &EnvName| -> Result<usize> {
        if *env == EnvName::Intercode {
            let view = ShellView { question: String::new(), steps: Vec::new() };
            return Ok(IntercodeFormat::new(tokenizer.clone(), pack.clone())?.prompt(&view)?.tokens.len());
        }
        first_turn(env.as_str())?.map_or(Ok(0), |view| Ok(format.prompt(&view)?.tokens.len()))
    };
    let lengths = envs.iter().map(tokens).collect::<Result<Vec<_>>>()?;
    Ok(lengths.into_iter().max().unwrap_or(0))
}

/// A whole run.
///
/// # Errors
/// [`BadInput`] for what the user can mend; else what failed. After the floor something valid lies in the output folder.
pub async fn run(
    task: &MatchTask,
    observer: &mut dyn Observer,
    cancel: &CancellationToken,
) -> Result<Artifact> {
    let config = DecoderConfig::from_dir(&task.model_dir)?;
    let publisher = Publisher::new(&task.out, &task.base_model)?.of_base(&task.model_dir);
    let method = task.recipe.method(&facts(task, &config, 0, 0));
    let floor = publisher.floor(&config, &adapter_of(method, &config), task.seed)?;
    observer.event(&Event::Published { step: 0, path: floor.path.clone() });

    let source = sidecars(task, observer).await?;
    let rewards = if task.by_rewards { EnvRewards::of(&task.rewards)? } else { None };
    let clock = Clock::new(&task.deadline);
    let format = match_format(task, observer)?;
    let shell = task.envs.contains(&EnvName::Intercode).then(|| Shell::open(task)).transpose()?.map(Arc::new);
    if let Some(shell) = &shell {
        observer.event(&Event::Plan { lines: vec![format!("intercode  {}", shell.describe())] });
    }
    let mounted = blocking(|| mounted::rows(task, format.chat(), config.max_position_embeddings, observer));
    observer.event(&Event::Phase { name: "model".to_owned() });
    let (model, base) = load(&task.model_dir, &task.device, task.seed, method)?;
    let from_nothing = blocking(|| knows_no_language(task, &format, &base))?;
    let told_briefly = from_nothing && task.own_rows;

    observer.event(&Event::Phase { name: "teachers".to_owned() });
    let sources = (shell.as_deref(), mounted, told_briefly);
    let mut lessons = Lessons::start(task, format.clone(), sources, clock.seconds())?;
    let probe = lessons.mixed(PROBE)?;
    let longest = probe.iter().flatten().map(train::Row::n_tokens).max().unwrap_or(0);
    check_room(longest, &config)?;
    let facts = facts(task, &config, PROBE, longest);
    let Memory { token_budget, activations, .. } = Memory::plan(task.memory, &model, method, longest);
    let goal = Goal { kind: ObjectiveKind::Sft, base: base.clone(), token_budget, activations };
    let cost = blocking(|| StepCost::measure(&model, &goal, &probe))?;
    let batch = cost.affordable_batch(clock.left() / STEPS_WANTED, task.recipe.batch(&facts));
    let step_s = cost.seconds(batch);
    let shown = format.clone();
    let shell_isolates = shell.as_ref().is_some_and(|shell| shell.isolates());
    let can_reward = source.is_some() || task.by_rewards && shell_isolates;
    let mut exams = Exams::new(task, format, shell, EXAMS + u64::from(task.by_rewards))?;
    let base_standing = exams.examine(&base, 0, observer, cancel).await?;
    observer.event(&Event::Plan {
        lines: vec![
            format!("trains     {method}"),
            format!("learns     from {}", lessons.describe()),
            format!("step       {batch} turns of at most {longest} tokens, {step_s:.2} s"),
            format!("exams      {}, {:.0} s for each", exams.describe(), exams.budget_s()),
            format!("time left  {:.0} s", clock.left()),
        ],
    });

    let start = task.recipe.learning_rate(&facts, method);
    let (lr, trials) = match task.lr {
        Some(lr) => (lr, Vec::new()),
        // No search: the first steps from nothing are fastest at rates at which later ones fail.
        None if from_nothing => (start.max(RATE_FROM_NOTHING), Vec::new()),
        None if task.deadline.stop_training_at().is_none() => (start, Vec::new()),
        None => {
            observer.event(&Event::Phase { name: "learning rate".to_owned() });
            let until = clock.until_share(task.search_share);
            let batches = cached_batches(&probe, batch, task.seed);
            blocking(|| search(&model, &goal, &batches, &[], start, (step_s, until), cancel))?
        }
    };
    let trials = trials.into_iter().map(|trial| (trial.lr, trial.loss)).collect();
    observer.event(&Event::LearningRate { lr, trials });
    let beta_2 = if from_nothing { BETA_2_FROM_NOTHING } else { AdamWConfig::default().beta_2 };
    let adamw = AdamWConfig { beta_2, ..AdamWConfig::default() };

    observer.event(&Event::Phase { name: "training".to_owned() });
    let mut run = Run {
        learner: Learner::new(model, LearnerConfig { adamw, activations, ..LearnerConfig::default() }),
        average: WeightAverage::default(),
        has_tail: base_standing.speaks(),
        best: Best { standing: base_standing, artifact: None },
        step: 0,
    };
    let tail_s = if can_reward { TAIL_SHARE * clock.left() } else { 0.0 };
    // Each turn of an episode is played once and learnt from once, at about the same cost.
    let group_s = 2.0 * TURNS * f64::from(task.config.rollout.group_size.max(2)) * step_s / batch as f64;
    let tail_s = if n_groups(tail_s, group_s) == 0 { 0.0 } else { tail_s };
    if can_reward && tail_s == 0.0 {
        let line = "grpo       left out: the time has no room for steps of it".to_owned();
        observer.event(&Event::Plan { lines: vec![line] });
    }
    let course = Course {
        task,
        goal: &goal,
        clock: &clock,
        publisher: &publisher,
        batch,
        lr,
        told_briefly,
        step_s,
        tail_s,
        group_s,
    };
    run.by_teachers(&course, &mut lessons, &mut exams, observer, cancel).await?;
    if !cancel.is_cancelled() && run.step > 0 {
        observer.event(&Event::Phase { name: "closing".to_owned() });
        let mean = run.average.applied_to(run.learner.model().clone());
        let standing = run.examine(&mean.valid(), &mut exams, &publisher, observer, cancel).await?;
        if run.tail_s(&course) > 0.0 && task.steps.is_none() {
            let stages = stages(task, &shown, source.as_ref(), shell_isolates && standing.acts_in_shell())?;
            run.by_rewards(&course, mean, (stages, rewards), &mut exams, observer, cancel).await?;
        }
    }
    if let Some(source) = source {
        let lines = source.shutdown().await;
        if !lines.is_empty() {
            observer.event(&Event::Sidecars { lines });
        }
    }
    Ok(run.best.artifact.unwrap_or(floor))
}

/// What is played for rewards: games where there is somewhere to play them, the shell where it is safe and used.
fn stages(
    task: &MatchTask,
    format: &Arc<MatchFormat>,
    source: Option<&Source>,
    acts_in_shell: bool,
) -> Result<Vec<Stage>> {
    let games = source.map(|source| Stage::games(task.games(), format.clone(), source));
    let shell = acts_in_shell.then(|| -> Result<Stage> {
        let tokenizer = Arc::new(Tokenizer::from_dir(&task.model_dir)?);
        Stage::shell(IntercodeFormat::new(tokenizer, task.pack.clone())?, &task.scratch)
    });
    Ok(games.into_iter().chain(shell.transpose()?).collect())
}

/// Whether the base's loss on calls in first turns is that of one that has learnt no language yet.
fn knows_no_language(task: &MatchTask, format: &MatchFormat, base: &LanguageModel) -> Result<bool> {
    let row = |env: &EnvName| -> Result<Option<train::Row>> {
        let Some(view) = first_turn(env.as_str())? else { return Ok(None) };
        let answer = format.answer(&MatchMove::plain(view.legal[0].0))?;
        Ok(Some(train::Row::new(format.prompt(&view)?.tokens, answer.tokens)))
    };
    let rows: Vec<_> = task.games().iter().filter_map(|env| row(env).transpose()).collect::<Result<_>>()?;
    let longest = rows.iter().map(train::Row::n_tokens).max().unwrap_or(1);
    let losses = train::twin::row_losses(base, &rows, longest);
    let mean = losses.iter().sum::<f64>() / losses.len().max(1) as f64;
    Ok(knows_nothing(mean, base.config()))
}

/// The first turn of a game.
fn first_turn(game: &str) -> Result<Option<MatchView>> {
    let match_play::Start { mut state, mut chance, .. } = match_play::start(game, 1)?;
    match_play::play_chance(state.as_mut(), &mut chance);
    Ok(teach::match_text::view(game, state.as_ref(), match_play::Betting::Shown))
}

/// Where rewarded episodes are played, if there are to be any. Asked for first: who waits an hour to be told that no
/// sidecar answers has waited too long.
async fn sidecars(task: &MatchTask, observer: &mut dyn Observer) -> Result<Option<Source>> {
    let games = task.games();
    if !task.by_rewards || games.is_empty() {
        return Ok(None);
    }
    let rollout = &task.config.rollout;
    let pool = (rollout.workers, rollout.in_flight);
    connect(&task.urls, &games, task.when_all_dead, pool, observer).await.map(Some)
}

fn facts<'a>(task: &MatchTask, config: &'a DecoderConfig, n_examples: usize, longest: usize) -> Facts<'a> {
    let longest = if longest == 0 { config.max_position_embeddings.min(4096) } else { longest };
    Facts { config, objective: ObjectiveKind::Sft, n_examples, longest, memory: task.memory }
}

fn check_room(longest: usize, config: &DecoderConfig) -> Result<(), BadInput> {
    let positions = config.max_position_embeddings;
    if longest <= positions {
        return Ok(());
    }
    let message = format!("a turn of match play takes {longest} tokens, the model reads {positions}");
    Err(BadInput::new(message, "a model with more positions, or a tokenizer with longer tokens"))
}

fn match_format(task: &MatchTask, observer: &mut dyn Observer) -> Result<Arc<MatchFormat>> {
    let tokenizer = Arc::new(Tokenizer::from_dir(&task.model_dir)?);
    let format = MatchFormat::new(tokenizer, task.pack.clone())?;
    if !format.chat().has_native_tools() {
        let message = "the model's chat template knows no tools: turns are asked in a generic form, which the \
                       tournament's parser for this family may not read";
        observer.event(&Event::Warning { message: message.to_owned() });
    }
    Ok(Arc::new(format))
}

/// Computes here without keeping others waiting.
fn blocking<T>(compute: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(compute)
}

#[cfg(test)]
mod tests;
