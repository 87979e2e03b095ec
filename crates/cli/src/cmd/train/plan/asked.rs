//! What the user asked, before it is checked.

use std::path::PathBuf;

use schema::RunConfig;
use tasks::record::RunClock;
use tasks::{BadInput, Hub, Layout};

use super::Mode;
use super::settings::{Origins, number, settings};
use crate::cmd::eval::HUB;
use crate::cmd::quickstart::run_folder;
use crate::cmd::train::flags::Flags;
use crate::progress;

/// See the module.
pub(in crate::cmd::train) struct Asked {
    pub(super) flags: Flags,
    pub(super) layout: Layout,
    pub(super) clock: RunClock,
    /// The settings file, as far as it can be read; what is wrong with it is said by the plan.
    file: RunConfig,
    pub(in crate::cmd::train) mode: Mode,
    pub(in crate::cmd::train) model: String,
    pub(in crate::cmd::train) dry_run: bool,
    pub(in crate::cmd::train) explain: bool,
    pub(in crate::cmd::train) as_json: bool,
    fallback_out: PathBuf,
}

impl Asked {
    /// # Errors
    /// If no model is named: then nothing can be left behind either.
    pub(in crate::cmd::train) fn new(flags: Flags, clock: RunClock) -> Result<Self, BadInput> {
        let container =
            flags.has("container") || std::env::var("CROUPIER_CONTAINER").is_ok_and(|value| value == "1");
        let file = settings(&flags, &mut Origins::new()).unwrap_or_default();
        let model = flags.get("model").map(str::to_owned).or_else(|| file.model.path.clone());
        let model = model.ok_or_else(|| {
            let hint = "--model MODEL: a folder, or an id in ROOT/cache/models; or [model] path in --config";
            BadInput::new("no model is named", hint)
        })?;
        let root = flags.get("root").map(PathBuf::from).or_else(|| file.run.root.clone());
        Ok(Self {
            layout: Layout::new(root.unwrap_or_else(|| "/".into())),
            mode: if container { Mode::Container } else { Mode::Local },
            dry_run: flags.has("dry-run"),
            explain: flags.has("explain"),
            as_json: flags.has("json"),
            fallback_out: run_folder(flags.get("task-id").unwrap_or("train")),
            model,
            file,
            flags,
            clock,
        })
    }

    /// Where the model is and where the artifact goes, if there is such a model.
    pub(in crate::cmd::train) fn model_and_output(&self) -> Option<(PathBuf, PathBuf)> {
        Some((self.layout.find_model(&self.model).ok()?, self.output()))
    }

    /// On this machine; for a person also from a hub.
    pub(super) fn find_model(&self) -> Result<PathBuf, BadInput> {
        let found = self.layout.find_model(&self.model);
        if found.is_ok() || self.mode == Mode::Container || !Hub::is_id(&self.model) {
            return found;
        }
        let endpoint = std::env::var("HF_ENDPOINT").unwrap_or_else(|_| HUB.to_owned());
        let cache = if self.has_root() { self.layout.hub_cache() } else { PathBuf::from("runs/hf_cache") };
        eprintln!("model `{}` comes from {endpoint} and is kept in `{}`", self.model, cache.display());
        progress::fetch(&Hub { endpoint, cache }, &self.model)
    }

    /// The learning rate that someone has asked for.
    pub(super) fn lr(&self) -> Result<Option<f64>, BadInput> {
        if let Some(lr) = number::<f64>(&self.flags, "lr")? {
            return Ok(Some(lr));
        }
        let mut named = Origins::new();
        let file = settings(&self.flags, &mut named)?;
        Ok(named.contains_key("optimizer.lr").then_some(file.optimizer.lr))
    }

    pub(super) fn named_output(&self) -> Option<PathBuf> {
        self.flags.get("out").map(PathBuf::from).or_else(|| self.file.run.out.clone())
    }

    /// True if the output lies in a folder of this run alone.
    pub(super) fn has_run_folder(&self) -> bool {
        self.mode == Mode::Local && self.named_output().is_none() && !self.has_root()
    }

    pub(super) fn output(&self) -> PathBuf {
        if let Some(out) = self.named_output() {
            return out;
        }
        if self.has_run_folder() {
            let kind = self.flags.get("task-type").or(self.file.task.kind.as_deref()).unwrap_or("EnvTask");
            return self.fallback_out.join(if kind == "EnvTask" { "adapter" } else { "artifact" });
        }
        let repo = self.flags.get("expected-repo-name").unwrap_or("model");
        self.layout.output(self.flags.get("task-id").unwrap_or("task"), repo)
    }

    fn has_root(&self) -> bool {
        self.flags.has("root") || self.file.run.root.is_some()
    }
}
