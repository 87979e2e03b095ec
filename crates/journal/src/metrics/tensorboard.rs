//! A TensorBoard event file with scalars.
//!
//! Source: TensorFlow's record framing (length, masked CRC-32C, data, masked CRC-32C) and the fields of `event.proto` and
//! `summary.proto`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::At;
use super::checksum::CASTAGNOLI;
use super::protobuf::Message;
use crate::Error;

/// What the first record says.
const VERSION: &str = "brain.Event:2";
/// Fields of `Event`.
const WALL_TIME: u64 = 1;
const STEP: u64 = 2;
const FILE_VERSION: u64 = 3;
const SUMMARY: u64 = 5;
/// Field of `Summary`, and of its values.
const VALUE: u64 = 1;
const TAG: u64 = 1;
const SIMPLE_VALUE: u64 = 2;

/// An event file that is appended to.
#[derive(Debug)]
pub(super) struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// A new file in `folder`, named as TensorBoard looks for it.
    pub(super) fn create(folder: &Path, unix_s: f64) -> Result<Self, Error> {
        let path = folder.join(format!("events.out.tfevents.{:010}.croupier", unix_s as u64));
        let file = OpenOptions::new().append(true).create_new(true).open(&path);
        let file = file.map_err(|source| Error::File { verb: "create", path: path.clone(), source })?;
        let mut events = Self { path, file };
        events.append(&Message::default().double(WALL_TIME, unix_s).text(FILE_VERSION, VERSION))?;
        Ok(events)
    }

    /// One event with all `values`.
    pub(super) fn scalars(&mut self, at: At, values: &[(String, f64)]) -> Result<(), Error> {
        let summary = values.iter().fold(Message::default(), |summary, (name, value)| {
            let value = Message::default().text(TAG, name).float(SIMPLE_VALUE, *value as f32);
            summary.message(VALUE, &value)
        });
        let event = Message::default().double(WALL_TIME, at.unix_s).int(STEP, at.step);
        self.append(&event.message(SUMMARY, &summary))
    }

    fn append(&mut self, event: &Message) -> Result<(), Error> {
        let data = event.as_bytes();
        let length = (data.len() as u64).to_le_bytes();
        let record = [&length[..], &masked(&length), data, &masked(data)].concat();
        let written = self.file.write_all(&record);
        written.map_err(|source| Error::File { verb: "write", path: self.path.clone(), source })
    }
}

/// A check of bytes that themselves hold checks would be weak: it is turned and moved.
fn masked(bytes: &[u8]) -> [u8; 4] {
    CASTAGNOLI.of(&[bytes]).rotate_right(15).wrapping_add(0xA282_EAD8).to_le_bytes()
}
