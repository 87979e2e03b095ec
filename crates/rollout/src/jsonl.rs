//! Trajectories in files, one JSON object a line.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use schema::Trajectory;

use crate::Error;

/// Writes trajectories beside their final place; [`Writer::finish`] puts the file there. What is not finished stays as
/// `NAME.partial`, readable up to its last whole line.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    partial: PathBuf,
    file: BufWriter<File>,
}

impl Writer {
    /// A writer of the file at `path`, whose folder is created.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let mut partial = path.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| Error::File { path: folder.to_owned(), source })?;
        }
        let file = File::create(&partial).map_err(|source| Error::File { path: partial.clone(), source })?;
        Ok(Self { path, partial, file: BufWriter::new(file) })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn append(&mut self, trajectory: &Trajectory) -> Result<(), Error> {
        let written = serde_json::to_writer(&mut self.file, trajectory).map_err(std::io::Error::from);
        written.and_then(|()| self.file.write_all(b"\n")).map_err(|source| self.failed(source))
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn finish(mut self) -> Result<(), Error> {
        let durable = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        durable.and_then(|()| fs::rename(&self.partial, &self.path)).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::File { path: self.partial.clone(), source }
    }
}

/// The trajectories of a file, in order.
///
/// # Errors
/// [`Error::File`], and [`Error::Line`] for the first line that is none.
pub fn read(path: &Path) -> Result<Vec<Trajectory>, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let lines = BufReader::new(File::open(path).map_err(failed)?).lines();
    let parse = |(index, line): (usize, std::io::Result<String>)| {
        let line = line.map_err(failed)?;
        let (path, line_number) = (path.to_owned(), index + 1);
        serde_json::from_str(&line).map_err(|error| Error::Line {
            path,
            line: line_number,
            reason: error.to_string(),
        })
    };
    lines.enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests;
