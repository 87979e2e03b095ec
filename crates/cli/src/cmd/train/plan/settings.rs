//! The settings of a run: flag > environment variable > file > default, and who has said what.

use std::collections::BTreeMap;

use anyhow::Result;
use reward::RewardSpec;
use schema::{RewardFunction, RunConfig};
use tasks::BadInput;

use crate::cmd::train::flags::Flags;

/// Names of settings with the flag, variable or file that they come from; what is not named is the default.
pub(super) type Origins = BTreeMap<String, &'static str>;

/// The file that `--config` names, or the defaults.
pub(super) fn settings(flags: &Flags, origins: &mut Origins) -> Result<RunConfig, BadInput> {
    let Some(path) = flags.get("config") else { return Ok(RunConfig::default()) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        BadInput::new(format!("--config `{path}` cannot be read: {error}"), "examples/quickstart.toml is one")
    })?;
    let bad = |error: toml::de::Error| {
        BadInput::new(format!("--config `{path}`: {error}"), "compare with examples/quickstart.toml")
    };
    let config: RunConfig = toml::from_str(&text).map_err(bad)?;
    let sections: toml::Table = toml::from_str(&text).map_err(bad)?;
    for (section, values) in &sections {
        let names = values.as_table().into_iter().flat_map(toml::Table::keys);
        origins.extend(names.map(|name| (format!("{section}.{name}"), "--config")));
    }
    Ok(config)
}

/// What flags and environment variables say instead.
pub(super) fn override_settings(
    config: &mut RunConfig,
    flags: &Flags,
    origins: &mut Origins,
) -> Result<(), BadInput> {
    let mut from = |name: &str, origin: &'static str| origins.insert(name.to_owned(), origin);
    let texts = [
        ("--model", "model.path", &mut config.model.path),
        ("--task-type", "task.type", &mut config.task.kind),
        ("--dataset", "task.dataset", &mut config.task.dataset),
        ("--dataset-type", "task.dataset_type", &mut config.task.dataset_type),
        ("--device", "run.device", &mut config.run.device),
    ];
    for (flag, name, place) in texts {
        if let Some(value) = flags.get(&flag[2..]) {
            *place = Some(value.to_owned());
            from(name, flag);
        }
    }
    for (flag, name, place) in
        [("--out", "run.out", &mut config.run.out), ("--root", "run.root", &mut config.run.root)]
    {
        if let Some(value) = flags.get(&flag[2..]) {
            *place = Some(value.into());
            from(name, flag);
        }
    }
    if let Some(hours) = number::<f64>(flags, "hours-to-complete")? {
        config.run.hours = Some(hours);
        from("run.hours", "--hours-to-complete");
    }
    if let Some(seed) = number::<u64>(flags, "seed")? {
        config.run.seed = seed;
        from("run.seed", "--seed");
    }
    if let Some(lr) = number::<f64>(flags, "lr")? {
        config.optimizer.lr = lr;
        from("optimizer.lr", "--lr");
    }
    if let Ok(urls) = std::env::var("ENVIRONMENT_SERVER_URLS") {
        config.env.urls =
            urls.split(',').map(|url| url.trim().to_owned()).filter(|url| !url.is_empty()).collect();
        from("env.urls", "ENVIRONMENT_SERVER_URLS");
    }
    let plays = config.task.kind.as_deref().is_none_or(|kind| kind == "EnvTask");
    if let Some(workers) = std::env::var("ROLLOUT_WORKERS").ok().filter(|_| plays) {
        config.rollout.workers =
            workers.trim().parse().ok().filter(|workers| *workers > 0).ok_or_else(|| {
                BadInput::new(
                    format!("ROLLOUT_WORKERS is `{workers}`"),
                    "a number of episodes per sidecar, e.g. 4",
                )
            })?;
        from("rollout.workers", "ROLLOUT_WORKERS");
    }
    let rewards = flags.all("reward").iter().map(|text| reward_function(text));
    let rewards = rewards.collect::<Result<Vec<_>, _>>()?;
    if !rewards.is_empty() {
        config.reward.functions = rewards;
        from("reward.functions", "--reward");
    }
    Ok(())
}

/// `F.py[:weight]`.
fn reward_function(text: &str) -> Result<RewardFunction, BadInput> {
    let spec: RewardSpec = text.parse().map_err(|error: reward::Error| {
        BadInput::new(format!("--reward: {error}"), "--reward F.py or --reward F.py:0.5")
    })?;
    Ok(RewardFunction { path: spec.path, weight: spec.weight })
}

/// The value of a flag that is a number.
pub(super) fn number<T: std::str::FromStr>(flags: &Flags, name: &str) -> Result<Option<T>, BadInput> {
    let read =
        |text: &str| text.parse().map_err(|_| BadInput::new(format!("--{name} is `{text}`"), "a number"));
    flags.get(name).map(read).transpose()
}
