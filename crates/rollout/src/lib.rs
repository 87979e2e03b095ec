//! Playing episodes: `Policy` × `Env` → `Trajectory`, in groups, with limits.
//!
//! Async and light: no tensors here. Two traits are the doors to the other half of the system: [`Policy`] (the
//! engine, an HTTP model, scripts) and [`Env`] (a sidecar over HTTP, or the same games in-process).

mod env;
mod policy;

pub use env::{Env, EnvError, Observation, Start, StepResult};
pub use policy::{Candidate, Completion, Decoding, Policy, PolicyError, Request};
