//! `benchmark.json`: models that join in comparisons.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Deserialize;
use tasks::Hub;

use crate::failure::Failure;
use crate::progress;

const HINT: &str = r#"[{"name": "mine", "path": "runs/1-train/artifact"}, {"name": "other", "repo": "org/name", "tasks": ["1-train"]}]"#;
/// Where models of a hub are kept.
const HUB_CACHE: &str = "runs/hf_cache";

/// One model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// As tables show it.
    pub(super) name: String,
    /// Folder; relative ones are relative to the file.
    #[serde(default)]
    path: Option<PathBuf>,
    /// Id on a hub.
    #[serde(default)]
    repo: Option<String>,
    /// Runs whose rows it is compared on; none means all.
    #[serde(default)]
    pub(super) tasks: Vec<String>,
}

impl Entry {
    /// Whether it is compared on the rows of `task`, or on those of the flags if there is none.
    pub(super) fn joins(&self, task: Option<&str>) -> bool {
        self.tasks.is_empty() || task.is_some_and(|task| self.tasks.iter().any(|own| own == task))
    }

    /// Where it is; what a hub has is fetched.
    pub(super) fn folder(&self) -> Result<PathBuf> {
        match (&self.path, &self.repo) {
            (Some(path), _) => Ok(path.clone()),
            (None, Some(repo)) => {
                let endpoint = std::env::var("HF_ENDPOINT").unwrap_or_else(|_| super::HUB.to_owned());
                Ok(progress::fetch(&Hub { endpoint, cache: HUB_CACHE.into() }, repo)?)
            }
            (None, None) => unreachable!("checked when it was read"),
        }
    }
}

/// The models of a file.
pub(super) fn read(file: &Path) -> Result<Vec<Entry>> {
    let bad = |why: String| Failure::bad_input(format!("benchmark `{}`: {why}", file.display()), HINT);
    let text = std::fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
    let mut entries: Vec<Entry> = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    if entries.is_empty() {
        return Err(bad("it names no model".to_owned()).into());
    }
    for entry in &mut entries {
        match (&mut entry.path, &entry.repo) {
            (Some(path), None) => *path = file.parent().unwrap_or(Path::new("")).join(&*path),
            (None, Some(_)) => {}
            _ => return Err(bad(format!("`{}` needs a path or a repo, one of both", entry.name)).into()),
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests;
