//! What can go wrong between files and tokens.

use std::path::PathBuf;

/// Errors of this crate, by what the caller can do about them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that is missing or cannot be read or written.
    #[error("cannot {verb} `{path}`: {source}")]
    File {
        /// `read` or `write`.
        verb: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is there and is not what it should be.
    #[error("`{path}` is not usable: {reason}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A model folder without a chat template was asked to render a chat.
    #[error("`{folder}` has no chat template")]
    NoChatTemplate {
        /// The model folder.
        folder: PathBuf,
    },
    /// The template refuses these messages, or is written for another engine.
    #[error("the chat template failed: {reason}")]
    ChatTemplate {
        /// The template's own words, if it raised an exception.
        reason: String,
    },
    /// A tokenizer that cannot be trained as asked.
    #[error("cannot train a tokenizer of {vocab_size} entries: {reason}")]
    Train {
        /// As asked.
        vocab_size: usize,
        /// Why.
        reason: String,
    },
}
