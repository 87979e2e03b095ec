//! What can go wrong outside of a game. Problems inside one are data: `info.error` of the reply.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Failures of the sidecar, named by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Ask with another seed. The text is numpy's, which the original passes on.
    #[error("Seed must be between 0 and 2**32 - 1 (the sidecar also uses seed + 100; got {0})")]
    SeedRange(u64),
    /// Stop episodes, or raise the cap.
    #[error("{open} episodes are open, which is the cap; stop some with /stop")]
    TooManyEpisodes {
        /// Open episodes.
        open: usize,
    },
    /// Choose another opponent or game.
    #[error("opponent `{opponent}` cannot play {game}")]
    OpponentCannotPlay {
        /// As requested.
        opponent: String,
        /// Short name.
        game: &'static str,
    },
    /// Ask for one that there is.
    #[error("Unknown opponent type: {0}")]
    UnknownOpponent(String),
    /// Ask for less time, or more than none.
    #[error("timeout is {0} s, which is not between 0 and 86400")]
    Timeout(f64),
    /// Make the shares smaller.
    #[error("fault rates are shares of all requests, from 0 to 1 and together at most 1; they are {0:?}")]
    FaultRates(crate::Faults),
    /// Give games that there are.
    #[error("no sidecar can play `{0}`")]
    UnknownGame(String),
    /// The rules refuse a game; no catalogue entry should make them.
    #[error(transparent)]
    Rules(#[from] games::Error),
    /// Look at the checkout of InterCode.
    #[error(transparent)]
    Shell(#[from] intercode::Error),
    /// Write the fault differently.
    #[error("latency `{0}` is not `const:MS`, `exp:MS` or `lognormal:MEDIAN_MS,SIGMA`")]
    Latency(String),
    /// Choose a free address.
    #[error("cannot listen on {address}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Look at the sidecar, or at its address.
    #[error("`{url}` did not answer to {what}")]
    Unreachable {
        /// Of the sidecar.
        url: String,
        /// Route.
        what: String,
        /// Why.
        source: reqwest::Error,
    },
    /// Look at the file.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// File.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
