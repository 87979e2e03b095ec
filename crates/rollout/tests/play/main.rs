//! Episodes in-process and over HTTP on port 0.

mod bench;
mod episodes;
mod faults;
mod groups;
mod hands;
mod setup;
mod shell;
mod stops;
