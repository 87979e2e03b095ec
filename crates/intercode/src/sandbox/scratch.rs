//! The weaker tiers: a folder of this machine stands for the root.
//!
//! Paths of the tree are moved into the folder in the command, and back in its output. That is no isolation: either
//! Landlock keeps a command in, or whoever wrote it is trusted. A path that a command puts together is not moved.
//! Neither is a path within a file: what a command writes paths into differs from folder to folder.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{Gid, Uid, fchown};
use rustix::io::Errno;

use super::child::{Child, PidNamespace};
use super::landlock;
use super::nobody::{become_user, transient_user};
use super::output::{Finished, collect, pipes};
use super::process::{Command, Confinement, Launcher};
use crate::Error;
use crate::tree::{PreparedTree, Tree};

/// Tells the folders of one process apart.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// What is around a folder's commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wall {
    /// Nothing: they are ours.
    None,
    /// Landlock.
    Landlock,
}

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    prefix: String,
    root: fs::File,
    /// Top folders of the tree, with their slash.
    tops: Vec<String>,
    /// What walls commands in, in the middle tier.
    ruleset: Option<OwnedFd>,
    /// Who its commands are then.
    user: u32,
}

impl Scratch {
    /// A new folder under `parent` with `tree` in it. With a wall the folder belongs to a user of its own, as do its commands.
    pub(super) fn create(parent: &Path, tree: &Tree, wall: Wall) -> Result<Self, Error> {
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
        let mut scratch = Self { path, prefix, root, tops, ruleset: None, user: transient_user(number) };
        scratch.fill(tree, wall).map_err(|(stage, error)| Error::sandbox(stage, error))?;
        Ok(scratch)
    }

    fn fill(&mut self, tree: &Tree, wall: Wall) -> Result<(), (&'static str, Errno)> {
        let tree = PreparedTree::new(tree);
        if wall == Wall::None {
            return tree.write(self.root()).map_err(|error| ("write files", error));
        }
        self.ruleset =
            Some(landlock::ruleset(self.root()).map_err(|error| ("make a Landlock rule set", error))?);
        let (user, group) = (Uid::from_raw(self.user), Gid::from_raw(self.user));
        fchown(&self.root, Some(user), Some(group)).map_err(|error| ("give the folder away", error))?;
        let write = || match become_user(self.user).and_then(|()| tree.write(self.root())) {
            Ok(()) => 0,
            Err(_) => 1,
        };
        match Child::start(PidNamespace::Shared, write).map(Child::wait) {
            Ok(0) => Ok(()),
            Ok(_) => Err(("write files as its user", Errno::ACCESS)),
            Err(error) => Err(("fork", error)),
        }
    }

    /// True if a model's commands may run here.
    pub(super) fn is_walled(&self) -> bool {
        self.ruleset.is_some()
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
        let confinement = match &self.ruleset {
            Some(ruleset) => Confinement::Landlock { ruleset: ruleset.as_fd(), user: self.user },
            None => Confinement::Trusted,
        };
        let body = || launcher.become_command(command, &outputs, confinement);
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
