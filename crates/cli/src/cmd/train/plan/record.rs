//! Where and as what a run is recorded.

use std::path::{Path, PathBuf};

use schema::{RunConfig, TaskType};
use tasks::record::{RunAsked, RunClock};

use super::{Asked, Work};

/// What the record of a run needs.
pub(in crate::cmd::train) struct RecordPlan {
    pub(in crate::cmd::train) folder: PathBuf,
    pub(in crate::cmd::train) asked: RunAsked,
    pub(in crate::cmd::train) clock: RunClock,
    /// Where W&B's runs lie, if there is such a place and it is wanted.
    pub(in crate::cmd::train) wandb_dir: Option<PathBuf>,
}

impl RecordPlan {
    pub(super) fn new(
        asked: &Asked,
        kind: TaskType,
        work: &Work,
        (config, steps): (&RunConfig, Option<u64>),
        device: &str,
    ) -> Self {
        let flag = |name: &str| asked.flags.get(name).map(str::to_owned);
        let (model_dir, dataset, kl_coef, card) = match work {
            Work::Env(task) => (&task.model_dir, None, None, None),
            Work::Match(task) => (&task.model_dir, None, None, None),
            Work::Text(task, card) => {
                (&task.model_dir, Some(full(&task.dataset)), task.kl_coef, Some(card.clone()))
            }
        };
        let given = config.task.dataset_type.clone().unwrap_or_else(|| "{}".to_owned());
        let run = RunAsked {
            task_id: flag("task-id").unwrap_or_else(|| "train".to_owned()),
            task_type: kind,
            model: asked.model.clone(),
            model_dir: full(model_dir),
            dataset,
            dataset_type: card.unwrap_or(given),
            kl_coef,
            artifact: std::path::absolute(asked.output()).unwrap_or_else(|_| asked.output()),
            seed: config.run.seed,
            hours: config.run.hours,
            steps,
            device: device.to_owned(),
        };
        let disabled = std::env::var("WANDB_MODE").is_ok_and(|mode| mode == "disabled");
        let wandb_dir = std::env::var("WANDB_DIR").ok().filter(|dir| !disabled && !dir.is_empty());
        Self {
            folder: folder(asked),
            asked: run,
            clock: asked.clock,
            wandb_dir: wandb_dir.map(PathBuf::from),
        }
    }
}

/// In the run's own folder, beside a named output, or in the scratch that the contract allows.
pub(super) fn folder(asked: &Asked) -> PathBuf {
    let out = asked.output();
    let name = out.file_name().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
    let beside = out.parent().unwrap_or(Path::new(""));
    if asked.has_run_folder() {
        beside.to_owned()
    } else if asked.named_output().is_some() {
        beside.join(format!("{name}.run"))
    } else {
        beside.join(".tmp").join(format!("{name}.run"))
    }
}

/// So that a reader elsewhere finds it.
fn full(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
