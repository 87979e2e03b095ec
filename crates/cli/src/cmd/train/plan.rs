//! From flags, environment variables and a settings file to a plan; nothing slow happens here
//! but fetching a model that only a hub has.

mod env;
mod env_data;
mod text;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use model::{DecoderConfig, DeviceChoice, DeviceInfo};
use schema::{RunConfig, TaskType};
use tasks::match_play::MatchTask;
use tasks::text::TextTask;
use tasks::{BadInput, Deadline, EnvTask, Hub, Layout};

use super::flags::Flags;
use crate::cmd::quickstart::run_folder;

const KNOWN: [&str; 18] = [
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
    "json",
];

/// Where models come from if HF_ENDPOINT does not say.
const HUB: &str = "https://huggingface.co";
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

/// What the user asked, before it is checked.
pub(super) struct Asked {
    flags: Flags,
    layout: Layout,
    started: Instant,
    pub(super) mode: Mode,
    pub(super) model: String,
    pub(super) dry_run: bool,
    pub(super) as_json: bool,
    fallback_out: PathBuf,
}

impl Asked {
    /// # Errors
    /// If no model is named: then nothing can be left behind either.
    pub(super) fn new(flags: Flags, started: Instant) -> Result<Self, BadInput> {
        let container =
            flags.has("container") || std::env::var("CROUPIER_CONTAINER").is_ok_and(|value| value == "1");
        let model = flags.get("model").map(str::to_owned);
        let model = model.ok_or_else(|| {
            BadInput::new("no model is named", "--model MODEL: a folder, or an id in ROOT/cache/models")
        })?;
        Ok(Self {
            layout: Layout::new(flags.get("root").unwrap_or("/")),
            mode: if container { Mode::Container } else { Mode::Local },
            dry_run: flags.has("dry-run"),
            as_json: flags.has("json"),
            fallback_out: run_folder(flags.get("task-id").unwrap_or("train")),
            model,
            flags,
            started,
        })
    }

    /// Where the model is and where the artifact goes, if there is such a model.
    pub(super) fn model_and_output(&self) -> Option<(PathBuf, PathBuf)> {
        Some((self.layout.find_model(&self.model).ok()?, self.output()))
    }

    /// On this machine; for a person also from a hub.
    fn find_model(&self) -> Result<PathBuf, BadInput> {
        let found = self.layout.find_model(&self.model);
        if found.is_ok() || self.mode == Mode::Container || !Hub::is_id(&self.model) {
            return found;
        }
        let endpoint = std::env::var("HF_ENDPOINT").unwrap_or_else(|_| HUB.to_owned());
        let cache =
            if self.flags.has("root") { self.layout.hub_cache() } else { PathBuf::from("runs/hf_cache") };
        eprintln!("model `{}` comes from {endpoint} and is kept in `{}`", self.model, cache.display());
        Hub { endpoint, cache }.fetch(&self.model)
    }

    fn output(&self) -> PathBuf {
        if let Some(out) = self.flags.get("out") {
            return PathBuf::from(out);
        }
        if self.mode == Mode::Local && !self.flags.has("root") {
            let kind = self.flags.get("task-type").unwrap_or("EnvTask");
            return self.fallback_out.join(if kind == "EnvTask" { "adapter" } else { "artifact" });
        }
        let repo = self.flags.get("expected-repo-name").unwrap_or("model");
        self.layout.output(self.flags.get("task-id").unwrap_or("task"), repo)
    }
}

/// A checked plan.
pub(super) struct Plan {
    pub(super) work: Work,
    pub(super) out: PathBuf,
    pub(super) warnings: Vec<String>,
    config: RunConfig,
    origins: Vec<(String, &'static str)>,
}

/// What will be done.
pub(super) enum Work {
    Env(Box<EnvTask>),
    Match(Box<MatchTask>),
    Text(Box<TextTask>),
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
        let mut config = settings(flags)?;
        let mut origins = Vec::new();
        override_settings(&mut config, flags, &mut origins)?;
        let mut warnings: Vec<String> =
            flags.unknown(&KNOWN).map(|name| format!("--{name} is not known and was not read")).collect();
        if decoder.max_position_embeddings < 64 {
            warnings.push(format!("the model has only {} positions", decoder.max_position_embeddings));
        }
        let kind = flags.get("task-type").or(config.task.kind.as_deref()).unwrap_or("EnvTask");
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
        let common = Common { model_dir, config: config.clone(), device, deadline, steps };
        let work = match kind {
            TaskType::EnvTask => env::work(asked, common, decoder.max_position_embeddings, &mut warnings)?,
            TaskType::ImageTask => {
                return Err(BadInput::new("an ImageTask is not trained by `train text`", KINDS).into());
            }
            kind => Work::Text(Box::new(text::task(asked, common, kind, &mut warnings)?)),
        };
        Ok(Self { work, out: asked.output(), warnings, config, origins })
    }

    /// What will happen when, in lines.
    pub(super) fn timeline(&self) -> Vec<String> {
        let mut lines = match &self.work {
            Work::Env(task) => env::timeline(task),
            Work::Match(task) => env::match_timeline(task),
            Work::Text(task) => text::timeline(task),
        };
        let steps = match &self.work {
            Work::Env(task) => task.steps,
            Work::Match(task) => task.steps,
            Work::Text(task) => task.steps,
        };
        let end = match (self.config.run.hours, steps) {
            (Some(hours), Some(steps)) => format!("{steps} steps, at most {hours} hours"),
            (Some(hours), None) => format!("{hours} hours"),
            (None, steps) => format!("{} steps", steps.unwrap_or_default()),
        };
        lines.push(format!("ends       after {end}"));
        lines
    }

    /// The plan and the merged settings with their origins.
    pub(super) fn describe(&self) -> Result<String> {
        let mut text = self.timeline().join("\n");
        text += "\n\n# settings\n";
        text += &toml::to_string(&self.config).context("settings as TOML")?;
        text += "\n# not from the file or the defaults\n";
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
    let is_foreign = asked.flags.has("out")
        && !full.join("adapter_config.json").exists()
        && std::fs::read_dir(&full).is_ok_and(|mut entries| entries.next().is_some());
    if holds_input || is_foreign {
        let message =
            format!("the output `{}` holds what is not this run's, and would be cleared", out.display());
        return Err(BadInput::new(message, "--out takes a new or an empty folder"));
    }
    Ok(())
}

fn settings(flags: &Flags) -> Result<RunConfig> {
    let Some(path) = flags.get("config") else { return Ok(RunConfig::default()) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        BadInput::new(format!("--config `{path}` cannot be read: {error}"), "examples/quickstart.toml is one")
    })?;
    let parsed = toml::from_str(&text);
    Ok(parsed.map_err(|error| {
        BadInput::new(format!("--config `{path}`: {error}"), "compare with examples/quickstart.toml")
    })?)
}

/// Flag > environment variable > file.
fn override_settings(
    config: &mut RunConfig,
    flags: &Flags,
    origins: &mut Vec<(String, &'static str)>,
) -> Result<()> {
    let mut from = |name: &str, origin: &'static str| origins.push((name.to_owned(), origin));
    if let Some(hours) = number::<f64>(flags, "hours-to-complete")? {
        config.run.hours = Some(hours);
        from("run.hours", "--hours-to-complete");
    }
    if let Some(seed) = number::<u64>(flags, "seed")? {
        config.run.seed = seed;
        from("run.seed", "--seed");
    }
    if let Some(device) = flags.get("device") {
        config.run.device = Some(device.to_owned());
        from("run.device", "--device");
    }
    if let Ok(urls) = std::env::var("ENVIRONMENT_SERVER_URLS") {
        config.env.urls =
            urls.split(',').map(|url| url.trim().to_owned()).filter(|url| !url.is_empty()).collect();
        from("env.urls", "ENVIRONMENT_SERVER_URLS");
    }
    let plays = flags.get("task-type").is_none_or(|kind| kind == "EnvTask");
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
    Ok(())
}

fn deadline(asked: &Asked, config: &RunConfig) -> Result<Deadline, BadInput> {
    match config.run.hours {
        Some(hours) => Deadline::after_hours(asked.started, hours, config.budget.reserve),
        None => Ok(Deadline::none(asked.started)),
    }
}

fn number<T: std::str::FromStr>(flags: &Flags, name: &str) -> Result<Option<T>, BadInput> {
    let read =
        |text: &str| text.parse().map_err(|_| BadInput::new(format!("--{name} is `{text}`"), "a number"));
    flags.get(name).map(read).transpose()
}
