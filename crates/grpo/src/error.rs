//! What can go wrong in training and in verifying it.

use std::path::PathBuf;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that is none of the known ones.
    #[error("unknown {what} `{value}`: expected {expected}")]
    UnknownName {
        /// Which setting.
        what: &'static str,
        /// The value given.
        value: String,
        /// The known names.
        expected: &'static str,
    },
    /// A reference file is missing, unreadable, or not of the schema.
    #[error("reference file `{}` cannot be used: {reason}", path.display())]
    Reference {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A trajectory that cannot be trained on.
    #[error("trajectory `{id}` cannot be trained on: {reason}")]
    Trajectory {
        /// Its id.
        id: String,
        /// Why.
        reason: String,
    },
    /// A model cannot be read.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// The thread that owns the model is gone.
    #[error("the trainer has stopped")]
    TrainerStopped,
    /// No more groups come, or too many in a row could not be trained on.
    #[error("play has stopped: {0}")]
    Starved(String),
    /// The optimizer step could not be prepared.
    #[error(transparent)]
    Train(#[from] train::Error),
}
