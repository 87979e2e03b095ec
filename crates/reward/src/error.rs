//! What can go wrong around reward functions, by what the caller can do about it.
//!
//! A function that fails is no error: it is a [`Fault`](crate::Fault) in its scores.

use std::path::PathBuf;

/// Why there are no scores at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Install Python, or name another interpreter.
    #[error("the Python worker `{python}` cannot be started: {reason}")]
    NoPython {
        /// The interpreter.
        python: PathBuf,
        /// What happened instead.
        reason: String,
    },
    /// Correct the argument.
    #[error("`{text}` is no reward function: {reason}")]
    BadSpec {
        /// As given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Give every column one value per completion.
    #[error("column `{name}` has {got} values for {want} completions")]
    ColumnLength {
        /// Which column.
        name: String,
        /// Its values.
        got: usize,
        /// Completions of the batch.
        want: usize,
    },
    /// Look at the file and its permissions.
    #[error("file `{path}`: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// From the operating system.
        source: std::io::Error,
    },
    /// Give a file of trajectories.
    #[error("line {line} of `{path}` is no trajectory: {reason}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// Record some rollouts first.
    #[error("`{0}` holds no trajectories")]
    NoRollouts(PathBuf),
}

impl Error {
    /// An error of the operating system about `path`.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// True if the user gave something that cannot be used, rather than something having broken.
    pub fn is_bad_input(&self) -> bool {
        !matches!(self, Self::NoPython { .. })
    }
}
