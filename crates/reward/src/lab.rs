//! The reward lab: try a function before it shapes a model.
//!
//! [`check`] looks for faults with texts of its own and with recorded rollouts, [`rescore`] writes a function's scores
//! into a rollout file, [`compare`] says what another function would have preferred. Each gives plain figures; `html`
//! of each makes a page of them.

mod chart;
mod check;
mod compare;
mod distribution;
mod page;
mod probes;
mod rescore;
mod rollouts;

pub use check::{CheckReport, Finding, Severity, check};
pub use compare::{Comparison, Example, compare};
pub use distribution::{Distribution, rank_correlation};
pub use rescore::{Rescored, rescore};
pub use rollouts::Rollouts;
