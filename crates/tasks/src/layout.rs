//! Where the tournament container keeps things, relocated by a prefix for local use.

use std::path::{Path, PathBuf};

use crate::BadInput;

/// `ROOT/cache` and `ROOT/app/checkpoints`; ROOT is `/` in the container.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// A pure prefix.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// `cache/models`, read-only.
    pub fn models(&self) -> PathBuf {
        self.root.join("cache/models")
    }

    /// `cache/datasets/TASK_train_data.json`.
    pub fn dataset(&self, task_id: &str) -> PathBuf {
        self.root.join("cache/datasets").join(format!("{task_id}_train_data.json"))
    }

    /// `cache/hf_cache`: what came from a hub.
    pub fn hub_cache(&self) -> PathBuf {
        self.root.join("cache/hf_cache")
    }

    /// Data sets that the miner has asked for.
    pub fn miner_datasets(&self) -> PathBuf {
        self.root.join("cache/miner_datasets")
    }

    /// `app/checkpoints/TASK/REPO`: what lies there when time is up gets scored.
    pub fn output(&self, task_id: &str, repo_name: &str) -> PathBuf {
        self.root.join("app/checkpoints").join(task_id).join(repo_name)
    }

    /// Folder of a model given by id, 16-hex hash or path.
    ///
    /// Tried in order: the cache under the id with `/` as `--`, the path itself, the only model in the cache.
    ///
    /// # Errors
    /// [`BadInput`] with the places that were tried.
    pub fn find_model(&self, model: &str) -> Result<PathBuf, BadInput> {
        let cached = self.models().join(model.replace('/', "--"));
        let given = PathBuf::from(model);
        for place in [&cached, &given] {
            if is_model(place) {
                return Ok(place.clone());
            }
        }
        let mut only =
            std::fs::read_dir(self.models()).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut only = only.by_ref().filter(|place| is_model(place));
        match (only.next(), only.next()) {
            (Some(place), None) => Ok(place),
            _ => Err(BadInput::new(
                format!(
                    "model `{model}` is neither in `{}` nor a folder with a config.json",
                    cached.display()
                ),
                "give a model folder, or put the model under --root DIR/cache/models/ORG--NAME",
            )),
        }
    }
}

fn is_model(place: &Path) -> bool {
    place.join("config.json").is_file()
}

#[cfg(test)]
mod tests;
