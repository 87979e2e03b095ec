//! The record of a run: an append-only journal of events, its reader, figures for other tools, and the HTML report as a
//! pure function.
//!
//! Light and synchronous; reads no clock and knows no other crate. Events are any serialisable type: what they mean is
//! their writer's business. The journal is one JSON object per line in this simplest form.

mod error;
mod log;
mod metrics;
pub mod report;

pub use error::Error;
pub use log::{Journal, read};
pub use metrics::{At, EVENT_FILES, METRICS_FILE, Metrics, RunName};
