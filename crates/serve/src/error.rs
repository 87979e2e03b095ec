//! What can go wrong with a server as a whole; a request that fails is a `refusal`.

use std::net::SocketAddr;

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or is not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// As asked.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}
