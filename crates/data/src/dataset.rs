//! Data files to rows: JSON arrays and JSON Lines, read once and in passing, with a count of everything that is left out.
//!
//! A file is split into records on one thread; records are parsed and tokenised on all. Neither the file nor its parsed
//! form is ever held whole: what stays in memory is what the rows become.

mod cells;
mod counts;
mod gathered;
mod quarantine;
mod records;
#[cfg(test)]
mod tests;

use std::path::Path;

use rayon::prelude::*;
use serde_json::{Map, Value};

pub(crate) use cells::Cells;
pub use counts::{Counts, Reason};
use gathered::Gathered;
use records::{Record, Records};

use crate::split::{self, Fingerprint, Split};
use crate::{Encoded, Error};

/// Where rows come from, and where those go that cannot be used.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// A JSON array of objects, or JSON Lines; recognised by its content.
    pub file: &'a Path,
    /// Gets one line for each of the first rows that are left out; written whole or not at all.
    pub quarantine: Option<&'a Path>,
}

/// The usable rows of a file.
#[derive(Debug)]
pub struct Dataset<T> {
    /// In the order of the file.
    pub rows: Vec<T>,
    /// What was read, kept and left out.
    pub counts: Counts,
    /// Longest row allowed, in tokens, where there is a limit.
    pub sequence_len: Option<usize>,
    /// Length in tokens and group of near-equal prompts of each row.
    keys: Vec<split::Key>,
}

impl<T> Dataset<T> {
    /// Sets `share` of the rows apart for validation; see [`Split`].
    pub fn split(self, share: f64, seed: u64) -> Split<T> {
        split::split(self.rows, &self.keys, share, seed)
    }
}

/// What one record becomes.
pub(crate) struct Row<T> {
    pub(crate) item: T,
    pub(crate) n_tokens: usize,
    /// Of what the model is asked, not of what it shall answer.
    pub(crate) fingerprint: Fingerprint,
}

impl Row<Encoded> {
    pub(crate) fn of(item: Encoded, asked: &str) -> Self {
        Self { n_tokens: item.n_tokens(), fingerprint: Fingerprint::of(asked), item }
    }
}

/// Why a record becomes nothing.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It alone is left out.
    Row(Reason, String),
    /// The whole data set cannot be read this way.
    Dataset(Error),
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::Row(reason, String::new())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Dataset(error)
    }
}

/// Rows of one record, and what was noticed on the way.
struct Outcome<T> {
    rows: Result<Vec<Row<T>>, Refusal>,
    columns: Vec<String>,
    coerced: bool,
    rewritten: bool,
}

/// Reads `source` and encodes each record; the order of the rows is that of the file.
///
/// # Errors
/// If the file cannot be read, the quarantine file cannot be written, or `encode` refuses the data set. A file without a
/// single usable row is no error here: see [`Dataset::checked`].
pub(crate) fn load<T: Send>(
    source: Source<'_>,
    encode: impl Fn(&mut Cells<'_>) -> Result<Vec<Row<T>>, Refusal> + Sync,
) -> Result<Dataset<T>, Error> {
    let mut records = Records::open(source.file)?;
    let mut gathered = Gathered::new(source.quarantine);
    loop {
        let batch = records.batch()?;
        if batch.is_empty() {
            return gathered.finish();
        }
        let outcomes: Vec<Outcome<T>> = batch.par_iter().map(|record| read(record, &encode)).collect();
        for (record, outcome) in batch.iter().zip(outcomes) {
            gathered.take(record, outcome)?;
        }
    }
}

impl<T> Dataset<T> {
    /// The data set if it has a row.
    ///
    /// # Errors
    /// What is wrong with it if it has none; a column that no row has is named.
    pub(crate) fn checked(self, file: &Path, columns: &[&str]) -> Result<Self, Error> {
        if !self.rows.is_empty() {
            return Ok(self);
        }
        let path = file.to_owned();
        let n_rows = self.counts.read;
        if n_rows == 0 {
            return Err(Error::EmptyDataset { path });
        }
        if self.counts.of(Reason::MissingColumn) > 0 {
            let seen = self.counts.columns.clone();
            if let Some(column) = columns.iter().find(|column| !seen.iter().any(|name| name == *column)) {
                return Err(Error::MissingColumn { path, column: (*column).to_owned(), columns: seen });
            }
        }
        if self.counts.of(Reason::NotJson) == n_rows {
            let reason = "it is neither a JSON array of objects nor one JSON object per line".to_owned();
            return Err(Error::Invalid { path, reason });
        }
        if let Some(sequence_len) = self.sequence_len
            && self.counts.of(Reason::TooLong) == n_rows
        {
            return Err(Error::AllTooLong { path, n_rows, sequence_len });
        }
        Err(Error::NoUsableRows { path, n_rows, reasons: self.counts.reasons() })
    }
}

fn read<T>(record: &Record, encode: &impl Fn(&mut Cells<'_>) -> Result<Vec<Row<T>>, Refusal>) -> Outcome<T> {
    let refuse = |reason: Reason, detail: String| Outcome {
        rows: Err(Refusal::Row(reason, detail)),
        columns: Vec::new(),
        coerced: false,
        rewritten: false,
    };
    if record.is_giant() {
        return refuse(Reason::Giant, String::new());
    }
    let row: Map<String, Value> = match serde_json::from_slice(record.bytes()) {
        Ok(Value::Object(row)) => row,
        Ok(_) => return refuse(Reason::NotAnObject, String::new()),
        Err(error) => return refuse(Reason::NotJson, error.to_string()),
    };
    let mut cells = Cells::new(&row);
    let rows = encode(&mut cells);
    let Cells { coerced, rewritten, .. } = cells;
    Outcome { rows, columns: row.keys().cloned().collect(), coerced, rewritten }
}
