//! A game to play, over HTTP or in-process.

use std::sync::Arc;

use futures::future::BoxFuture;
use schema::Opponent;

/// What selects an episode: the same start gives the same deal and the same opponent draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Game and variant.
    pub task_id: u64,
    /// Deal, opponent, seat.
    pub seed: u64,
    /// The other side.
    pub opponent: Opponent,
}

/// What the agent sees, parsed once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// The sidecar's text, whole. After a refusal that of the last state: the game has not changed.
    pub text: String,
    /// The game's short name; empty if the text does not say it.
    pub game: String,
    /// Legal ids with their action strings, ascending; empty at the end.
    pub legal: Vec<(u32, String)>,
    /// The agent's seat, if the text or the info says it.
    pub player: Option<u8>,
    /// What the environment said about the action that it has just refused.
    pub refusal: Option<String>,
    /// All texts of the episode so far, this one's last, where a single one does not say all: the shell environment shows
    /// its question once, and then what each turn brought. Empty for games.
    pub so_far: Vec<String>,
}

/// One transition.
#[derive(Clone, Debug, PartialEq)]
pub struct StepResult {
    /// What the agent sees next.
    pub observation: Observation,
    /// Of this transition.
    pub reward: f64,
    /// The game is over.
    pub done: bool,
    /// The action was refused and the game has not changed.
    pub refused: bool,
    /// Return in the game's unit, where the terminal text or the info says it.
    pub raw_return: Option<f64>,
}

/// An environment that cannot go on. The episode ends; others are not concerned.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EnvError {
    /// No answer within the deadline, and none to the question where the episode stands.
    #[error("the environment did not answer in time: {0}")]
    Timeout(String),
    /// An answer that a retry does not cure.
    #[error("the environment failed: {0}")]
    Failed(String),
}

/// One episode's environment.
pub trait Env: Send {
    /// URL of the sidecar; empty in-process.
    fn location(&self) -> String;

    /// Starts the episode.
    fn reset(&mut self, start: Start) -> BoxFuture<'_, Result<StepResult, EnvError>>;

    /// Plays the agent's action (the sidecar parses the text) and the opponent's reply.
    fn step<'a>(&'a mut self, action: &'a str) -> BoxFuture<'a, Result<StepResult, EnvError>>;

    /// Frees the episode. Dropping without it queues the same on the environment's reaper.
    fn close(&mut self) -> BoxFuture<'_, ()>;
}

/// Where environments come from: a pool of sidecars, or this process.
pub trait EnvSource: Send + Sync {
    /// An environment for one episode, when there is a place for it. Cancel safe.
    fn acquire(&self) -> BoxFuture<'_, Result<Box<dyn Env>, EnvError>>;
}

impl<S: EnvSource + ?Sized> EnvSource for Arc<S> {
    fn acquire(&self) -> BoxFuture<'_, Result<Box<dyn Env>, EnvError>> {
        (**self).acquire()
    }
}
