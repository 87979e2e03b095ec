//! The plan of an environment task.

use anyhow::Result;
use schema::{EnvName, Environments, RunConfig};
use tasks::{BadInput, EnvTask, WarmUpConfig, WhenAllDead};
use url::Url;

use super::{Asked, Common, Mode};

/// Supervised steps before GRPO: a format is learnt in few.
const WARM_UP_STEPS: u64 = 60;
/// Turns of a supervised step.
const WARM_UP_ROWS: usize = 64;

pub(super) fn task(asked: &Asked, common: Common, warnings: &mut Vec<String>) -> Result<EnvTask> {
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
        when_all_dead: match asked.mode {
            Mode::Container => WhenAllDead::PlayInProcess,
            Mode::Local => WhenAllDead::Fail,
        },
        warm_up: WarmUpConfig {
            steps: WARM_UP_STEPS,
            batch_rows: WARM_UP_ROWS,
            lr: config.optimizer.lr,
            seed: config.run.seed,
        },
        steps,
        device: device.device,
        deadline,
        config,
    })
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

fn environments(card: Option<&str>, config: &RunConfig, warnings: &mut Vec<String>) -> Result<Vec<EnvName>> {
    let named = match card {
        Some(card) => Environments::from_dataset_type(card)
            .map_err(|error| BadInput::new(error.to_string(), r#"{"environment_names":["leduc_poker"]}"#))?,
        None => Environments::from_names(config.env.names.iter().map(String::as_str)),
    };
    warnings.extend(
        named.unknown.iter().map(|name| format!("environment `{name}` is not known and is left out")),
    );
    let (playable, others): (Vec<EnvName>, Vec<EnvName>) =
        named.known.into_iter().partition(|env| env.task_ids().is_some());
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
