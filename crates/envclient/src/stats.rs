//! Counters of a sidecar and their snapshot.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

use crate::{BreakerState, Error, Histogram};

/// Counts that many tasks add to.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) recovered_steps: AtomicU64,
    pub(crate) stopped: AtomicU64,
    pub(crate) stops_failed: AtomicU64,
    pub(crate) stops_dropped: AtomicU64,
    pub(crate) latency: Histogram,
    unreachable: AtomicU64,
    timeout: AtomicU64,
    lost: AtomicU64,
    rejected: AtomicU64,
    malformed: AtomicU64,
    gone: AtomicU64,
    not_used: AtomicU64,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

impl Counters {
    pub(crate) fn error(&self, error: &Error) {
        count(match error {
            Error::Unreachable { .. } => &self.unreachable,
            Error::Timeout { .. } => &self.timeout,
            Error::Lost { .. } => &self.lost,
            Error::Rejected { .. } => &self.rejected,
            Error::EpisodeGone { .. } => &self.gone,
            Error::NotUsed { .. } => &self.not_used,
            _ => &self.malformed,
        });
    }

    pub(crate) fn errors(&self) -> ErrorCounts {
        ErrorCounts {
            unreachable: self.unreachable.load(Relaxed),
            timeout: self.timeout.load(Relaxed),
            lost: self.lost.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            malformed: self.malformed.load(Relaxed),
            gone: self.gone.load(Relaxed),
            not_used: self.not_used.load(Relaxed),
        }
    }
}

/// Requests that failed, by kind of [`Error`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ErrorCounts {
    /// Never arrived.
    pub unreachable: u64,
    /// No answer in time.
    pub timeout: u64,
    /// Connection broken.
    pub lost: u64,
    /// Not a success.
    pub rejected: u64,
    /// Not of this API.
    pub malformed: u64,
    /// Unknown episode.
    pub gone: u64,
    /// Refused by our own breaker or block list.
    pub not_used: u64,
}

impl ErrorCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        let Self { unreachable, timeout, lost, rejected, malformed, gone, not_used } = self;
        unreachable + timeout + lost + rejected + malformed + gone + not_used
    }
}

/// What happened with one sidecar so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SidecarStats {
    /// Which.
    pub url: String,
    /// Whether it is used, and if not, why.
    #[serde(flatten)]
    pub state: BreakerState,
    /// Episodes placed on it now.
    pub open_episodes: usize,
    /// Requests sent, health probes excluded.
    pub requests: u64,
    /// Requests that failed.
    pub errors: ErrorCounts,
    /// Requests sent again.
    pub retries: u64,
    /// Steps whose lost reply was read from `/state`.
    pub recovered_steps: u64,
    /// Times the breaker opened.
    pub trips: u64,
    /// Median time to an answer.
    pub p50_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// Episodes freed.
    pub stopped: u64,
    /// Episodes whose `/stop` failed: the sidecar keeps them until they expire.
    pub stops_failed: u64,
    /// Episodes that the full or closed reaper queue did not take.
    pub stops_dropped: u64,
}

/// What happened in a pool so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PoolStats {
    /// In the order of the URLs.
    pub sidecars: Vec<SidecarStats>,
}

impl PoolStats {
    /// Requests sent to all sidecars.
    pub fn requests(&self) -> u64 {
        self.sidecars.iter().map(|sidecar| sidecar.requests).sum()
    }

    /// Requests that failed on all sidecars.
    pub fn errors(&self) -> u64 {
        self.sidecars.iter().map(|sidecar| sidecar.errors.total()).sum()
    }

    /// Sidecars that are in use.
    pub fn n_used(&self) -> usize {
        self.sidecars.iter().filter(|sidecar| sidecar.state == BreakerState::Closed).count()
    }
}
