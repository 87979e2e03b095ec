//! Who plays, and within which limits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use schema::Sampling;

use crate::{Decoding, Format, GroupJudge, League, Policy};

/// Bounds of one episode.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The agent's turns, refused ones included. Random gin_rummy needs about 60, the longest seen 86.
    pub max_turns: u32,
    /// Refused actions in a row.
    pub max_invalid: u32,
    /// Tokens of a prompt and its completion: the model's context.
    pub max_context: Option<usize>,
    /// Time for one episode, waiting for a place excluded.
    pub episode_timeout: Option<Duration>,
    /// End of the run.
    pub deadline: Option<Instant>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_turns: 120, max_invalid: 3, max_context: None, episode_timeout: None, deadline: None }
    }
}

/// What names a run and orders it in time.
#[derive(Clone, Debug)]
pub struct RunInfo {
    /// First part of episode ids.
    pub name: String,
    /// Of all sampling; see [`crate::turn_key`].
    pub seed: u64,
    /// Zero of `started_ms`.
    pub started: Instant,
}

impl RunInfo {
    /// A run that starts now.
    pub fn new(name: impl Into<String>, seed: u64) -> Self {
        Self { name: name.into(), seed, started: Instant::now() }
    }
}

/// A policy with all that is needed to play episodes. Cheap to clone.
#[derive(Clone)]
pub struct Player {
    /// Completes prompts.
    pub policy: Arc<dyn Policy>,
    /// Makes prompts.
    pub format: Arc<dyn Format>,
    /// How completions are drawn.
    pub sampling: Sampling,
    /// Which tokens may be drawn.
    pub decoding: Decoding,
    /// When to stop.
    pub limits: Limits,
    /// Names and seeds.
    pub run: RunInfo,
    /// Adds to the rewards of whole groups.
    pub judge: Option<Arc<dyn GroupJudge>>,
    /// Whom it meets in self-play; itself without one.
    pub league: Option<Arc<League>>,
}

impl Player {
    /// Default sampling and limits, constrained decoding, no judge, no league.
    pub fn new(policy: Arc<dyn Policy>, format: Arc<dyn Format>, run: RunInfo) -> Self {
        let (sampling, limits) = (Sampling::default(), Limits::default());
        Self {
            policy,
            format,
            sampling,
            decoding: Decoding::Constrained,
            limits,
            run,
            judge: None,
            league: None,
        }
    }
}
