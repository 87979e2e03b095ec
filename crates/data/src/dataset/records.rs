//! Splits a file into records without parsing them, so that a broken one costs only itself.
//!
//! An array is split at the commas of its own level; JSON Lines at line ends. The layout is told by the first byte that
//! is no blank.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::Error;

/// Larger records are not kept: no sequence of the lengths in use is written in so many bytes.
const MAX_BYTES: usize = 8 << 20;
/// What stays of a larger one.
const KEPT_OF_GIANT: usize = 2048;
const READ_BYTES: usize = 1 << 20;
/// Records that are parsed together: enough to keep all cores busy, few enough to stay small.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 64 << 20;

/// The bytes of one record.
#[derive(Debug)]
pub(super) struct Record {
    row: usize,
    bytes: Vec<u8>,
    giant: bool,
}

impl Record {
    /// Its place in the file, from 0.
    pub(super) fn row(&self) -> usize {
        self.row
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What can be shown of it.
    pub(super) fn beginning(&self) -> &[u8] {
        let blanks = self.bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        &self.bytes[blanks..self.bytes.len().min(blanks + KEPT_OF_GIANT)]
    }

    /// Whether there was more of it than is kept.
    pub(super) fn is_giant(&self) -> bool {
        self.giant
    }
}

/// How records are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Array,
    Lines,
}

/// The records of a file, in order.
#[derive(Debug)]
pub(super) struct Records {
    path: PathBuf,
    reader: BufReader<File>,
    layout: Layout,
    scanner: Scanner,
    n_rows: usize,
    ended: bool,
}

impl Records {
    /// Opens a file and recognises its layout; an empty file has no records.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { verb: "read", path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let mut reader = BufReader::with_capacity(READ_BYTES, file);
        let layout = layout(&mut reader).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            reader,
            layout: layout.unwrap_or(Layout::Lines),
            scanner: Scanner::default(),
            n_rows: 0,
            ended: layout.is_none(),
        })
    }

    /// The next records, none at the end of the file.
    pub(super) fn batch(&mut self) -> Result<Vec<Record>, Error> {
        let (mut batch, mut n_bytes) = (Vec::new(), 0);
        while batch.len() < BATCH && n_bytes < BATCH_BYTES {
            let record = self.read();
            let record =
                record.map_err(|source| Error::File { verb: "read", path: self.path.clone(), source })?;
            let Some(record) = record else { break };
            n_bytes += record.bytes.len();
            batch.push(record);
        }
        Ok(batch)
    }

    /// The next record that is not blank.
    fn read(&mut self) -> io::Result<Option<Record>> {
        let (mut bytes, mut giant) = (Vec::new(), false);
        while !self.ended {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                self.ended = true;
                break;
            }
            let end = self.scanner.end_of_record(chunk, self.layout);
            let taken = end.map_or(chunk.len(), |(at, _)| at);
            giant |= bytes.len() + taken > MAX_BYTES;
            let room = if giant { KEPT_OF_GIANT } else { MAX_BYTES };
            bytes.extend_from_slice(&chunk[..taken.min(room.saturating_sub(bytes.len()))]);
            let consumed = taken + usize::from(end.is_some());
            self.reader.consume(consumed);
            if let Some((_, last)) = end {
                self.ended = last;
                if !is_blank(&bytes) {
                    break;
                }
                bytes.clear();
            }
        }
        if giant {
            bytes.truncate(KEPT_OF_GIANT);
        }
        if is_blank(&bytes) {
            return Ok(None);
        }
        self.n_rows += 1;
        Ok(Some(Record { row: self.n_rows - 1, bytes, giant }))
    }
}

/// Where in the JSON of an array we are.
#[derive(Debug, Default)]
struct Scanner {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scanner {
    /// Index of the byte that ends the record, and whether it ends the array too.
    fn end_of_record(&mut self, chunk: &[u8], layout: Layout) -> Option<(usize, bool)> {
        if layout == Layout::Lines {
            return chunk.iter().position(|byte| *byte == b'\n').map(|at| (at, false));
        }
        for (at, byte) in chunk.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b',' if self.depth == 0 => return Some((at, false)),
                b']' if self.depth == 0 => return Some((at, true)),
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        None
    }
}

/// The layout by the first byte that is no blank, and the reader at the first record; `None` for a blank file.
fn layout(reader: &mut BufReader<File>) -> io::Result<Option<Layout>> {
    const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
    if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        reader.consume(BYTE_ORDER_MARK.len());
    }
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(None);
        }
        let blanks = chunk.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let first = chunk.get(blanks).copied();
        reader.consume(blanks + usize::from(first == Some(b'[')));
        match first {
            None => {}
            Some(b'[') => return Ok(Some(Layout::Array)),
            Some(_) => return Ok(Some(Layout::Lines)),
        }
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}
