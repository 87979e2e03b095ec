//! Why an episode ends before its game, and the clock that may end it.

use std::fmt::Display;
use std::time::Duration;

use schema::StopReason;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{EnvError, Limits, PolicyError};

/// An end before the game's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) reason: StopReason,
    /// What failed, for people.
    pub(crate) error: String,
}

impl Stop {
    /// Without anything having failed.
    pub(crate) fn new(reason: StopReason) -> Self {
        Self { reason, error: String::new() }
    }

    pub(crate) fn because(reason: StopReason, error: impl Display) -> Self {
        Self { reason, error: error.to_string() }
    }
}

impl From<EnvError> for Stop {
    fn from(error: EnvError) -> Self {
        let reason = match error {
            EnvError::Timeout(_) => StopReason::EnvTimeout,
            EnvError::Failed(_) => StopReason::EnvError,
        };
        Self::because(reason, error)
    }
}

impl From<PolicyError> for Stop {
    fn from(error: PolicyError) -> Self {
        Self::because(StopReason::PolicyError, error)
    }
}

/// What an episode waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    Place,
    Env,
    Policy,
}

/// Ends waiting when the run or the episode has no time left, or somebody cancels.
pub(super) struct Clock<'a> {
    cancel: &'a CancellationToken,
    run_ends: Option<Instant>,
    timeout: Option<Duration>,
    episode_ends: Option<Instant>,
}

impl<'a> Clock<'a> {
    pub(super) fn new(limits: &Limits, cancel: &'a CancellationToken) -> Self {
        let run_ends = limits.deadline.map(Instant::from_std);
        Self { cancel, run_ends, timeout: limits.episode_timeout, episode_ends: None }
    }

    /// The episode's own time begins.
    pub(super) fn start_episode(&mut self) {
        self.episode_ends = self.timeout.map(|timeout| Instant::now() + timeout);
    }

    /// What `future` gives, unless it is cut off; then it is dropped.
    pub(super) async fn wait<T>(&self, what: Waiting, future: impl Future<Output = T>) -> Result<T, Stop> {
        let ends = [self.run_ends, self.episode_ends].into_iter().flatten().min();
        let expired = async {
            match ends {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        // In this order, so that an episode that never waits can be cut off, too.
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Stop::new(StopReason::Cancelled)),
            () = expired => Err(self.expired(what)),
            value = future => Ok(value),
        }
    }

    fn expired(&self, what: Waiting) -> Stop {
        if self.run_ends.is_some_and(|at| at <= Instant::now()) {
            return Stop::new(StopReason::Deadline);
        }
        let reason = if what == Waiting::Policy { StopReason::PolicyError } else { StopReason::EnvTimeout };
        let timeout = self.timeout.unwrap_or_default();
        Stop::because(reason, format_args!("the episode did not end within {timeout:?}"))
    }
}
