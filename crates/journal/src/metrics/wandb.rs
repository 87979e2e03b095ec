//! A run folder that `wandb sync` uploads, as the SDK leaves one behind with `WANDB_MODE=offline`.
//!
//! Only the transaction log is written, which is all that syncing reads: protocol buffers in LevelDB's log framing with
//! the checks of zlib and a header of its own. Source: field numbers of `wandb_internal.proto` and the framing of
//! `datastore.py` (wandb/wandb).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::checksum::IEEE;
use super::protobuf::Message;
use super::{At, RunName};
use crate::Error;

/// Ident `:W&B`, magic 0xBEE1, version 0.
const HEADER: [u8; 7] = [b':', b'W', b'&', b'B', 0xE1, 0xBE, 0];
/// A record does not cross the end of a block: it is cut there.
const BLOCK: usize = 32_768;
/// Check, length and kind of a piece.
const PIECE_HEADER: usize = 7;

/// Fields of `Record`.
const NUM: u64 = 1;
const HISTORY: u64 = 2;
const SUMMARY: u64 = 3;
const RUN: u64 = 17;
const EXIT: u64 = 18;
/// Fields of `RunRecord`.
const RUN_ID: u64 = 1;
const PROJECT: u64 = 3;
const CONFIG: u64 = 4;
const DISPLAY_NAME: u64 = 8;
const START_TIME: u64 = 17;
/// Fields of the items of history, summary and configuration, and of what holds them.
const KEY: u64 = 1;
const VALUE_JSON: u64 = 16;
const ITEM: u64 = 1;
const HISTORY_STEP: u64 = 2;

/// An offline run that is being written.
#[derive(Debug)]
pub(super) struct OfflineRun {
    log: Log,
    started_unix_s: f64,
    n_records: u64,
    n_rows: u64,
    /// The row in the making: values of one step may come one after the other.
    row: Option<(At, Map<String, Value>)>,
}

impl OfflineRun {
    /// `DIR/wandb/offline-run-TIME-ID/run-ID.wandb`.
    pub(super) fn create(dir: &Path, run: &RunName, config: &Map<String, Value>) -> Result<Self, Error> {
        let id = run.id();
        let folder = format!("offline-run-{}-{id}", timestamp(run.started_unix_s as u64));
        let path = dir.join("wandb").join(folder).join(format!("run-{id}.wandb"));
        let mut offline = Self {
            log: Log::create(path)?,
            started_unix_s: run.started_unix_s,
            n_records: 0,
            n_rows: 0,
            row: None,
        };
        let seconds = run.started_unix_s.max(0.0);
        let start = Message::default().int(1, seconds as u64).int(2, (seconds.fract() * 1e9) as u64);
        let record = Message::default()
            .text(RUN_ID, &id)
            .text(PROJECT, &run.project)
            .message(CONFIG, &items(config))
            .text(DISPLAY_NAME, &run.name)
            .message(START_TIME, &start);
        offline.append(RUN, &record)?;
        Ok(offline)
    }

    /// Adds values to the step's row. A row is written when the next step's values come.
    pub(super) fn log(&mut self, at: At, values: &[(String, f64)]) -> Result<(), Error> {
        if self.row.as_ref().is_some_and(|(of, _)| of.step != at.step) {
            self.write_row()?;
        }
        let (_, row) = self.row.get_or_insert_with(|| (at, Map::new()));
        row.extend(values.iter().map(|(name, value)| (name.clone(), number(*value))));
        Ok(())
    }

    /// Writes what is left, the summary and the end.
    pub(super) fn finish(
        mut self,
        summary: &Map<String, Value>,
        exit_code: u8,
        unix_s: f64,
    ) -> Result<(), Error> {
        self.write_row()?;
        self.append(SUMMARY, &items(summary))?;
        let runtime = (unix_s - self.started_unix_s).max(0.0) as u64;
        self.append(EXIT, &Message::default().int(1, u64::from(exit_code)).int(2, runtime))?;
        self.log.sync()
    }

    /// Rows are counted: steps of a warm-up and of what follows it both begin at 1, and a server wants them to rise.
    fn write_row(&mut self) -> Result<(), Error> {
        let Some((at, mut row)) = self.row.take() else { return Ok(()) };
        row.insert("step".to_owned(), json!(at.step));
        row.insert("_step".to_owned(), json!(self.n_rows));
        row.insert("_runtime".to_owned(), number(at.unix_s - self.started_unix_s));
        row.insert("_timestamp".to_owned(), number(at.unix_s));
        let step = Message::default().int(1, self.n_rows);
        self.n_rows += 1;
        let history = items(&row).message(HISTORY_STEP, &step);
        self.append(HISTORY, &history)
    }

    fn append(&mut self, field: u64, record: &Message) -> Result<(), Error> {
        self.n_records += 1;
        self.log.append(Message::default().int(NUM, self.n_records).message(field, record).as_bytes())
    }
}

/// Keys with their values as JSON.
fn items(values: &Map<String, Value>) -> Message {
    values.iter().fold(Message::default(), |message, (key, value)| {
        message.message(ITEM, &Message::default().text(KEY, key).text(VALUE_JSON, &value.to_string()))
    })
}

/// JSON knows no number that is none; the SDK writes its name.
fn number(value: f64) -> Value {
    let name = if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    if value.is_finite() { json!(value) } else { json!(name) }
}

/// LevelDB's log.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    file: File,
    /// Bytes written.
    length: usize,
}

impl Log {
    fn create(path: PathBuf) -> Result<Self, Error> {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        let opened = made.and_then(|()| OpenOptions::new().append(true).create_new(true).open(&path));
        let file = opened.map_err(|source| Error::File { verb: "create", path: path.clone(), source })?;
        let mut log = Self { path, file, length: HEADER.len() };
        let written = log.file.write_all(&HEADER);
        log.checked(written)?;
        Ok(log)
    }

    /// Adds a record, cut at the ends of blocks.
    fn append(&mut self, record: &[u8]) -> Result<(), Error> {
        let (mut bytes, mut rest, mut is_first) = (Vec::new(), record, true);
        loop {
            let room = BLOCK - (self.length + bytes.len()) % BLOCK;
            if room < PIECE_HEADER {
                bytes.resize(bytes.len() + room, 0);
                continue;
            }
            let (piece, later) = rest.split_at(rest.len().min(room - PIECE_HEADER));
            let is_last = later.is_empty();
            let kind: u8 = match (is_first, is_last) {
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            bytes.extend(IEEE.of(&[&[kind], piece]).to_le_bytes());
            bytes.extend((piece.len() as u16).to_le_bytes());
            bytes.push(kind);
            bytes.extend(piece);
            (rest, is_first) = (later, false);
            if is_last {
                break;
            }
        }
        self.length += bytes.len();
        let written = self.file.write_all(&bytes);
        self.checked(written)
    }

    fn sync(&self) -> Result<(), Error> {
        self.checked(self.file.sync_all())
    }

    fn checked(&self, written: io::Result<()>) -> Result<(), Error> {
        written.map_err(|source| Error::File { verb: "write", path: self.path.clone(), source })
    }
}

/// `YYYYMMDD_HHMMSS` in UTC, by the civil calendar from the days since 1970.
fn timestamp(unix_s: u64) -> String {
    let (days, second) = (unix_s / 86_400, unix_s % 86_400);
    // Years that begin in March end with the leap day; 400 of them have 146,097 days.
    let from_march_0 = days + 719_468;
    let (era, day_of_era) = (from_march_0 / 146_097, from_march_0 % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}_{hour:02}{minute:02}{second:02}")
}

#[cfg(test)]
mod tests;
