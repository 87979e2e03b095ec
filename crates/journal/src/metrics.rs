//! The figures of a run, step by step, for three kinds of readers: JSON lines, TensorBoard, and a W&B server later on.
//!
//! Like the rest of the crate it reads no clock: whoever measured says when.

mod checksum;
mod protobuf;
mod tensorboard;
mod wandb;

use std::path::Path;

use serde_json::{Map, Value, json};

use self::checksum::IEEE;
use self::tensorboard::EventFile;
use self::wandb::OfflineRun;
use crate::{Error, Journal};

/// Name of the file with JSON lines.
pub const METRICS_FILE: &str = "metrics.jsonl";
/// How TensorBoard's event files begin.
pub const EVENT_FILES: &str = "events.out.tfevents.";

/// When something was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// Optimizer step.
    pub step: u64,
    /// Seconds since 1970.
    pub unix_s: f64,
}

/// What a run is called where many are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct RunName {
    /// What runs are gathered under.
    pub project: String,
    /// For people.
    pub name: String,
    /// Seconds since 1970.
    pub started_unix_s: f64,
}

impl RunName {
    /// Eight hexadecimal digits that tell this run from others.
    fn id(&self) -> String {
        let text = format!("{}/{}@{:.6}", self.project, self.name, self.started_unix_s);
        format!("{:08x}", IEEE.of(&[text.as_bytes()]))
    }
}

/// Writes the figures of one run.
#[derive(Debug)]
pub struct Metrics {
    lines: Journal,
    board: EventFile,
    offline: Option<OfflineRun>,
}

impl Metrics {
    /// Starts [`METRICS_FILE`] and an event file in `folder`, and an offline run under `wandb_dir` if one is given.
    ///
    /// # Errors
    /// [`Error::File`] if one of them exists already or cannot be created.
    pub fn create(
        folder: &Path,
        run: &RunName,
        config: &Map<String, Value>,
        wandb_dir: Option<&Path>,
    ) -> Result<Self, Error> {
        Ok(Self {
            lines: Journal::create(folder.join(METRICS_FILE))?,
            board: EventFile::create(folder, run.started_unix_s)?,
            offline: wandb_dir.map(|dir| OfflineRun::create(dir, run, config)).transpose()?,
        })
    }

    /// Adds named figures. A line is whole or, after a kill, not there; a figure that is no number is null in it.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn log(&mut self, at: At, values: &[(String, f64)]) -> Result<(), Error> {
        let mut line =
            Map::from_iter([("step".to_owned(), json!(at.step)), ("unix_s".to_owned(), json!(at.unix_s))]);
        line.extend(values.iter().map(|(name, value)| (name.clone(), json!(value))));
        self.lines.append(&line)?;
        self.board.scalars(at, values)?;
        self.offline.as_mut().map_or(Ok(()), |offline| offline.log(at, values))
    }

    /// Ends the offline run with its summary; the other files are complete already.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn finish(self, summary: &Map<String, Value>, exit_code: u8, unix_s: f64) -> Result<(), Error> {
        self.offline.map_or(Ok(()), |offline| offline.finish(summary, exit_code, unix_s))
    }
}

#[cfg(test)]
mod tests;
