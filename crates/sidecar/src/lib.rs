//! A stand-in for the tournament's environment sidecar: the same HTTP API, the same games, bit-exact deals.
//!
//! [`Actor`] is the logic alone and can be used in the same process; [`serve`] puts it behind HTTP; [`check`] tests
//! anyone's sidecar; [`transcripts`] compares ours with recorded episodes of the original. The shell environment is served
//! in the same way, if it is asked for.
//!
//! # Source
//! affinetes' OpenSpiel actor at PhoenixBeaudry/affinetes-gradients@bb2981a and its `http_server.py`; for the shell
//! environment `intercode_server.py` of gradients-ai/G.O.D.

mod actor;
pub mod bare;
mod catalog;
mod chance;
pub mod check;
mod error;
mod evaluate;
mod faults;
mod server;
mod shell;
pub mod text;
pub mod traces;
pub mod transcripts;

pub use actor::{Actor, ActorConfig, Weight};
pub use catalog::{Catalog, Search, Variant};
pub use error::Error;
pub use faults::{Fate, Faults, Latency, Outcome};
pub use server::{ServeConfig, Server, serve};
pub use shell::{ShellConfig, ShellTasks};
