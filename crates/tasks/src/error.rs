//! Input that cannot be used: what, with which value, and what to do about it.

/// Bad input, for people. Everything else that fails is an `anyhow::Error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadInput {
    /// What failed, with which value.
    pub message: String,
    /// What would help.
    pub hint: String,
}

impl BadInput {
    /// Bad input with a hint.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}
