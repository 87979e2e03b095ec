//! What can go wrong with a sidecar, by what the caller can do about it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A request of the sidecar's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET /health`
    Health,
    /// `POST /reset`
    Reset,
    /// `POST /step`
    Step,
    /// `POST /state`
    State,
    /// `POST /stop`
    Stop,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Health, Self::Reset, Self::Step, Self::State, Self::Stop];

    /// Last segment of the path.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Reset => "reset",
            Self::Step => "step",
            Self::State => "state",
            Self::Stop => "stop",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a request or the whole pool failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Correct the setting.
    #[error("`{text}` is no sidecar URL: {reason}")]
    BadUrl {
        /// As given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Correct the setting, or play in-process.
    #[error("there is no sidecar URL in `{0}`")]
    NoUrls(String),
    /// The request never arrived: anything may be sent again.
    #[error("sidecar `{url}` cannot be reached for `{method}`: {reason}")]
    Unreachable {
        /// Which sidecar.
        url: Arc<str>,
        /// Which request.
        method: Method,
        /// From the operating system.
        reason: String,
    },
    /// No answer in time; the request may have been carried out.
    #[error("sidecar `{url}` did not answer `{method}` within {after:?}")]
    Timeout {
        /// Which sidecar.
        url: Arc<str>,
        /// Which request.
        method: Method,
        /// The deadline.
        after: Duration,
    },
    /// The connection broke before the answer was complete; the request may have been carried out.
    #[error("sidecar `{url}` broke the connection during `{method}`: {reason}")]
    Lost {
        /// Which sidecar.
        url: Arc<str>,
        /// Which request.
        method: Method,
        /// From the HTTP client.
        reason: String,
    },
    /// An answer that is no success.
    #[error("sidecar `{url}` gave {status} to `{method}`: {detail}")]
    Rejected {
        /// Which sidecar.
        url: Arc<str>,
        /// Which request.
        method: Method,
        /// HTTP status.
        status: u16,
        /// Beginning of the body.
        detail: String,
    },
    /// An answer that is not of this API.
    #[error("sidecar `{url}` gave an answer to `{method}` that cannot be read: {reason}")]
    Malformed {
        /// Which sidecar.
        url: Arc<str>,
        /// Which request.
        method: Method,
        /// Where reading stopped.
        reason: String,
    },
    /// The sidecar does not know the episode (any more): start another one.
    #[error("sidecar `{url}` does not know episode {episode}")]
    EpisodeGone {
        /// Which sidecar.
        url: Arc<str>,
        /// Which episode.
        episode: String,
    },
    /// The sidecar starts no such episode and says why: ask for another one, or elsewhere.
    #[error("sidecar `{url}` starts no episode: {reason}")]
    NoEpisode {
        /// Which sidecar.
        url: Arc<str>,
        /// Kind and message of its error.
        reason: String,
    },
    /// A step's reply was lost and the sidecar does not say whether it was carried out: give the episode up.
    #[error("sidecar `{url}` does not say whether the lost step of episode {episode} was played: {cause}")]
    Uncertain {
        /// Which sidecar.
        url: Arc<str>,
        /// Which episode.
        episode: String,
        /// How the reply was lost.
        cause: Box<Error>,
    },
    /// The sidecar gets no new episodes at the moment: go to another one, or come back later.
    #[error("sidecar `{url}` is not used at the moment: {reason}")]
    NotUsed {
        /// Which sidecar.
        url: Arc<str>,
        /// Why its circuit breaker is open, or that it is on the block list.
        reason: String,
    },
    /// No sidecar could be used for so long that waiting longer makes no sense: play in-process, or end the run.
    #[error("no sidecar could be used for {waited:?}: {}", reasons.join("; "))]
    AllDead {
        /// How long nothing could be used.
        waited: Duration,
        /// One line a sidecar.
        reasons: Vec<String>,
    },
    /// The pool was shut down.
    #[error("the sidecar pool was shut down")]
    ShutDown,
}

impl Error {
    /// True if the same *idempotent* request may succeed when it is sent again, here or elsewhere.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Lost { .. } | Self::NotUsed { .. } => {
                true
            }
            Self::Rejected { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }

    /// True if the request certainly had no effect.
    pub fn never_arrived(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NotUsed { .. })
    }

    /// True if time ran out.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            Self::Uncertain { cause, .. } => cause.is_timeout(),
            _ => false,
        }
    }

    /// True if it says something about the sidecar's health rather than about one request.
    pub(crate) fn blames_sidecar(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Lost { .. } | Self::Malformed { .. } => {
                true
            }
            Self::Rejected { status, .. } => *status >= 500,
            _ => false,
        }
    }
}
