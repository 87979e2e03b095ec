//! The end of a run: GRPO on whole episodes, of games through the sidecars where there are some, of the shell in sandboxes.
//!
//! Teachers say what is right against the opponents that they were solved for; rewards say what wins against those that
//! are met: random play, the one that is set, and in this process a league of the supervised model and of what became of
//! it. The pull towards the model that a stage began with keeps what it knows.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use grpo::{
    Budget, DrawConfig, EntropySchedule, GrpoConfig, GrpoTrainer, LossSettings, Rollouts, TrainingRun,
};
use intercode::SandboxConfig;
use model::LanguageModel;
use rollout::{
    Decoding, EnvSource, Format, GroupJudge, InProcessSource, IntercodeFormat, League, MatchFormat,
    MatchRollout, OutcomeSource, Player, RunInfo, ShellRollout, StreamConfig, turn_key,
};
use schema::{EnvName, Opponent, OpponentKind, Sampling};
use sidecar::{Actor, ActorConfig, ShellConfig};
use tokio_util::sync::CancellationToken;
use train::{LearnerConfig, Schedule, Shape, Warmup};

use super::MatchTask;
use crate::env_task::specs;
use crate::events::{Event, Observer, StepEvent};
use crate::text::Goal;
use crate::{EnvRewards, ModelPolicy, Source, settings};

/// Groups of a step, at most: fewer steps with less noise are not worth more here.
const GROUPS: usize = 8;
/// Learning rate as a share of the supervised one.
const LR_SHARE: f64 = 0.1;
/// Weight of the divergence from the model that a stage begins with.
const BETA: f64 = 0.02;
/// Longest answer: a call and some room; and one that holds a command.
const MAX_NEW_TOKENS: u32 = 96;
const SHELL_TOKENS: u32 = 192;
/// Sandboxes at once.
const SHELLS: usize = 16;
/// Steps in a row without any group whose rewards differ, after which the tail is over.
const FLAT_STEPS: u32 = 3;
/// Members of the league, at most, the memory for them, and the steps after which another mean of weights joins.
const LEAGUE: usize = 4;
const LEAGUE_MEMORY: f64 = 0.1;
const LEAGUE_STEPS: u64 = 16;
/// Of draws that no turn of an episode uses ([`turn_key`]).
const OPPONENT_STREAM: u32 = u32::MAX - 8;
/// From this share of the tail on, the mean of the weights is what is examined.
const AVERAGE_FROM: f64 = 0.5;

/// What is played for rewards, and how it is asked.
pub(super) struct Stage {
    envs: Vec<EnvName>,
    format: Arc<dyn Format>,
    decoding: Decoding,
    max_new_tokens: u32,
    source: Arc<dyn EnvSource>,
    /// Episodes at once.
    capacity: usize,
}

impl Stage {
    /// The games, on `source`: a move is drawn among the legal ones.
    pub(super) fn games(envs: Vec<EnvName>, format: Arc<MatchFormat>, source: &Source) -> Self {
        Self {
            envs,
            format: Arc::new(MatchRollout::new(format)),
            decoding: Decoding::Constrained,
            max_new_tokens: MAX_NEW_TOKENS,
            source: Arc::new(OutcomeSource(source.envs().clone())),
            capacity: source.capacity(),
        }
    }

    /// The shell environment in sandboxes under `scratch`: what is written is free.
    ///
    /// # Errors
    /// If no sandbox can be opened.
    pub(super) fn shell(format: IntercodeFormat, scratch: &Path) -> Result<Self> {
        let envs = vec![EnvName::Intercode];
        let shell = ShellConfig { sandbox: SandboxConfig::new(scratch), ..ShellConfig::default() };
        let actor = Actor::new(&ActorConfig { games: envs.clone(), shell, ..ActorConfig::default() })?;
        Ok(Self {
            envs,
            format: Arc::new(ShellRollout::new(Arc::new(format))),
            decoding: Decoding::Free,
            max_new_tokens: SHELL_TOKENS,
            source: Arc::new(InProcessSource::new(Arc::new(actor), SHELLS)),
            capacity: SHELLS,
        })
    }

    fn is_shell(&self) -> bool {
        self.envs == [EnvName::Intercode]
    }
}

/// What has been played so far, over all stages.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Played {
    pub(super) steps: u64,
    episodes: u64,
}

/// Trains `model` by rewards until `until`, with at most `n_groups` groups a step, counts what is played, and gives it back.
///
/// # Errors
/// If a step fails.
pub(super) async fn by_rewards(
    task: &MatchTask,
    (stage, goal, model): (&Stage, &Goal, LanguageModel),
    rewards: Option<EnvRewards>,
    (lr, n_groups, until): (f64, usize, Instant),
    played: &mut Played,
    observer: &mut dyn Observer,
    cancel: &CancellationToken,
) -> Result<LanguageModel> {
    let config = &task.config;
    let tokenizer = Arc::new(data::Tokenizer::from_dir(&task.model_dir)?);
    let policy = ModelPolicy::start(model.clone(), tokenizer.clone(), "match-play");
    let group_size = config.rollout.group_size.max(2);
    let groups_per_step = (config.rollout.groups_per_step as usize).min(n_groups).clamp(1, GROUPS);
    let grpo = grpo_config(lr, goal, stage.max_new_tokens as usize);
    let player = player(task, &policy, stage, &model, until);
    let frozen = |model: &LanguageModel| frozen(&player, model, &tokenizer);
    let n_members = if stage.is_shell() { 0 } else { members(task.memory, &model) };
    let league = (n_members > 0).then(|| -> Result<Arc<League>> {
        let here = OutcomeSource(Source::in_process(&stage.envs)?.envs().clone());
        Ok(Arc::new(League::new(Arc::new(here), frozen(&model), n_members)))
    });
    let league = league.transpose()?;
    let player = Player {
        judge: rewards.clone().map(|rewards| Arc::new(rewards) as Arc<dyn GroupJudge>),
        league: league.clone(),
        ..player.clone()
    };
    let mut opponents = vec![Opponent::plain(OpponentKind::Random), settings::opponent(config)?];
    opponents.extend(league.is_some().then_some(Opponent::plain(OpponentKind::SelfPlay)));
    let seed = task.seed;
    let rollouts = Rollouts {
        player,
        source: stage.source.clone(),
        specs: Box::new(specs(
            &stage.envs,
            &config.env.weights,
            task.seed,
            // Drawn, since games take turns by the same number.
            move |group| {
                opponents[(turn_key(seed, group, 0, OPPONENT_STREAM) % opponents.len() as u64) as usize]
            },
            group_size,
        )),
        stream: StreamConfig {
            groups_in_flight: (stage.capacity.div_ceil(group_size as usize) + 1).min(groups_per_step),
            buffer: groups_per_step,
        },
    };
    let draw = DrawConfig {
        groups_per_step,
        max_staleness: u64::from(config.rollout.max_staleness),
        zero_signal: settings::zero_signal(grpo.advantages),
    };
    let budget = Budget { started: Instant::now(), n_steps: None, deadline: Some(until) };
    let reference = model.valid();
    let trainer = GrpoTrainer::new(model, grpo).with_reference(reference);
    let mut run = TrainingRun::new(trainer, policy.engine().clone(), rollouts, draw, budget, cancel);
    let mut n_flat = 0;
    while let Some(step) = run.next_step().await? {
        played.steps += 1;
        played.episodes += step.drawn.episodes;
        let metric = |name: &str| step.report.metrics.get(name).copied().unwrap_or_default();
        observer.event(&Event::Step(StepEvent {
            step: played.steps,
            episodes: played.episodes,
            mean_return: metric("return"),
            zero_signal: metric("zero_signal"),
            illegal_rate: metric("illegal_rate"),
            turns: metric("turns"),
            entropy: metric("entropy"),
            loss: step.report.loss,
            grad_norm: step.report.grad_norm,
            lr: step.report.lr,
            elapsed_s: task.deadline.elapsed().as_secs_f64(),
            ..StepEvent::default()
        }));
        if let Some(rewards) = &rewards {
            observer.event(&rewards.event(played.steps, &step.groups));
        }
        if let Some(league) = league.as_ref().filter(|_| played.steps.is_multiple_of(LEAGUE_STEPS)) {
            league.add(frozen(run.model()));
        }
        n_flat = if metric("zero_signal") >= 1.0 { n_flat + 1 } else { 0 };
        if n_flat >= FLAT_STEPS {
            // Who always plays the same from the same deal has nothing to compare.
            break;
        }
    }
    Ok(run.model().clone())
}

/// Members of the league that this much memory has room for beside the run: each may be a copy of all weights.
fn members(memory: u64, model: &LanguageModel) -> usize {
    let each = 4.0 * model.config().n_params() as f64;
    ((LEAGUE_MEMORY * memory as f64 / each) as usize).min(LEAGUE)
}

/// Weights as they are, playing what they think best.
fn frozen(player: &Player, model: &LanguageModel, tokenizer: &Arc<data::Tokenizer>) -> Player {
    let policy = ModelPolicy::start(model.valid(), tokenizer.clone(), "league").policy();
    Player { policy, sampling: Sampling { temperature: 0.0, ..player.sampling }, ..player.clone() }
}

fn grpo_config(lr: f64, goal: &Goal, max_completion_tokens: usize) -> GrpoConfig {
    GrpoConfig {
        loss: LossSettings { beta: BETA, ..LossSettings::default() },
        entropy: EntropySchedule::constant(0.0),
        schedule: Schedule {
            peak: LR_SHARE * lr,
            warmup: Warmup::Share(0.1),
            shape: Shape::Linear,
            floor: 0.1,
        },
        token_budget: goal.token_budget,
        learner: LearnerConfig { activations: goal.activations, ..LearnerConfig::default() },
        max_completion_tokens,
        average_from: AVERAGE_FROM,
        ..GrpoConfig::default()
    }
}

fn player(
    task: &MatchTask,
    policy: &ModelPolicy,
    stage: &Stage,
    model: &LanguageModel,
    until: Instant,
) -> Player {
    let run = RunInfo::new("match-play", task.seed);
    let mut player = Player::new(policy.policy(), stage.format.clone(), run);
    player.sampling = Sampling {
        temperature: task.config.rollout.temperature,
        max_new_tokens: stage.max_new_tokens,
        ..Sampling::default()
    };
    player.decoding = stage.decoding;
    player.limits.max_turns = task.config.env.max_turns;
    player.limits.max_context = Some(model.config().max_position_embeddings);
    player.limits.deadline = Some(until);
    player
}
