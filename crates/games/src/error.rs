//! What can go wrong before a game starts.

/// A game could not be made, or is too large for what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not of the form `name` or `name(key=value,…)`.
    #[error("`{spec}` is not a game: write `name` or `name(key=value,…)`")]
    Malformed {
        /// What was given.
        spec: String,
    },
    /// No such game.
    #[error("game `{name}` is unknown: choose one of {known}")]
    UnknownGame {
        /// What was given.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The game has no such parameter.
    #[error("{game} has no parameter `{parameter}`: choose from {known}")]
    UnknownParameter {
        /// The game.
        game: &'static str,
        /// What was given.
        parameter: String,
        /// The parameters there are.
        known: String,
    },
    /// The parameter does not take this value.
    #[error("{game} cannot have {parameter} = `{value}`: give {expected}")]
    BadValue {
        /// The game.
        game: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// What was given.
        value: String,
        /// What is accepted.
        expected: String,
    },
    /// Enumerating the game needs more nodes than allowed.
    #[error("the tree of {game} has more than {max_nodes} nodes: choose a smaller variant")]
    TreeTooLarge {
        /// The game with its parameters.
        game: String,
        /// The limit.
        max_nodes: usize,
    },
    /// Tabular methods need information-state strings, which this game has not.
    #[error("{game} has no information-state strings, so its tree cannot be made")]
    NoInformationStates {
        /// The game with its parameters.
        game: String,
    },
    /// A match takes the seeds that numpy takes: 32 bits.
    #[error("seed {seed} is too large: give one below 4294967296")]
    SeedRange {
        /// What was given.
        seed: u64,
    },
}
