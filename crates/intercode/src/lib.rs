//! The shell environment: questions about a small tree of files, answered with bash commands in a sandbox.
//!
//! [`Sandbox`] isolates commands in tiers and says which one it got; [`Episode`] plays one [`Task`] with the
//! evaluator's step and reward rules; [`tasks`] makes tasks from a seed, and [`teacher`] plays them live. Not here: the
//! model, HTTP.
//!
//! # Source
//! spec/env_sidecars.md §3 (the evaluator's NL2Bash environment); princeton-nlp/intercode@c3e46d8 for its ancestor.

#![cfg(target_os = "linux")]

pub mod checkout;
mod episode;
mod error;
pub mod manifest;
pub mod prompt;
pub mod reward;
mod sandbox;
pub mod sql;
pub mod tasks;
pub mod teacher;
mod tree;
mod workdir;

pub use episode::{Action, Episode, EpisodeConfig, Gold, MAX_TURNS, Step};
pub use error::Error;
pub use sandbox::{Author, Isolation, Observation, Sandbox, SandboxConfig, Session, Tier};
pub use tasks::{FileSystem, Task};
pub use tree::{Content, Modified, Node, Tree};
