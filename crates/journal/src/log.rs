//! Append-only JSON lines: one write and one flush per event, so that a killed process loses at most the last one.

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// A journal open for appending.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Starts an empty journal; its folder is created if need be.
    ///
    /// # Errors
    /// [`Error::File`] if the file exists already (a journal is never overwritten) or cannot be created.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        match folder.and_then(|()| OpenOptions::new().append(true).create_new(true).open(&path)) {
            Ok(file) => Ok(Self { path, file }),
            Err(source) => Err(Error::File { verb: "create", path, source }),
        }
    }

    /// Appends one event as a line, in a single write.
    ///
    /// # Errors
    /// [`Error::Event`] if it has no JSON form, [`Error::File`] if the disk refuses it.
    pub fn append(&mut self, event: &impl Serialize) -> Result<(), Error> {
        let mut line = serde_json::to_vec(event)
            .map_err(|error| Error::Event { path: self.path.clone(), reason: error.to_string() })?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.flush());
        written.map_err(|source| Error::File { verb: "write", path: self.path.clone(), source })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The events of a journal in order; a last line without its line end, left by a killed writer, is dropped.
///
/// # Errors
/// [`Error::File`], or [`Error::Damaged`] for a complete line that is no `E`.
pub fn read<E: DeserializeOwned>(path: impl AsRef<Path>) -> Result<Vec<E>, Error> {
    let path = path.as_ref();
    let bytes =
        fs::read(path).map_err(|source| Error::File { verb: "read", path: path.to_owned(), source })?;
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(&[][..], |last| &bytes[..last]);
    let lines = whole.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines
        .map(|(index, line)| {
            let damaged = |error: serde_json::Error| Error::Damaged {
                path: path.to_owned(),
                line: index + 1,
                reason: error.to_string(),
            };
            serde_json::from_slice(line).map_err(damaged)
        })
        .collect()
}
