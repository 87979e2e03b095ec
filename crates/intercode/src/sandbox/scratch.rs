//! The weak tier: a folder of this machine stands for the root, for commands that we wrote ourselves.
//!
//! Paths of the tree are moved into the folder in the command, and back in its output. That is no isolation: whoever
//! wrote the command is trusted.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::child::{Child, PidNamespace};
use super::process::{Command, Finished, Launcher, collect, pipes};
use crate::Error;
use crate::tree::{PreparedTree, Tree};

/// Tells the folders of one process apart.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    prefix: String,
    root: fs::File,
    /// Top folders of the tree, with their slash.
    tops: Vec<String>,
}

impl Scratch {
    /// A new folder under `parent` with `tree` in it.
    pub(super) fn create(parent: &Path, tree: &Tree) -> Result<Self, Error> {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("croupier-shell-{}-{number}", std::process::id()));
        let failed = |source: io::Error| Error::Scratch { path: path.clone(), source };
        fs::create_dir_all(parent).map_err(failed)?;
        fs::create_dir(&path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let mut tops: Vec<String> = tree.iter().map(|(path, _)| top(path)).collect();
        tops.dedup();
        let root = fs::File::open(&path).map_err(failed)?;
        let prefix = path.to_string_lossy().into_owned();
        let scratch = Self { path, prefix, root, tops };
        PreparedTree::new(tree)
            .write(scratch.root.as_fd())
            .map_err(|error| Error::Scratch { path: scratch.path.clone(), source: error.into() })?;
        Ok(scratch)
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// A command or path with the tree's paths moved into the folder.
    pub(super) fn inward(&self, text: &str) -> String {
        let mut moved = String::with_capacity(text.len() + 64);
        let mut previous = ' ';
        for (at, c) in text.char_indices() {
            let rest = &text[at..];
            let begins = c == '/' && !is_name(previous) && previous != '/';
            if begins && self.tops.iter().any(|top| begins_with_path(rest, top)) {
                moved.push_str(&self.prefix);
            }
            moved.push(c);
            previous = c;
        }
        moved
    }

    /// Where a working folder of the tree's world lies.
    pub(super) fn folder(&self, workdir: &str) -> String {
        format!("{}{}", self.prefix, workdir.trim_end_matches('/'))
    }

    /// Output with the folder taken out of paths.
    pub(super) fn outward(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.prefix), "/").replace(&self.prefix, "/")
    }

    /// Runs a command to its end.
    pub(super) fn run(
        &self,
        launcher: &Launcher,
        command: &Command,
        limit: Duration,
    ) -> Result<Finished, Error> {
        let (readers, outputs) = pipes()?;
        let body = || launcher.become_command(command, &outputs);
        let child =
            Child::start(PidNamespace::Shared, body).map_err(|error| Error::sandbox("fork", error))?;
        drop(outputs);
        collect(child, readers, limit)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that cannot be removed is the operator's temporary folder's business.
        let _left_behind = fs::remove_dir_all(&self.path);
    }
}

fn top(path: &str) -> String {
    let end = path[1..].find('/').map_or(path.len(), |at| at + 1);
    path[..end].to_owned()
}

fn begins_with_path(text: &str, path: &str) -> bool {
    text.strip_prefix(path).is_some_and(|rest| !rest.starts_with(is_name))
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}
