//! The end of a run: GRPO on whole episodes, through the sidecars where there are some.
//!
//! Teachers say what is right against the opponents that they were solved for; rewards say what wins against those that
//! are met. The pull towards the supervised model keeps what it knows.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use grpo::{
    Budget, DrawConfig, EntropySchedule, GrpoConfig, GrpoTrainer, LossSettings, Rollouts, TrainingRun,
};
use model::LanguageModel;
use rollout::{
    Decoding, Format, GroupJudge, MatchFormat, MatchRollout, OutcomeSource, Player, RunInfo, StreamConfig,
};
use schema::Sampling;
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
/// Weight of the divergence from the supervised model.
const BETA: f64 = 0.02;
/// Longest answer: a call and some room.
const MAX_NEW_TOKENS: u32 = 96;
/// Steps in a row without any group whose rewards differ, after which the tail is over.
const FLAT_STEPS: u32 = 3;
/// From this share of the tail on, the mean of the weights is what is examined.
const AVERAGE_FROM: f64 = 0.5;

/// Trains `model` by rewards until `until`, with at most `n_groups` groups a step, and gives it back with the number of steps.
///
/// # Errors
/// If a step fails.
pub(super) async fn by_rewards(
    task: &MatchTask,
    model: LanguageModel,
    (format, goal): (&Arc<MatchFormat>, &Goal),
    source: &Source,
    (lr, n_groups, until): (f64, usize, Instant),
    observer: &mut dyn Observer,
    cancel: &CancellationToken,
) -> Result<(LanguageModel, u64)> {
    let config = &task.config;
    let tokenizer = Arc::new(data::Tokenizer::from_dir(&task.model_dir)?);
    let policy = ModelPolicy::start(model.clone(), tokenizer, "match-play");
    let group_size = config.rollout.group_size.max(2);
    let groups_per_step = (config.rollout.groups_per_step as usize).min(n_groups).clamp(1, GROUPS);
    let grpo = grpo_config(lr, goal);
    let rewards = EnvRewards::of(&task.rewards)?;
    let mut player = player(task, &policy, format, &model, until);
    player.judge = rewards.clone().map(|rewards| Arc::new(rewards) as Arc<dyn GroupJudge>);
    let rollouts = Rollouts {
        player,
        source: Arc::new(OutcomeSource(source.envs().clone())),
        specs: Box::new(specs(
            &task.games(),
            &config.env.weights,
            task.seed,
            settings::opponent(config)?,
            group_size,
        )),
        stream: StreamConfig {
            groups_in_flight: (source.capacity().div_ceil(group_size as usize) + 1).min(groups_per_step),
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
    let (mut n_steps, mut n_episodes, mut n_flat) = (0, 0, 0);
    while let Some(step) = run.next_step().await? {
        n_steps = step.idx + 1;
        n_episodes += step.drawn.episodes;
        let metric = |name: &str| step.report.metrics.get(name).copied().unwrap_or_default();
        observer.event(&Event::Step(StepEvent {
            step: n_steps,
            episodes: n_episodes,
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
            observer.event(&rewards.event(n_steps, &step.groups));
        }
        n_flat = if metric("zero_signal") >= 1.0 { n_flat + 1 } else { 0 };
        if n_flat >= FLAT_STEPS {
            // Who always plays the same from the same deal has nothing to compare.
            break;
        }
    }
    Ok((run.model().clone(), n_steps))
}

fn grpo_config(lr: f64, goal: &Goal) -> GrpoConfig {
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
        max_completion_tokens: MAX_NEW_TOKENS as usize,
        average_from: AVERAGE_FROM,
        ..GrpoConfig::default()
    }
}

fn player(
    task: &MatchTask,
    policy: &ModelPolicy,
    format: &Arc<MatchFormat>,
    model: &LanguageModel,
    until: Instant,
) -> Player {
    let format: Arc<dyn Format> = Arc::new(MatchRollout::new(format.clone()));
    let mut player = Player::new(policy.policy(), format, RunInfo::new("match-play", task.seed));
    player.sampling = Sampling {
        temperature: task.config.rollout.temperature,
        max_new_tokens: MAX_NEW_TOKENS,
        ..Sampling::default()
    };
    player.decoding = Decoding::Constrained;
    player.limits.max_turns = task.config.env.max_turns;
    player.limits.max_context = Some(model.config().max_position_embeddings);
    player.limits.deadline = Some(until);
    player
}
