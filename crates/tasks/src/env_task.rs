//! The environment task, read top to bottom: floor artifact, model, sidecars, warm-up, GRPO, artifact.
//!
//! [`EnvTask`] says what is asked; [`EnvTaskRun`] is the run. The caller owns the loop and asks for one step after the
//! other, so that the tournament's entry point and quickstart are the same code with other surroundings.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use burn::tensor::{DType, Device};
use envclient::PoolConfig;
use grpo::{Budget, DrawConfig, GrpoTrainer, Rollouts, Step, TrainingRun};
use model::{DecoderConfig, LanguageModel};
use reward::WeightedFunction;
use rollout::{
    Decoding, Format, GroupJudge, GroupSpec, Player, RunInfo, Start, StreamConfig, format_by_name, start_seed,
};
use schema::{Artifact, EnvName, Opponent, RunConfig, Sampling};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::events::{Event, Observer, StepEvent};
use crate::publish::Publisher;
use crate::warm_up::{WarmUpConfig, random_play, warm_up};
use crate::{BadInput, Deadline, EnvRewards, ModelPolicy, Source, settings};

/// The least time between two publications: they cost a moment and are for the case of a kill.
const PUBLISH_EVERY: Duration = Duration::from_secs(20);

/// What is asked.
#[derive(Clone, Debug)]
pub struct EnvTask {
    /// Name in episode ids and messages.
    pub name: String,
    /// Base model.
    pub model_dir: PathBuf,
    /// What the adapter says it belongs to.
    pub base_model: String,
    /// Output folder.
    pub out: PathBuf,
    /// What is played; not empty.
    pub envs: Vec<EnvName>,
    /// Sidecars; empty means in this process.
    pub urls: Vec<Url>,
    /// What to do if no sidecar answers.
    pub when_all_dead: WhenAllDead,
    /// Everything that can be set.
    pub config: RunConfig,
    /// Supervised steps before GRPO.
    pub warm_up: WarmUpConfig,
    /// Reward functions whose weighted scores are added to the environment's own reward.
    pub rewards: Vec<WeightedFunction>,
    /// Optimizer steps; absent, the deadline ends the run.
    pub steps: Option<u64>,
    /// For tensors, without autodiff.
    pub device: Device,
    /// When to be done.
    pub deadline: Deadline,
}

/// What to do if URLs are given and none of them answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenAllDead {
    /// Someone is there to start a sidecar.
    Fail,
    /// Train on the same games in this process: the container must hand something over.
    PlayInProcess,
}

/// A run of an [`EnvTask`].
pub struct EnvTaskRun {
    task: EnvTask,
    publisher: Publisher,
    policy: ModelPolicy,
    format: Arc<dyn Format>,
    source: Source,
    rewards: Option<EnvRewards>,
    training: TrainingRun,
    published_at: Instant,
    n_steps: u64,
    n_episodes: u64,
    n_tokens: u64,
    artifact: Artifact,
}

impl EnvTaskRun {
    /// Everything up to the first step. When it fails after the floor, the floor lies in the output folder.
    ///
    /// # Errors
    /// [`BadInput`] for what the user can mend; else what failed.
    pub async fn prepare(
        task: EnvTask,
        observer: &mut dyn Observer,
        cancel: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let publisher = Publisher::new(&task.out, &task.base_model)?;
        let artifact = publish_floor(&task, &publisher, observer)?;
        let rewards = EnvRewards::of(&task.rewards)?;
        let tokenizer = Arc::new(data::Tokenizer::from_dir(&task.model_dir)?);
        let model = load(&task)?;
        let format = format_by_name(&task.config.rollout.format, tokenizer.clone())
            .map_err(|error| BadInput::new(error.to_string(), "[rollout] format: compact or sidecar"))?;
        let pool = (task.config.rollout.workers, task.config.rollout.in_flight);
        let source = connect(&task.urls, &task.envs, task.when_all_dead, pool, observer).await?;
        let model = warmed_up(&task, model, &format, observer, cancel).await?;
        let policy = ModelPolicy::start(model.clone(), tokenizer, &task.name);
        let player = player(&task, &policy, &format, &model, rewards.as_ref());
        let training = training(&task, model, &policy, player, &source, cancel)?;
        observer.event(&Event::Phase { name: "grpo".to_owned() });
        Ok(Self {
            task,
            publisher,
            policy,
            format,
            source,
            rewards,
            training,
            published_at: Instant::now(),
            n_steps: 0,
            n_episodes: 0,
            n_tokens: 0,
            artifact,
        })
    }

    /// The player as it is now; new weights reach it by themselves.
    pub fn policy(&self) -> &ModelPolicy {
        &self.policy
    }

    /// How it is asked.
    pub fn format(&self) -> &Arc<dyn Format> {
        &self.format
    }

    /// Where it plays.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Episodes played so far.
    pub fn n_episodes(&self) -> u64 {
        self.n_episodes
    }

    /// Tokens that the policy has read and written in training.
    pub fn n_tokens(&self) -> u64 {
        self.n_tokens
    }

    /// Plays and trains one step and publishes from time to time; `None` when the run is over.
    ///
    /// # Errors
    /// What failed; the last published adapter stays.
    pub async fn next_step(&mut self, observer: &mut dyn Observer) -> anyhow::Result<Option<StepEvent>> {
        let started = Instant::now();
        let Some(step) = self.training.next_step().await? else { return Ok(None) };
        self.n_steps = step.idx + 1;
        self.n_episodes += step.drawn.episodes;
        let tokens = n_tokens(&step);
        self.n_tokens += tokens;
        if let Some(alarm) = step.alarm {
            observer.event(&Event::Warning { message: format!("step {}: {alarm:?}", self.n_steps) });
        }
        if self.published_at.elapsed() >= PUBLISH_EVERY {
            self.publish(observer)?;
        }
        if let Some(rewards) = &self.rewards {
            observer.event(&rewards.event(self.n_steps, &step.groups));
        }
        let mut event = self.step_event(&step);
        event.tokens_per_second = tokens as f64 / started.elapsed().as_secs_f64().max(1e-9);
        Ok(Some(event))
    }

    /// Publishes the adapter as it is.
    ///
    /// # Errors
    /// If it is not finite or cannot be written; what lies there stays.
    pub fn publish(&mut self, observer: &mut dyn Observer) -> anyhow::Result<()> {
        self.artifact = self.publisher.adapter(self.training.model(), self.n_steps)?;
        self.published_at = Instant::now();
        observer.event(&Event::Published { step: self.n_steps, path: self.artifact.path.clone() });
        Ok(())
    }

    /// Publishes, frees what is open on the sidecars, and gives the last model and its artifact.
    ///
    /// # Errors
    /// As [`EnvTaskRun::publish`].
    pub async fn finish(mut self, observer: &mut dyn Observer) -> anyhow::Result<(LanguageModel, Artifact)> {
        if self.n_steps > 0 || self.task.warm_up.steps > 0 {
            self.publish(observer)?;
        }
        let model = self.training.model().clone();
        drop(self.training);
        let lines = self.source.shutdown().await;
        if !lines.is_empty() {
            observer.event(&Event::Sidecars { lines });
        }
        Ok((model, self.artifact))
    }

    fn step_event(&self, step: &Step) -> StepEvent {
        let metric = |name: &str| step.report.metrics.get(name).copied().unwrap_or_default();
        StepEvent {
            step: self.n_steps,
            steps: self.task.steps.unwrap_or_default(),
            episodes: self.n_episodes,
            mean_return: metric("return"),
            zero_signal: metric("zero_signal"),
            illegal_rate: metric("illegal_rate"),
            turns: metric("turns"),
            entropy: metric("entropy"),
            loss: step.report.loss,
            grad_norm: step.report.grad_norm,
            lr: step.report.lr,
            elapsed_s: self.task.deadline.elapsed().as_secs_f64(),
            ..StepEvent::default()
        }
    }
}

/// A whole run, for callers that need nothing in between.
///
/// # Errors
/// As [`EnvTaskRun::prepare`] and [`EnvTaskRun::next_step`]; the last published adapter stays.
pub async fn run(
    task: EnvTask,
    observer: &mut dyn Observer,
    cancel: &CancellationToken,
) -> anyhow::Result<Artifact> {
    let mut run = EnvTaskRun::prepare(task, observer, cancel).await?;
    while let Some(event) = run.next_step(observer).await? {
        observer.event(&Event::Step(event));
    }
    let (_, artifact) = run.finish(observer).await?;
    Ok(artifact)
}

/// Before anything slow: an adapter that changes nothing.
fn publish_floor(
    task: &EnvTask,
    publisher: &Publisher,
    observer: &mut dyn Observer,
) -> anyhow::Result<Artifact> {
    let config = DecoderConfig::from_dir(&task.model_dir)?;
    let lora = settings::lora_config(&task.config.optimizer.lora.clone().unwrap_or_default())?;
    let artifact = publisher.floor(&config, &lora, task.config.run.seed)?;
    observer.event(&Event::Published { step: 0, path: artifact.path.clone() });
    Ok(artifact)
}

fn load(task: &EnvTask) -> anyhow::Result<LanguageModel> {
    let model = LanguageModel::load(&task.model_dir, DType::F32, &task.device.clone().autodiff())
        .with_context(|| format!("loading `{}`", task.model_dir.display()))?;
    if let Some(adapter) = &task.config.model.adapter {
        return Ok(model.with_adapter(adapter)?);
    }
    let lora = settings::lora_config(&task.config.optimizer.lora.clone().unwrap_or_default())?;
    Ok(model.with_fresh_lora(&lora, task.config.run.seed))
}

/// The sidecars, with so many workers and requests in flight on each, or this process.
pub(crate) async fn connect(
    urls: &[Url],
    envs: &[EnvName],
    when_all_dead: WhenAllDead,
    (workers, in_flight): (u32, u32),
    observer: &mut dyn Observer,
) -> anyhow::Result<Source> {
    if urls.is_empty() {
        return Ok(Source::in_process(envs)?);
    }
    let config = PoolConfig {
        workers: workers.max(1) as usize,
        in_flight: in_flight.max(1) as usize,
        ..PoolConfig::default()
    };
    match Source::connect(urls, config).await {
        Ok(source) => Ok(source),
        Err(error) if when_all_dead == WhenAllDead::PlayInProcess => {
            observer.event(&Event::Warning {
                message: format!("{error}; playing the same games in this process"),
            });
            Ok(Source::in_process(envs)?)
        }
        Err(error) => {
            let hint = "start one with `croupier sidecar serve`, or leave ENVIRONMENT_SERVER_URLS empty to play in this process";
            Err(BadInput::new(error.to_string(), hint).into())
        }
    }
}

async fn warmed_up(
    task: &EnvTask,
    model: LanguageModel,
    format: &Arc<dyn Format>,
    observer: &mut dyn Observer,
    cancel: &CancellationToken,
) -> anyhow::Result<LanguageModel> {
    if task.warm_up.steps == 0 {
        return Ok(model);
    }
    observer.event(&Event::Phase { name: "warm-up".to_owned() });
    let rows = random_play(&task.envs, format, &task.warm_up, cancel).await?;
    tokio::task::block_in_place(|| {
        warm_up(model, rows, &task.warm_up, |step, loss| {
            observer.event(&Event::WarmUp { step, loss });
            !cancel.is_cancelled() && !task.deadline.is_over()
        })
    })
}

fn training(
    task: &EnvTask,
    model: LanguageModel,
    policy: &ModelPolicy,
    player: Player,
    source: &Source,
    cancel: &CancellationToken,
) -> anyhow::Result<TrainingRun> {
    let config = &task.config;
    let grpo = settings::grpo_config(config)?;
    let opponent = settings::opponent(config)?;
    let groups_per_step = config.rollout.groups_per_step.max(1) as usize;
    let group_size = config.rollout.group_size.max(1);
    let draw = DrawConfig {
        groups_per_step,
        max_staleness: u64::from(config.rollout.max_staleness),
        zero_signal: settings::zero_signal(grpo.advantages),
    };
    let in_flight = source.capacity().div_ceil(group_size as usize) + 1;
    let rollouts = Rollouts {
        player,
        source: source.envs().clone(),
        specs: Box::new(specs(
            &task.envs,
            &config.env.weights,
            config.run.seed,
            move |_| opponent,
            group_size,
        )),
        stream: StreamConfig { groups_in_flight: in_flight.min(groups_per_step), buffer: groups_per_step },
    };
    let budget =
        Budget { started: Instant::now(), n_steps: task.steps, deadline: task.deadline.stop_training_at() };
    Ok(TrainingRun::new(
        GrpoTrainer::new(model, grpo),
        policy.engine().clone(),
        rollouts,
        draw,
        budget,
        cancel,
    ))
}

fn player(
    task: &EnvTask,
    policy: &ModelPolicy,
    format: &Arc<dyn Format>,
    model: &LanguageModel,
    rewards: Option<&EnvRewards>,
) -> Player {
    let rollout = &task.config.rollout;
    let mut player =
        Player::new(policy.policy(), format.clone(), RunInfo::new(task.name.clone(), task.config.run.seed));
    player.sampling = Sampling {
        temperature: rollout.temperature,
        max_new_tokens: rollout.max_completion_tokens,
        ..Sampling::default()
    };
    player.decoding = Decoding::Constrained;
    player.limits.max_turns = task.config.env.max_turns;
    player.limits.max_context = Some(model.config().max_position_embeddings);
    player.limits.deadline = task.deadline.stop_training_at();
    player.judge = rewards.cloned().map(|rewards| Arc::new(rewards) as Arc<dyn GroupJudge>);
    player
}

/// Groups without end, environments in turn by their weights, each against the opponent of its number.
pub(crate) fn specs<F: Fn(u64) -> Opponent + Send>(
    envs: &[EnvName],
    weights: &[f64],
    seed: u64,
    opponent: F,
    size: u32,
) -> impl Iterator<Item = GroupSpec> + Send + use<F> {
    let envs = Rotation::new(envs, weights);
    (0..).zip(envs).map(move |(group, env)| {
        let (task_id, seed) = start_seed(env, seed, group);
        GroupSpec { group, start: Start { task_id, seed, opponent: opponent(group) }, size, over_sample: 0 }
    })
}

/// Environments in proportion to their weights, spread evenly: each time the one that lags furthest behind.
struct Rotation {
    shares: Vec<(EnvName, f64, f64)>,
}

impl Rotation {
    fn new(envs: &[EnvName], weights: &[f64]) -> Self {
        let weight = |idx: usize| weights.get(idx).copied().filter(|weight| *weight > 0.0).unwrap_or(1.0);
        let total: f64 = (0..envs.len()).map(weight).sum();
        Self { shares: envs.iter().enumerate().map(|(idx, env)| (*env, weight(idx) / total, 0.0)).collect() }
    }
}

impl Iterator for Rotation {
    type Item = EnvName;

    fn next(&mut self) -> Option<EnvName> {
        self.shares.iter_mut().for_each(|(_, share, owed)| *owed += *share);
        let most = self.shares.iter_mut().max_by(|a, b| a.2.total_cmp(&b.2))?;
        most.2 -= 1.0;
        Some(most.0)
    }
}

fn n_tokens(step: &Step) -> u64 {
    let turns =
        step.groups.iter().flat_map(|group| &group.trajectories).flat_map(|trajectory| &trajectory.turns);
    turns.map(|turn| (turn.prompt_tokens.len() + turn.completion_tokens.len()) as u64).sum()
}
