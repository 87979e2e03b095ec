//! What can go wrong with a journal.

use std::path::PathBuf;

/// Errors of this crate, by what the caller can do about them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened, read or written.
    #[error("cannot {verb} journal `{path}`: {source}")]
    File {
        /// `create`, `read` or `write`.
        verb: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An event that has no JSON form: a mistake of its type (a map with keys that are no strings).
    #[error("an event of journal `{path}` cannot be written as JSON: {reason}")]
    Event {
        /// Which journal.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A whole line that is not the expected event; a cut last line is no error.
    #[error("line {line} of journal `{path}` is damaged: {reason}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Why.
        reason: String,
    },
}
