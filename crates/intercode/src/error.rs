//! What can go wrong around the shell environment, by what the caller can do about it.
//!
//! A command that fails is no error: what it printed is the observation.

use std::io;
use std::path::PathBuf;

/// Why there is no observation at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Run where user namespaces or Landlock are granted; text of a model never runs without isolation.
    #[error("no sandbox for a model's commands: {reason}")]
    NoSandbox {
        /// What the kernel refused.
        reason: String,
    },
    /// Look at the folder and its permissions.
    #[error("scratch folder `{path}`: {source}")]
    Scratch {
        /// Which folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Try again, or with fewer sessions at once: the sandbox itself failed.
    #[error("the sandbox failed to {stage}: {source}")]
    Sandbox {
        /// What it was doing.
        stage: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Look at the checkout: a file is missing, or not as expected.
    #[error("checkout file `{path}`: {reason}")]
    Checkout {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Reset before the next step.
    #[error("the episode is over")]
    Over,
}

impl Error {
    pub(crate) fn sandbox(stage: &'static str, source: impl Into<io::Error>) -> Self {
        Self::Sandbox { stage, source: source.into() }
    }
}
