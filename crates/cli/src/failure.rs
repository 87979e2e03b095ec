//! How a command fails: what, with which value, and a hint; and the exit code (interfaces.md).

use std::process::ExitCode;
use std::sync::atomic::{AtomicU8, Ordering};

/// Done.
pub(crate) const DONE: u8 = 0;
/// Failed while running.
pub(crate) const FAILED: u8 = 1;
/// Bad input.
pub(crate) const BAD_INPUT: u8 = 2;
/// Out of tolerance, or the gate refused.
pub(crate) const REFUSED: u8 = 3;
/// Stopped by the user.
pub(crate) const INTERRUPTED: u8 = 130;

/// What a panic in a thread that is not ours ends the process with.
static SERVICE_PANIC: AtomicU8 = AtomicU8::new(FAILED);

/// From here on such a panic is no failure: the output folder holds a valid artifact, and the container's rule is to
/// exit 0 then.
pub(crate) fn artifact_is_safe() {
    SERVICE_PANIC.store(DONE, Ordering::Relaxed);
}

/// Exit code after a panic in a thread that is not ours.
pub(crate) fn after_service_panic() -> u8 {
    SERVICE_PANIC.load(Ordering::Relaxed)
}

/// The end of a command that did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// The user gave something that cannot be used.
    pub(crate) fn bad_input(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: BAD_INPUT, message: message.into(), hint: Some(hint.into()) }
    }

    /// A comparison was out of tolerance; its lines are already printed.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { code: REFUSED, message: message.into(), hint: None }
    }

    /// Ctrl-C.
    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self { code: INTERRUPTED, message: message.into(), hint: None }
    }

    /// Prints it and gives the exit code.
    pub(crate) fn print(&self) -> ExitCode {
        eprintln!("Error: {}", self.message);
        if let Some(hint) = &self.hint {
            eprintln!("\nhint: {hint}");
        }
        ExitCode::from(self.code)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Failure>() {
            Ok(failure) => failure,
            Err(error) => match error.downcast::<tasks::BadInput>() {
                Ok(bad) => Self::bad_input(bad.message, bad.hint),
                Err(error) => Self { code: FAILED, message: format!("{error:#}"), hint: None },
            },
        }
    }
}

/// The exit code that an error leads to.
pub(crate) fn code_of(error: &anyhow::Error) -> u8 {
    match (error.downcast_ref::<Failure>(), error.downcast_ref::<tasks::BadInput>()) {
        (Some(failure), _) => failure.code,
        (None, Some(_)) => BAD_INPUT,
        (None, None) => FAILED,
    }
}
