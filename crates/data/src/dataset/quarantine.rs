//! The first rows that were left out, for a person to look at.

use std::path::Path;

use serde_json::json;

use super::Reason;
use super::records::Record;
use crate::{Error, files};

/// Rows that are written down; the counts tell about all.
const MAX_ROWS: usize = 1000;
/// How much of a row is written down.
const MAX_CHARS: usize = 500;

/// Lines of JSON to be written at the end.
pub(super) struct Quarantine<'a> {
    path: Option<&'a Path>,
    lines: Vec<String>,
}

impl<'a> Quarantine<'a> {
    pub(super) fn new(path: Option<&'a Path>) -> Self {
        Self { path, lines: Vec::new() }
    }

    /// Notes a record (rows count from 0), why it is left out, and its beginning.
    pub(super) fn add(&mut self, record: &Record, reason: Reason, detail: String) {
        if self.path.is_none() || self.lines.len() >= MAX_ROWS {
            return;
        }
        let text: String = String::from_utf8_lossy(record.beginning()).chars().take(MAX_CHARS).collect();
        let line = json!({"row": record.row(), "reason": reason, "detail": detail, "text": text});
        self.lines.push(format!("{line}\n"));
    }

    /// Writes the file, an empty one if nothing was left out: an old one would tell of another run.
    pub(super) fn write(self) -> Result<(), Error> {
        match self.path {
            Some(path) => files::write(path, &self.lines.concat()),
            None => Ok(()),
        }
    }
}
