//! How well a worker is isolated from the machine it runs on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Tiers of isolation, weakest first. Each includes what the weaker ones have, as far as the kernel grants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Limits of memory, file size, processes and descriptors.
    Limits,
    /// A system call filter: no sockets, no children, no signals to others.
    Seccomp,
    /// User, pid, network and ipc namespaces of its own.
    Namespaces,
}

impl Tier {
    /// `namespaces`, `seccomp` or `limits`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Limits => "limits",
            Self::Seccomp => "seccomp",
            Self::Namespaces => "namespaces",
        }
    }

    /// This tier and the weaker ones, strongest first, as the worker program takes them.
    pub(crate) fn and_weaker(self) -> String {
        let tiers = [Self::Namespaces, Self::Seccomp, Self::Limits];
        let names: Vec<&str> = tiers.into_iter().filter(|tier| *tier <= self).map(Self::as_str).collect();
        names.join(",")
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a worker says when it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation {
    /// The tier that was obtained.
    pub tier: Tier,
    /// Whether the system call filter is on, whatever the tier.
    pub filters: bool,
    /// What the kernel refused, with its reason.
    pub refused: Vec<String>,
    /// Version of the interpreter.
    pub python: String,
}
