//! The shell environment on a sidecar: numbered tasks, a sandbox for each episode, the evaluator's rules.
//!
//! The evaluator's own server of this environment has no steps; `reset`, `step`, `state` and `stop` of it are an extension
//! of ours, in the envelope of the games (spec/env_sidecars.md §3.1). Where the kernel grants no isolation, a model's text
//! never runs: every reset is answered with the reason.

mod episode;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use intercode::prompt::Prose;
use intercode::reward::Scoring;
use intercode::{
    Author, Episode, EpisodeConfig, Gold, MAX_TURNS, Sandbox, SandboxConfig, Task, Tier, checkout,
};
use schema::env_api::EnvResult;
use tokio::sync::Semaphore;

pub(crate) use self::episode::ShellEpisode;
use crate::Error;
use crate::actor::replies;

/// Tasks of a generated set, numbered from 1; as many as the evaluator's.
const N_TASKS: u64 = 200;
/// The set that is served unless said otherwise. Lessons and exams of ours have other ones.
const DEFAULT_SET: u64 = 900_000_001;
/// Open sandboxes: each holds a handful of descriptors and at most 64 MiB of files.
pub(crate) const MAX_SANDBOXES: usize = 64;

/// Settings of the shell environment. They matter only if it is among the games that are served.
#[derive(Clone, Debug)]
pub struct ShellConfig {
    /// Where tasks come from.
    pub tasks: ShellTasks,
    /// What keeps commands in.
    pub sandbox: SandboxConfig,
    /// Turns of an episode.
    pub max_turns: usize,
    /// How it is scored.
    pub scoring: Scoring,
    /// Tokens of an answer in `evaluate`.
    pub max_tokens_per_call: u32,
    /// Time of one task in `evaluate`.
    pub task_timeout: Duration,
    /// What models are told in `evaluate`.
    pub prose: Prose,
}

/// Where the tasks of the shell environment come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShellTasks {
    /// Ours: 200 tasks made from a seed.
    Generated {
        /// Another set, other tasks.
        set: u64,
    },
    /// All of a checkout of InterCode.
    Checkout(PathBuf),
}

impl Default for ShellConfig {
    /// The evaluator's rules on tasks of ours.
    fn default() -> Self {
        Self {
            tasks: ShellTasks::Generated { set: DEFAULT_SET },
            sandbox: SandboxConfig::new(std::env::temp_dir()),
            max_turns: MAX_TURNS,
            scoring: Scoring::Continuous,
            max_tokens_per_call: 512,
            task_timeout: Duration::from_secs(150),
            prose: Prose::builtin(),
        }
    }
}

/// Why there is no episode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing here keeps a model's commands in.
    NoSandbox(String),
    /// The sandbox itself failed.
    Failed(String),
    /// As many are open as may be.
    Full(usize),
}

impl Refusal {
    /// The reply to the reset.
    ///
    /// # Errors
    /// [`Error::TooManyEpisodes`].
    pub(crate) fn reply(self, task_id: u64, seed: u64) -> Result<EnvResult, Error> {
        let (kind, reason) = match self {
            Self::NoSandbox(reason) => ("no_sandbox", reason),
            Self::Failed(reason) => ("sandbox_failed", reason),
            Self::Full(open) => return Err(Error::TooManyEpisodes { open }),
        };
        Ok(replies::no_episode(task_id, seed, kind, &reason))
    }
}

/// The shell environment of one sidecar.
#[derive(Debug)]
pub(crate) struct Shell {
    config: ShellConfig,
    /// Or why there is none for a model.
    sandbox: Result<Sandbox, String>,
    /// Of a checkout; those of a generated set are made when they are asked for.
    listed: Option<Vec<Arc<Task>>>,
    places: Arc<Semaphore>,
}

impl Shell {
    /// Tries out which sandbox the kernel grants, and sets up the tasks of a checkout.
    ///
    /// # Errors
    /// [`Error::Shell`] if the checkout cannot be read.
    pub(crate) fn open(config: ShellConfig) -> Result<Self, Error> {
        let sandbox = match Sandbox::new(config.sandbox.clone()) {
            Ok(sandbox) if sandbox.isolation().tier == Tier::TrustedOnly => {
                Err(sandbox.isolation().to_string())
            }
            Ok(sandbox) => Ok(sandbox),
            Err(error) => Err(error.to_string()),
        };
        let listed = match (&config.tasks, &sandbox) {
            (ShellTasks::Checkout(folder), Ok(sandbox)) => {
                Some(checkout::tasks(sandbox, folder)?.into_iter().map(Arc::new).collect())
            }
            _ => None,
        };
        Ok(Self { config, sandbox, listed, places: Arc::new(Semaphore::new(MAX_SANDBOXES)) })
    }

    /// What keeps commands in, or why nothing does.
    pub(crate) fn status(&self) -> String {
        match &self.sandbox {
            Ok(sandbox) => sandbox.isolation().to_string(),
            Err(reason) => format!("no episodes of intercode: {reason}"),
        }
    }

    /// Rules of `evaluate`.
    pub(crate) fn config(&self) -> &ShellConfig {
        &self.config
    }

    /// Tasks are numbered from 1 to this.
    pub(crate) fn n_tasks(&self) -> u64 {
        self.listed.as_ref().map_or(N_TASKS, |tasks| tasks.len() as u64)
    }

    /// True for the number of a task.
    pub(crate) fn has(&self, task_id: u64) -> bool {
        (1..=self.n_tasks()).contains(&task_id)
    }

    /// An episode for a client that plays it by steps. Blocks as long as the task's own command runs.
    pub(crate) fn reset(&self, task_id: u64, seed: u64) -> Result<ShellEpisode, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refusal::Full(MAX_SANDBOXES))?;
        Ok(ShellEpisode::new(task_id, seed, self.config.max_turns, self.play(task_id)?, place))
    }

    /// A task at its start. Blocks as [`Shell::reset`].
    pub(crate) fn play(&self, task_id: u64) -> Result<Episode, Refusal> {
        let sandbox = self.sandbox.as_ref().map_err(|reason| Refusal::NoSandbox(reason.clone()))?;
        let task = self.task(task_id);
        let rules = EpisodeConfig {
            max_turns: self.config.max_turns,
            scoring: self.config.scoring,
            author: Author::Model,
        };
        let start = || {
            let gold = Arc::new(Gold::run(sandbox, &task)?);
            Episode::reset(sandbox, Arc::clone(&task), gold, rules)
        };
        start().map_err(|error| Refusal::Failed(error.to_string()))
    }

    /// # Panics
    /// If there is no such task.
    fn task(&self, task_id: u64) -> Arc<Task> {
        assert!(self.has(task_id), "task {task_id} of {}", self.n_tasks());
        match (&self.listed, &self.config.tasks) {
            (Some(tasks), _) => Arc::clone(&tasks[task_id as usize - 1]),
            (None, ShellTasks::Generated { set }) => Arc::new(intercode::tasks::task(*set, task_id)),
            (None, ShellTasks::Checkout(_)) => unreachable!("without a sandbox nothing is played"),
        }
    }
}

#[cfg(test)]
mod tests;
