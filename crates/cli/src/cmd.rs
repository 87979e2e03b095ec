//! One file per subcommand.

pub(crate) mod bench;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod model;
pub(crate) mod play;
pub(crate) mod prompts;
pub(crate) mod quickstart;
pub(crate) mod reward;
pub(crate) mod rollout;
mod rollout_serve;
pub(crate) mod serve;
pub(crate) mod sidecar;
pub(crate) mod train;
pub(crate) mod verify;
mod weights;
