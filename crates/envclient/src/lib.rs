//! Typed async client of environment sidecars.
//!
//! A [`Client`] speaks to one sidecar, one request at a time, without policy. A [`Pool`] knows all sidecars of a run: it
//! polls their health, places episodes where there is room, limits what is in flight, stops trusting a sidecar that
//! fails (with a reason) and frees what was left open. A [`Session`] is one episode on one sidecar and repeats requests
//! only where that is safe.
//!
//! Not here: what an observation means, and how an episode is played (`rollout`).

mod backoff;
mod breaker;
mod client;
mod config;
mod error;
mod histogram;
mod member;
mod pool;
mod prober;
mod reaper;
mod recover;
mod session;
mod stats;
mod urls;

pub use breaker::BreakerState;
pub use client::Client;
pub use config::{ClientConfig, PoolConfig};
pub use error::{Error, Method};
pub use histogram::Histogram;
pub use pool::Pool;
pub use recover::terminal_return;
pub use session::Session;
pub use stats::{ErrorCounts, PoolStats, SidecarStats};
pub use urls::parse_urls;
