//! A policy as a player: match play, exact exploitability, card sensitivity.
//!
//! Light: it plays and asks, it never loads a model.

pub mod arena;
mod cards;
mod exact;
mod query;

pub use cards::card_sensitivity;
pub use exact::{ExactFigures, ExactGame};
pub use query::{ActionProbabilities, Query, TabulateError, tabulate};

#[cfg(test)]
mod tests;
