//! Tasks from a user's own checkout of InterCode: questions and gold commands as they are, trees by its setup scripts.
//!
//! The scripts delete and make top folders, so they run in namespaces only. Nothing of the checkout is kept here.
//!
//! # Source
//! princeton-nlp/intercode@c3e46d8: `data/nl2bash/nl2bash_fs_<n>.json`, `docker/bash_scripts/setup_nl2b_fs_<n>.sh`;
//! numbers by spec/env_sidecars.md §3.1.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::Error;
use crate::sandbox::{Sandbox, Tier};
use crate::tasks::{FileSystem, Task};
use crate::tree::Tree;

/// The evaluator's file systems, in the order of task numbers.
const FILE_SYSTEMS: [(u32, FileSystem); 4] =
    [(1, FileSystem::Testbed), (2, FileSystem::System), (3, FileSystem::Workspace), (4, FileSystem::Bare)];

/// One entry of a question file; it may have more fields.
#[derive(Debug, Deserialize)]
struct Entry {
    query: String,
    gold: String,
}

/// All tasks of the checkout at `folder`, numbered from 1.
///
/// # Errors
/// [`Error::NoSandbox`] without namespaces; [`Error::Checkout`] for files that are not there or not as expected;
/// [`Error::Sandbox`].
pub fn tasks(sandbox: &Sandbox, folder: &Path) -> Result<Vec<Task>, Error> {
    if sandbox.isolation().tier != Tier::Namespaces {
        return Err(Error::NoSandbox {
            reason: format!("setup scripts need namespaces; {}", sandbox.isolation()),
        });
    }
    let mut tasks = Vec::new();
    for (number, file_system) in FILE_SYSTEMS {
        let script = read(folder.join(format!("docker/bash_scripts/setup_nl2b_fs_{number}.sh")))?;
        let tree = Arc::new(set_up(sandbox, &script, file_system)?);
        let path = folder.join(format!("data/nl2bash/nl2bash_fs_{number}.json"));
        let entries: Vec<Entry> = serde_json::from_str(&read(path.clone())?)
            .map_err(|error| Error::Checkout { path, reason: error.to_string() })?;
        for Entry { query, gold } in entries {
            let (id, tree) = (tasks.len() as u64 + 1, Arc::clone(&tree));
            let (question, attempts) = (query, Vec::new());
            tasks.push(Task { id, template: "checkout", file_system, question, gold, attempts, tree });
        }
    }
    Ok(tasks)
}

/// What a setup script leaves. Its own failures are part of it: one step of the third fails on every Linux.
fn set_up(sandbox: &Sandbox, script: &str, file_system: FileSystem) -> Result<Tree, Error> {
    let session = sandbox.open(&Tree::default())?;
    session.run_from_root(script)?;
    session.export(file_system.folders())
}

fn read(path: PathBuf) -> Result<String, Error> {
    fs::read_to_string(&path).map_err(|error| Error::Checkout { path, reason: error.to_string() })
}

#[cfg(test)]
mod tests;
