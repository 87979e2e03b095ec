//! What can go wrong outside an episode. Inside, failures are stop reasons.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tokenizer's folder does not fit the format.
    #[error("no prompt can be made: {0}")]
    Prompt(#[from] data::Error),
    /// The chat template does not keep what the assistant said, so tokens cannot be appended to.
    #[error("the chat template drops or rewrites the assistant's answer; use the compact format")]
    TemplateRewrites,
    /// Choose one of the known names.
    #[error("there is no {what} `{name}`; known are {known}")]
    UnknownName {
        /// What was to be chosen.
        what: &'static str,
        /// As given.
        name: String,
        /// The choice.
        known: &'static str,
    },
    /// The file is no prompt pack.
    #[error("`{}` is no prompt pack: {reason}", path.display())]
    PromptPack {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The prompt pack does not know the game.
    #[error("the prompt pack ({source_of_pack}) has no rules of `{game}`")]
    NoRules {
        /// As asked.
        game: String,
        /// The pack's `source`.
        source_of_pack: String,
    },
    /// Nothing to take prose from.
    #[error("none of {n_requests} requests has a system prompt of the evaluator's layout")]
    NothingCaptured {
        /// How many were looked at.
        n_requests: usize,
    },
    /// The answer holds what the family's parser takes for something else; leave it out.
    #[error("no answer of this family is read back as `{answer}`")]
    AnswerNotReadable {
        /// As it was to be written.
        answer: String,
    },
    /// A longer conversation than a system and a user message, for a template that knows no tools or no system.
    #[error("the model's chat template has no place for a conversation with tools")]
    NoPlace,
    /// A data set cannot be read.
    #[error(transparent)]
    Data(data::Error),
    /// A file cannot be written or read.
    #[error("`{}`: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is no trajectory.
    #[error("`{}` line {line}: {reason}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// The sidecars cannot be used.
    #[error(transparent)]
    Sidecars(#[from] envclient::Error),
    /// The address is taken, or is not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// As asked.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A model behind HTTP cannot be used: another address, or another server.
    #[error("the policy at `{url}` cannot be used: {reason}")]
    PolicyServer {
        /// Base of its addresses.
        url: Url,
        /// Why.
        reason: String,
    },
    /// There is no table to look a position up in.
    #[error("`{game}` cannot be solved")]
    Unsolved {
        /// As given.
        game: String,
        /// Why.
        source: games::Error,
    },
    /// An episode of a benchmark failed.
    #[error("the benchmark's episode failed: {0}")]
    Bench(String),
}
