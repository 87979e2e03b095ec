//! Limits and deadlines, each with its reason.

use std::time::Duration;

use url::Url;

/// How one sidecar is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// TCP connect. A sidecar that is busy still accepts.
    pub connect_timeout: Duration,
    /// Answer to anything but `step`: the original answers one request at a time, `/health` included.
    pub read_timeout: Duration,
    /// Answer to `step`.
    pub step_timeout: Duration,
    /// Answer to `stop`; nobody waits for it, so it must not clog the reaper.
    pub stop_timeout: Duration,
    /// Repeats of a request after the first try.
    pub retries: u32,
    /// Mean pause before the first repeat; doubles each time.
    pub backoff: Duration,
}

impl Default for ClientConfig {
    /// The deadlines that spec/env_sidecars.md §1.6 suggests.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(60),
            step_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(10),
            retries: 2,
            backoff: Duration::from_millis(50),
        }
    }
}

/// How a pool uses its sidecars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// Deadlines of each sidecar.
    pub client: ClientConfig,
    /// Requests in flight per sidecar: more only queue on the original, which answers one at a time.
    pub in_flight: usize,
    /// Episodes at once per sidecar.
    pub workers: usize,
    /// Failures in a row that open a breaker: more than one group's episodes on one sidecar, because the same deal may
    /// fail for all of them.
    pub trip_after: u32,
    /// First pause of an open breaker before its probe; doubles up to [`PoolConfig::max_cool_down`].
    pub cool_down: Duration,
    /// Longest pause of an open breaker.
    pub max_cool_down: Duration,
    /// Without any usable sidecar for this long the pool gives up.
    pub dead_after: Duration,
    /// Episodes that wait for their `/stop`; a full queue makes `close` wait.
    pub reaper_queue: usize,
    /// Time that a shutdown gives the reaper to drain.
    pub drain_timeout: Duration,
    /// Sidecars that are not used until they are unblocked.
    pub blocked: Vec<Url>,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            client: ClientConfig::default(),
            in_flight: 2,
            workers: 4,
            trip_after: 8,
            cool_down: Duration::from_millis(500),
            max_cool_down: Duration::from_secs(15),
            dead_after: Duration::from_secs(60),
            reaper_queue: 4096,
            drain_timeout: Duration::from_secs(20),
            blocked: Vec::new(),
        }
    }
}
