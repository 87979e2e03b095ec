//! Replies that need no episode, with the original's wording.

use schema::EnvName;
use schema::env_api::{EnvResult, Info, InfoError, StopResult};

/// Why there is no episode to act on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Missing<'a> {
    /// The request names none.
    NoId,
    /// Never was, stopped, or freed.
    Unknown(&'a str),
}

impl Missing<'_> {
    /// Reply to a call of `method`.
    pub(super) fn reply(self, method: &str) -> EnvResult {
        match self {
            Self::NoId => {
                let message = match method {
                    "step" => "episode_id is required for step().",
                    _ => "episode_id is required.",
                };
                let observation = "No episode_id provided. Call reset() first to get an episode_id.";
                over(observation.to_owned(), None, unknown(), error("no_episode_id", message))
            }
            Self::Unknown(id) => over(
                format!("Episode not found: {id}. Call reset() to start a new episode."),
                Some(id.to_owned()),
                unknown(),
                error("episode_not_found", &format!("Episode {id} not found.")),
            ),
        }
    }
}

/// Reply to a reset with a task id that selects no game served here. The wording is ours.
pub(super) fn invalid_game(task_id: u64, seed: u64, served: &[EnvName]) -> EnvResult {
    let served: Vec<&str> = served.iter().map(|name| name.as_str()).collect();
    let message =
        format!("task_id {task_id} selects no game of this sidecar; it serves {}.", served.join(", "));
    no_episode(task_id, seed, "invalid_game", &message)
}

/// Reply to a reset that starts no episode for a reason that will not pass by itself. The wording is ours.
pub(crate) fn no_episode(task_id: u64, seed: u64, kind: &str, reason: &str) -> EnvResult {
    let info = Info { task_id: Some(task_id), seed: Some(seed), ..unknown() };
    over(reason.to_owned(), None, info, lasting(kind, reason))
}

/// Reply to a stop.
pub(super) fn stopped(id: Option<&str>, stopped: bool) -> StopResult {
    let message = match id {
        _ if stopped => None,
        None => Some("No episode_id provided".to_owned()),
        Some(id) => Some(format!("Episode {id} not found")),
    };
    let episode_id = id.filter(|_| stopped).map(str::to_owned);
    StopResult { status: "ok".to_owned(), stopped, episode_id, message }
}

/// An `info.error`; the original calls all of them retryable.
pub(crate) fn error(kind: &str, message: &str) -> InfoError {
    InfoError { kind: kind.to_owned(), message: message.to_owned(), retryable: true }
}

/// An `info.error` that no further call cures.
pub(crate) fn lasting(kind: &str, message: &str) -> InfoError {
    InfoError { retryable: false, ..error(kind, message) }
}

fn unknown() -> Info {
    Info { step_count: Some(0), cumulative_reward: Some(0.0), ..Info::default() }
}

fn over(observation: String, episode_id: Option<String>, info: Info, error: InfoError) -> EnvResult {
    let info = Info { error: Some(error), ..info };
    EnvResult { observation, reward: 0.0, done: true, truncated: true, episode_id, info }
}
