//! The plan of an environment task.

use std::sync::Arc;

use anyhow::Result;
use rollout::{Compact, PromptPack};
use schema::{EnvName, Environments, RunConfig};
use tasks::match_play::{self, MatchTask, TeacherKind};
use tasks::text::Table;
use tasks::{BadInput, EnvTask, WarmUpConfig, WhenAllDead, available_memory};
use url::Url;

use super::env_data::{self, DataPolicy};
use super::{Asked, Common, Mode, Work, reward_function};
use crate::cmd::prompts::{EVALUATOR_PACK, pack};

/// The value of `[rollout] format` that asks for match play.
const MATCH: &str = "match";

/// Supervised steps before GRPO: a format is learnt in few.
const WARM_UP_STEPS: u64 = 60;
/// Turns of a supervised step.
const WARM_UP_ROWS: usize = 64;

/// Match play, unless the settings or the model's length say otherwise.
pub(super) fn work(
    asked: &Asked,
    mut common: Common,
    n_positions: usize,
    warnings: &mut Vec<String>,
) -> Result<Work> {
    if common.config.rollout.format != MATCH {
        return Ok(Work::Env(Box::new(task(asked, common, warnings)?)));
    }
    let card = asked.flags.get("dataset-type").or(common.config.task.dataset_type.as_deref());
    let envs = named_environments(card, &common.config, warnings)?;
    let (taught, others) = env_data::with_teacher(envs);
    let policy = env_data::policy(asked.mode, warnings)?;
    let mounted = match policy {
        DataPolicy::SidecarOnly => Vec::new(),
        DataPolicy::SelfGenerated | DataPolicy::WhitelistOnly => env_data::mounted(&asked.layout, warnings),
    };
    let pack = Arc::new(pack(common.config.env.pack.as_deref(), &mounted)?);
    let n_tokens = match_play::first_turn_tokens(&common.model_dir, &pack, &taught)?;
    let own_rows = policy == DataPolicy::SelfGenerated;
    let why_not = match () {
        () if !own_rows && mounted.is_empty() => {
            Some(format!("{} allows no rows of our own", env_data::POLICY))
        }
        () if taught.is_empty() => Some("no environment of the task has a teacher".to_owned()),
        () if n_tokens > n_positions => {
            Some(format!("a turn of match play takes {n_tokens} tokens, the model reads {n_positions}"))
        }
        () => None,
    };
    if let Some(why_not) = why_not {
        warnings.push(format!("{why_not}: trained by GRPO alone, on short prompts of our own"));
        common.config.rollout.format = Compact::NAME.to_owned();
        let mut also = Vec::new();
        let mut task = task(asked, common, &mut also)?;
        if !own_rows {
            task.warm_up.steps = 0;
        }
        warnings.extend(also.into_iter().filter(|one| !warnings.contains(one)).collect::<Vec<_>>());
        return Ok(Work::Env(Box::new(task)));
    }
    warnings.extend(others.iter().map(|env| format!("environment `{env}` has no teacher and is left out")));
    if !common.config.reward.functions.is_empty() && !common.config.env.by_rewards {
        warnings.push(
            "reward functions are for the episodes of GRPO, which [env] by_rewards leaves out".to_owned(),
        );
    }
    if pack.source == PromptPack::builtin().source {
        warnings.push(format!(
            "prompts are in our own wording: the evaluator's goes to `{EVALUATOR_PACK}` (croupier prompts capture)"
        ));
    }
    let task = match_task(asked, common, taught, pack)?;
    Ok(Work::Match(Box::new(MatchTask {
        own_rows,
        mounted,
        own_states: task.own_states && own_rows,
        ..task
    })))
}

fn task(asked: &Asked, common: Common, warnings: &mut Vec<String>) -> Result<EnvTask> {
    let Common { model_dir, config, device, deadline, steps } = common;
    let card = asked.flags.get("dataset-type").or(config.task.dataset_type.as_deref());
    let envs = environments(card, &config, warnings)?;
    Ok(EnvTask {
        name: asked.flags.get("task-id").unwrap_or("train").to_owned(),
        model_dir,
        base_model: asked.model.clone(),
        out: asked.output(),
        envs,
        urls: urls(&config)?,
        when_all_dead: when_all_dead(asked.mode),
        warm_up: WarmUpConfig {
            steps: WARM_UP_STEPS,
            batch_rows: WARM_UP_ROWS,
            lr: config.optimizer.lr,
            seed: config.run.seed,
        },
        rewards: config.reward.functions.iter().map(reward_function).collect::<Result<_, _>>()?,
        steps,
        device: device.device,
        deadline,
        config,
    })
}

fn when_all_dead(mode: Mode) -> WhenAllDead {
    match mode {
        Mode::Container => WhenAllDead::PlayInProcess,
        Mode::Local => WhenAllDead::Fail,
    }
}

/// Match play: supervised on teachers, in the evaluator's prompts.
fn match_task(asked: &Asked, common: Common, envs: Vec<EnvName>, pack: Arc<PromptPack>) -> Result<MatchTask> {
    let Common { model_dir, config, device, deadline, steps } = common;
    let teacher = match config.env.teacher.as_str() {
        "solved" => TeacherKind::Solved,
        "public" => TeacherKind::Public,
        other => {
            return Err(BadInput::new(format!("[env] teacher is `{other}`"), "solved or public").into());
        }
    };
    Ok(MatchTask {
        base_model: asked.model.clone(),
        out: asked.output(),
        urls: urls(&config)?,
        when_all_dead: when_all_dead(asked.mode),
        envs,
        teacher,
        by_rewards: config.env.by_rewards,
        rewards: config.reward.functions.iter().map(reward_function).collect::<Result<_, _>>()?,
        own_rows: true,
        mounted: Vec::new(),
        own_states: config.env.own_states,
        pack,
        seed: config.run.seed,
        steps,
        lr: asked.lr()?,
        eval_share: config.budget.eval_share,
        search_share: config.budget.search_share,
        memory: available_memory(&device.name),
        recipe: Arc::new(Table),
        scratch: std::env::temp_dir().join(format!("croupier-shell-{}", std::process::id())),
        model_dir,
        device: device.device,
        deadline,
        config,
    })
}

pub(super) fn match_timeline(task: &MatchTask) -> Vec<String> {
    let envs: Vec<&str> = task.envs.iter().map(|env| env.as_str()).collect();
    let lr = match task.lr {
        Some(lr) => format!("lr         {lr:e}, as asked"),
        None => format!("lr         searched in at most {:.0} % of the time", 100.0 * task.search_share),
    };
    let place = match task.urls.len() {
        0 => "in this process".to_owned(),
        n => format!("on {n} sidecars"),
    };
    let rewards = match task.by_rewards {
        true => format!("grpo       the last part of the time, whole episodes {place}"),
        false => "grpo       none".to_owned(),
    };
    let own = if task.own_states { ", then also on the states that the model reaches" } else { "" };
    vec![
        format!("model      {}", task.model_dir.display()),
        format!("plays      {} as match play asks", envs.join(", ")),
        format!("data       {}", data_line(task)),
        format!("floor      an adapter that changes nothing, now, in {}", task.out.display()),
        lr,
        format!("training   on {:?} teachers{own}, by the clock", task.teacher),
        rewards,
        "exams      at temperature 0, seats swapped; published if better than the base and no worse than what lies there".to_owned(),
    ]
}

/// What is learnt from, for the plan.
fn data_line(task: &MatchTask) -> String {
    let mut parts = Vec::new();
    if task.own_rows {
        parts.push("self-generated: teachers play by the rules, nothing is shipped".to_owned());
    }
    if !task.mounted.is_empty() {
        let names: Vec<String> = task.mounted.iter().map(|path| path.display().to_string()).collect();
        parts.push(format!("mounted: {}", names.join(", ")));
    }
    format!("{} ({})", parts.join("; "), env_data::POLICY)
}

/// Settings, since no table chooses here.
pub(super) fn explain(task: &EnvTask) -> Vec<String> {
    let (optimizer, rollout) = (&task.config.optimizer, &task.config.rollout);
    let lora = optimizer.lora.clone().unwrap_or_default();
    vec![
        format!(
            "method     an adapter of rank {}, alpha {}, on {}",
            lora.r,
            lora.alpha,
            lora.targets.join(", ")
        ),
        "           [optimizer] lora".to_owned(),
        "precision  f32 for weights, gradients, moments and products".to_owned(),
        format!("batch      {} groups of {} episodes", rollout.groups_per_step, rollout.group_size),
        "           [rollout] groups_per_step, group_size".to_owned(),
        format!("lr         {:.3e}, {}", optimizer.lr, optimizer.schedule),
        "           [optimizer] lr, schedule: no search, rewards are too noisy".to_owned(),
    ]
}

pub(super) fn timeline(task: &EnvTask) -> Vec<String> {
    let envs: Vec<&str> = task.envs.iter().map(|env| env.as_str()).collect();
    let place = match task.urls.len() {
        0 => "in this process".to_owned(),
        n => format!("on {n} sidecars"),
    };
    let rollout = &task.config.rollout;
    vec![
        format!("model      {}", task.model_dir.display()),
        format!("plays      {} {place}", envs.join(", ")),
        format!("floor      an adapter that changes nothing, now, in {}", task.out.display()),
        format!("warm-up    {} supervised steps on legal random play", task.warm_up.steps),
        format!("grpo       {} groups of {} episodes a step", rollout.groups_per_step, rollout.group_size),
    ]
}

/// All that we know of what the task names.
fn named_environments(
    card: Option<&str>,
    config: &RunConfig,
    warnings: &mut Vec<String>,
) -> Result<Vec<EnvName>> {
    let named = match card {
        Some(card) => Environments::from_dataset_type(card)
            .map_err(|error| BadInput::new(error.to_string(), r#"{"environment_names":["leduc_poker"]}"#))?,
        None => Environments::from_names(config.env.names.iter().map(String::as_str)),
    };
    warnings.extend(
        named.unknown.iter().map(|name| format!("environment `{name}` is not known and is left out")),
    );
    Ok(named.known)
}

/// Those of them that a sidecar plays.
fn environments(card: Option<&str>, config: &RunConfig, warnings: &mut Vec<String>) -> Result<Vec<EnvName>> {
    let named = named_environments(card, config, warnings)?;
    let (playable, others): (Vec<EnvName>, Vec<EnvName>) =
        named.into_iter().partition(|env| env.task_ids().is_some());
    warnings.extend(others.iter().map(|env| format!("environment `{env}` has no sidecar and is left out")));
    if playable.is_empty() {
        let known = crate::cmd::sidecar::playable().join(", ");
        return Err(BadInput::new(
            "no environment of the task can be played",
            format!("known environments: {known}"),
        )
        .into());
    }
    Ok(playable)
}

fn urls(config: &RunConfig) -> Result<Vec<Url>, BadInput> {
    if config.env.urls.is_empty() {
        return Ok(Vec::new());
    }
    let text = config.env.urls.join(",");
    envclient::parse_urls(&text)
        .map_err(|error| BadInput::new(error.to_string(), "http://HOST:PORT, comma separated"))
}
