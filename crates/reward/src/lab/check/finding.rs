//! One thing that a check found.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Do not train with it.
    Fault,
    /// Know it when you read the learning curve.
    Warning,
}

/// A finding by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// `constant`, `hangs`, `length-hackable`, …
    pub name: String,
    /// With the values that show it.
    pub detail: String,
}

impl Finding {
    pub(super) fn fault(name: &str, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Fault, name: name.to_owned(), detail: detail.into() }
    }

    pub(super) fn warning(name: &str, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, name: name.to_owned(), detail: detail.into() }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fault => "fault",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.severity, self.name, self.detail)
    }
}
