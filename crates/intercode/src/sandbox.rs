//! Where commands run: namespaces of their own, else behind Landlock, else a folder for our own commands only.
//!
//! [`Sandbox::new`] tries what the kernel grants and says so in [`Isolation`]. A [`Session`] is one episode's root: a
//! tree that lasts from command to command, while every command is a fresh `bash -c` whose processes all end with it.
//! A model's text never runs without isolation: it is refused.
//!
//! # Source
//! spec/env_sidecars.md §3.2 (step rules) and §3.5 (isolation). Deviations: a command has 15 s instead of 30; what it
//! leaves running ends with it; each of its two outputs ends after 64 KiB.

mod child;
mod filter;
mod landlock;
mod namespaces;
mod nobody;
mod output;
mod process;
mod root;
mod scratch;
mod session;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::namespaces::Namespaces;
use self::process::Launcher;
use self::root::RootPlan;
use self::scratch::{Scratch, Wall};
use self::session::Place;
pub use self::session::{Author, Observation, Session};
use crate::Error;
use crate::tree::Tree;

/// Half of the evaluator's limit: one slow command must not cost a quarter of a minute more.
const COMMAND_LIMIT: Duration = Duration::from_secs(15);

/// How well commands are isolated from the machine, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Our own commands in a scratch folder; a model's text never runs.
    TrustedOnly,
    /// As a user of its own, in a scratch folder, within a rule set of Landlock and a system call filter, with limits.
    Landlock,
    /// User, mount, pid, network, ipc and uts namespaces, a root of its own, a system call filter, limits.
    Namespaces,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TrustedOnly => "trusted commands only",
            Self::Landlock => "landlock",
            Self::Namespaces => "namespaces",
        })
    }
}

/// What a sandbox got from the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation {
    /// The tier that was obtained.
    pub tier: Tier,
    /// What was refused, with the kernel's reason.
    pub refused: Vec<String>,
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shell sandbox: {}", self.tier)?;
        if !self.refused.is_empty() {
            write!(f, " (refused: {})", self.refused.join("; "))?;
        }
        Ok(())
    }
}

/// Settings of a sandbox.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Do not try for more than this.
    pub strongest: Tier,
    /// Where the weaker tiers make their folders, one a session, removed with it. Everybody must be able to enter it.
    pub scratch: PathBuf,
    /// Time of one command.
    pub command_limit: Duration,
}

impl SandboxConfig {
    /// The strongest tier, fifteen seconds a command.
    pub fn new(scratch: impl Into<PathBuf>) -> Self {
        Self { strongest: Tier::Namespaces, scratch: scratch.into(), command_limit: COMMAND_LIMIT }
    }
}

/// Opens sessions, any number at a time and from any thread.
#[derive(Debug)]
pub struct Sandbox {
    launcher: Arc<Launcher>,
    plan: Option<RootPlan>,
    config: SandboxConfig,
    isolation: Isolation,
}

impl Sandbox {
    /// The strongest sandbox that the kernel grants: it is tried out, not looked up.
    ///
    /// # Errors
    /// [`Error::Sandbox`] if not even `bash` runs.
    pub fn new(config: SandboxConfig) -> Result<Self, Error> {
        let launcher = Arc::new(Launcher::new());
        let isolation = Isolation { tier: config.strongest, refused: Vec::new() };
        let mut sandbox = Self { launcher, plan: None, config, isolation };
        for tier in [Tier::Namespaces, Tier::Landlock] {
            if sandbox.config.strongest < tier {
                continue;
            }
            sandbox.isolation.tier = tier;
            sandbox.plan = (tier == Tier::Namespaces).then(RootPlan::new);
            match sandbox.try_out() {
                Ok(()) => return Ok(sandbox),
                Err(error) => sandbox.isolation.refused.push(format!("{tier}: {error}")),
            }
        }
        sandbox.plan = None;
        sandbox.isolation.tier = Tier::TrustedOnly;
        sandbox.try_out()?;
        Ok(sandbox)
    }

    /// The tier, and what was refused.
    pub fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// A session that begins with `tree`, in its root folder.
    ///
    /// # Errors
    /// [`Error::Sandbox`], [`Error::Scratch`].
    pub fn open(&self, tree: &Tree) -> Result<Session, Error> {
        let wall = if self.isolation.tier == Tier::Landlock { Wall::Landlock } else { Wall::None };
        let place = match &self.plan {
            Some(plan) => Place::Namespaces(Namespaces::open(plan, tree)?),
            None => Place::Scratch(Scratch::create(&self.config.scratch, tree, wall)?),
        };
        Ok(Session::new(place, Arc::clone(&self.launcher), self.config.command_limit))
    }

    /// One command in one session.
    fn try_out(&self) -> Result<(), Error> {
        let mut session = self.open(&Tree::default())?;
        let seen = session.execute("echo ready", Author::Ours)?;
        match seen.whole.as_str() {
            "ready\n" => Ok(()),
            other => Err(Error::sandbox(
                "run bash",
                std::io::Error::other(format!("it said `{other}`, code {:?}", seen.exit_code)),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
