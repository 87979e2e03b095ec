//! One episode's root, and the evaluator's rules of a step in it.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use super::namespaces::Namespaces;
use super::output::{Ended, Finished};
use super::process::{Command, Launcher};
use super::scratch::Scratch;
use crate::Error;
use crate::manifest::Manifest;
use crate::tree::{Tree, export};
use crate::workdir::{Request, interpret};

const TIMED_OUT: &str = "Command timed out";
const MALFORMED: &str = "Malformed command";

/// Who wrote a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// This crate, or whoever runs it.
    Ours,
    /// A model: only an isolating tier runs it.
    Model,
}

/// What an agent sees of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Standard output, or standard error if there is no standard output.
    pub text: String,
    /// Both outputs, one after the other: what a gold command is compared by.
    pub whole: String,
    /// The exit code; `None` if the command did not run to its end.
    pub exit_code: Option<u8>,
}

/// An open root. Dropping it takes all its files away.
#[derive(Debug)]
pub struct Session {
    place: Place,
    launcher: Arc<Launcher>,
    limit: Duration,
    workdir: String,
}

/// What stands for the root.
#[derive(Debug)]
pub(super) enum Place {
    Namespaces(Namespaces),
    Scratch(Scratch),
}

impl Session {
    pub(super) fn new(place: Place, launcher: Arc<Launcher>, limit: Duration) -> Self {
        Self { place, launcher, limit, workdir: "/".to_owned() }
    }

    /// Plays an action that is not a submission, by the evaluator's rules for commands and for `cd`.
    ///
    /// # Errors
    /// [`Error::NoSandbox`] for a model's text without isolation; [`Error::Sandbox`].
    pub fn execute(&mut self, action: &str, author: Author) -> Result<Observation, Error> {
        if author == Author::Model && !self.place.is_isolated() {
            let reason = "neither namespaces nor Landlock, trusted commands only".to_owned();
            return Err(Error::NoSandbox { reason });
        }
        match interpret(action, &self.workdir) {
            Request::Run => self.run(action, &self.workdir),
            Request::Malformed => Ok(unfinished(MALFORMED)),
            Request::ChangeTo(path) => {
                let observation = self.run(&format!("cd {path}"), "/")?;
                if observation.exit_code == Some(0) {
                    self.workdir = path;
                }
                Ok(observation)
            }
        }
    }

    /// Runs a command as it is, in the root folder.
    ///
    /// # Errors
    /// [`Error::Sandbox`].
    pub fn run_from_root(&self, command: &str) -> Result<Observation, Error> {
        self.run(command, "/")
    }

    /// The state of `folders` and everything in them.
    ///
    /// # Errors
    /// [`Error::Sandbox`] if the root itself cannot be read.
    pub fn capture(&self, folders: &[&str]) -> Result<Manifest, Error> {
        Manifest::capture(self.root(), folders).map_err(|error| Error::sandbox("read the state", error))
    }

    /// Everything at and under `folders`, as a tree that other sessions can begin with.
    ///
    /// # Errors
    /// [`Error::Sandbox`] if something cannot be read.
    pub fn export(&self, folders: &[&str]) -> Result<Tree, Error> {
        export(self.root(), folders).map_err(|error| Error::sandbox("read the tree", error))
    }

    fn root(&self) -> BorrowedFd<'_> {
        match &self.place {
            Place::Namespaces(namespaces) => namespaces.root(),
            Place::Scratch(scratch) => scratch.root(),
        }
    }

    fn run(&self, text: &str, workdir: &str) -> Result<Observation, Error> {
        let (text, workdir) = match &self.place {
            Place::Namespaces(_) => (text.to_owned(), workdir.to_owned()),
            Place::Scratch(scratch) => (scratch.inward(text), scratch.folder(workdir)),
        };
        let Some(command) = Command::new(&text, &workdir) else {
            return Ok(unfinished(MALFORMED));
        };
        let Finished { stdout, stderr, ended } = match &self.place {
            Place::Namespaces(namespaces) => namespaces.run(&self.launcher, &command, self.limit)?,
            Place::Scratch(scratch) => scratch.run(&self.launcher, &command, self.limit)?,
        };
        let code = match ended {
            Ended::Exit(code) => code,
            Ended::TimedOut => return Ok(unfinished(TIMED_OUT)),
            Ended::NoWorkdir => return Ok(unfinished(MALFORMED)),
        };
        let (stdout, stderr) = (self.decode(&stdout), self.decode(&stderr));
        let whole = format!("{stdout}{stderr}");
        let text = if stdout.is_empty() { stderr } else { stdout };
        Ok(Observation { text, whole, exit_code: Some(code) })
    }

    fn decode(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        match &self.place {
            Place::Namespaces(_) => text.into_owned(),
            Place::Scratch(scratch) => scratch.outward(&text),
        }
    }
}

fn unfinished(text: &str) -> Observation {
    Observation { text: text.to_owned(), whole: text.to_owned(), exit_code: None }
}

impl Place {
    fn is_isolated(&self) -> bool {
        match self {
            Self::Namespaces(_) => true,
            Self::Scratch(scratch) => scratch.is_walled(),
        }
    }
}
