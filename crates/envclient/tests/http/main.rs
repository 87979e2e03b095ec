//! Sessions and pools against a stub sidecar on port 0.

mod pool;
mod session;
mod stub;
