//! From flags, environment variables and a settings file to a plan; nothing slow happens here
//! but fetching a model that only a hub has.

mod asked;
mod env;
mod env_data;
mod record;
mod settings;
mod text;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use model::{DecoderConfig, DeviceChoice, DeviceInfo};
use reward::{RewardSpec, WeightedFunction};
use schema::{RewardFunction, RunConfig, TaskType};
use tasks::match_play::MatchTask;
use tasks::text::{Facts, ObjectiveKind, TextTask, explain};
use tasks::{BadInput, Deadline, EnvTask};

pub(super) use self::asked::Asked;
pub(super) use self::record::RecordPlan;

use self::settings::{Origins, number, override_settings, settings};

const KNOWN: [&str; 20] = [
    "task-id",
    "model",
    "dataset",
    "dataset-type",
    "task-type",
    "file-format",
    "expected-repo-name",
    "hours-to-complete",
    "root",
    "out",
    "config",
    "seed",
    "steps",
    "device",
    "lr",
    "container",
    "dry-run",
    "explain",
    "json",
    "reward",
];

/// The task types, for messages.
const KINDS: &str = "EnvTask, InstructTextTask, ChatTask, DpoTask or GrpoTask";

/// Where we run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// A person reads the message.
    Local,
    /// The folder is scored whatever happens.
    Container,
}

/// A checked plan.
pub(super) struct Plan {
    pub(super) work: Work,
    pub(super) out: PathBuf,
    pub(super) warnings: Vec<String>,
    pub(super) record: RecordPlan,
    pub(super) config: RunConfig,
    origins: Origins,
}

/// What will be done.
pub(super) enum Work {
    Env(Box<EnvTask>),
    Match(Box<MatchTask>),
    /// With the card that it was read from.
    Text(Box<TextTask>, String),
}

/// What every task needs.
pub(super) struct Common {
    model_dir: PathBuf,
    config: RunConfig,
    device: DeviceInfo,
    deadline: Deadline,
    steps: Option<u64>,
}

impl Plan {
    /// # Errors
    /// [`BadInput`] naming flag and value.
    pub(super) fn new(asked: &Asked) -> Result<Self> {
        let flags = &asked.flags;
        let model_dir = asked.find_model()?;
        let decoder = DecoderConfig::from_dir(&model_dir).map_err(|error| {
            BadInput::new(
                format!("model `{}`: {error}", asked.model),
                format!("{} can be trained", model::Arch::names()),
            )
        })?;
        check_output(asked, &model_dir)?;
        let mut origins = Origins::new();
        let mut config = settings(flags, &mut origins)?;
        override_settings(&mut config, flags, &mut origins)?;
        let mut warnings: Vec<String> =
            flags.unknown(&KNOWN).map(|name| format!("--{name} is not known and was not read")).collect();
        if decoder.max_position_embeddings < 64 {
            warnings.push(format!("the model has only {} positions", decoder.max_position_embeddings));
        }
        let kind = config.task.kind.as_deref().unwrap_or("EnvTask");
        let kind: TaskType =
            kind.parse().map_err(|error: schema::TaskError| BadInput::new(error.to_string(), KINDS))?;
        let deadline = deadline(asked, &config)?;
        let steps = number::<u64>(flags, "steps")?;
        if config.run.hours.is_none() && steps.is_none() {
            return Err(BadInput::new(
                "neither time nor steps are bounded",
                "--hours-to-complete 0.5, or --steps 100",
            )
            .into());
        }
        let device = config.run.device.as_deref().unwrap_or("auto").parse::<DeviceChoice>();
        let device = device.and_then(DeviceChoice::open);
        let device = device.map_err(|error| BadInput::new(error.to_string(), "--device cpu"))?;
        let device_name = device.name.clone();
        let common = Common { model_dir, config: config.clone(), device, deadline, steps };
        let work = match kind {
            TaskType::EnvTask => env::work(asked, common, decoder.max_position_embeddings, &mut warnings)?,
            TaskType::ImageTask => {
                return Err(BadInput::new("an ImageTask is not trained by `train text`", KINDS).into());
            }
            kind => text::work(asked, common, kind, &mut warnings)?,
        };
        let record = RecordPlan::new(asked, kind, &work, (&config, steps), &device_name);
        Ok(Self { work, out: asked.output(), warnings, record, config, origins })
    }

    /// What will happen when, in lines.
    pub(super) fn timeline(&self) -> Vec<String> {
        let mut lines = match &self.work {
            Work::Env(task) => env::timeline(task),
            Work::Match(task) => env::match_timeline(task),
            Work::Text(task, _) => text::timeline(task),
        };
        let steps = match &self.work {
            Work::Env(task) => task.steps,
            Work::Match(task) => task.steps,
            Work::Text(task, _) => task.steps,
        };
        let end = match (self.config.run.hours, steps) {
            (Some(hours), Some(steps)) => format!("{steps} steps, at most {hours} hours"),
            (Some(hours), None) => format!("{hours} hours"),
            (None, steps) => format!("{} steps", steps.unwrap_or_default()),
        };
        lines.push(format!("ends       after {end}"));
        lines.push(format!("record     {}", self.record.folder.display()));
        lines
    }

    /// Which rows of the recipe's table were taken, with the numbers that went in.
    pub(super) fn explain(&self) -> Result<Vec<String>> {
        match &self.work {
            Work::Text(task, _) => task.explain(),
            Work::Match(task) => {
                let config = DecoderConfig::from_dir(&task.model_dir)?;
                let longest = config.max_position_embeddings.min(4096);
                let (objective, n_examples, memory) = (ObjectiveKind::Sft, 0, task.memory);
                let facts = Facts { config: &config, objective, n_examples, longest, memory };
                Ok(explain(task.recipe.as_ref(), &facts))
            }
            Work::Env(task) => Ok(env::explain(task)),
        }
    }

    /// The plan and the merged settings with their origins.
    pub(super) fn describe(&self) -> Result<String> {
        let mut text = self.timeline().join("\n");
        text += "\n\n# settings\n";
        text += &toml::to_string(&self.config).context("settings as TOML")?;
        text += "\n# what is no default comes from\n";
        for (name, origin) in &self.origins {
            let _ = writeln!(text, "# {name}: {origin}");
        }
        Ok(text)
    }
}

/// The output folder is cleared: it must be the run's own.
fn check_output(asked: &Asked, model_dir: &Path) -> Result<(), BadInput> {
    let out = asked.output();
    let Ok(full) = out.canonicalize() else { return Ok(()) };
    let dataset = asked.flags.get("dataset").map(PathBuf::from);
    let inputs = [Some(model_dir.to_owned()), dataset].into_iter().flatten();
    let holds_input = inputs.flat_map(|input| input.canonicalize()).any(|input| input.starts_with(&full));
    let is_foreign = asked.named_output().is_some()
        && !full.join("adapter_config.json").exists()
        && std::fs::read_dir(&full).is_ok_and(|mut entries| entries.next().is_some());
    if holds_input || is_foreign {
        let message =
            format!("the output `{}` holds what is not this run's, and would be cleared", out.display());
        return Err(BadInput::new(message, "--out takes a new or an empty folder"));
    }
    Ok(())
}

fn deadline(asked: &Asked, config: &RunConfig) -> Result<Deadline, BadInput> {
    match config.run.hours {
        Some(hours) => Deadline::after_hours(asked.clock.started, hours, config.budget.reserve),
        None => Ok(Deadline::none(asked.clock.started)),
    }
}

/// A reward function's source, with its weight.
fn reward_function(function: &RewardFunction) -> Result<WeightedFunction, BadInput> {
    RewardSpec::from(function).read().map_err(|error| {
        BadInput::new(format!("reward function: {error}"), "--reward F.py[:WEIGHT], or [reward] functions")
    })
}
