//! What can go wrong with a model, named by what the caller can do about it.

use std::path::PathBuf;

use crate::config::Arch;

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be read or written.
    #[error("cannot access `{}`: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A JSON file is not what it should be.
    #[error("`{}` is not usable: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The model's architecture is not one of ours.
    #[error("model_type `{model_type}` is not supported (supported: {})", Arch::names())]
    UnsupportedModelType {
        /// As config.json has it.
        model_type: String,
    },
    /// The architecture is ours, but this variant of it is not.
    #[error("`{field}` = `{value}` is not supported for model_type `{model_type}`")]
    UnsupportedVariant {
        /// As config.json has it.
        model_type: String,
        /// The field of config.json.
        field: String,
        /// Its value.
        value: String,
    },
    /// The weights do not fit the configuration.
    #[error("weights in `{}` do not fit the model: {reason}", path.display())]
    Weights {
        /// File or folder.
        path: PathBuf,
        /// Tensor and difference.
        reason: String,
    },
    /// A PEFT adapter that this crate cannot represent, or that does not fit the model.
    #[error("adapter `{}` is not usable: {reason}", path.display())]
    Adapter {
        /// The adapter's folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The asked-for device is not there or does not compute.
    #[error("device `{device}` is not usable: {reason}")]
    Device {
        /// As it was asked for.
        device: String,
        /// Why.
        reason: String,
    },
    /// This request cannot be answered, others can.
    #[error("a request with {n_tokens} prompt tokens was refused: {reason}")]
    Refused {
        /// Length of the prompt.
        n_tokens: usize,
        /// Why.
        reason: String,
    },
    /// The device thread is gone; nothing will be answered any more.
    #[error("the engine has stopped")]
    EngineStopped,
}

/// Results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
