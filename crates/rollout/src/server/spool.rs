//! The groups of one job on disk, until they are acknowledged.
//!
//! Lines are appended to segment files; a segment is removed once all its groups are acknowledged. Not a journal: it
//! lives no longer than the server, so nothing is synced, and where lines lie is kept in memory.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A segment that has grown to this size is followed by a new one.
const SEGMENT_BYTES: u64 = 8 << 20;

/// See the module.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    segments: VecDeque<Segment>,
    /// Cursor of the last group.
    last: u64,
    /// The client has everything up to here.
    acknowledged: u64,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    file: File,
    /// Cursor of the first group in it.
    first: u64,
    /// Where each of its lines ends.
    ends: Vec<u64>,
}

/// Some lines, and the cursor of the last of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    pub(super) last: u64,
}

impl Spool {
    /// An empty one; makes its folder.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.to_owned();
        Ok(Self { folder, segments: VecDeque::new(), last: 0, acknowledged: 0 })
    }

    /// Cursor of the last group; 0 before the first.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// The cursor up to which the client has everything.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Bytes of the groups that are not acknowledged.
    pub(super) fn unacknowledged_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes_after(self.acknowledged)).sum()
    }

    /// True if the group after a cursor was there and is removed.
    pub(super) fn is_freed(&self, after: u64) -> bool {
        let first = self.segments.front().map_or(self.last + 1, |segment| segment.first);
        after + 1 < first
    }

    /// Adds a line, which must end with a line feed, and gives its cursor.
    pub(super) fn append(&mut self, line: &[u8]) -> io::Result<u64> {
        let cursor = self.last + 1;
        if self.segments.back().is_none_or(|segment| segment.len() >= SEGMENT_BYTES) {
            self.segments.push_back(Segment::create(&self.folder, cursor)?);
        }
        let segment = self.segments.back_mut().expect("there is one now");
        segment.append(line)?;
        self.last = cursor;
        Ok(cursor)
    }

    /// The lines after a cursor: one at least if there is one, more as long as they fit into `max_bytes`. `None` if
    /// they are freed.
    pub(super) fn read(&mut self, after: u64, max_bytes: u64) -> io::Result<Option<Lines>> {
        if after >= self.last {
            return Ok(Some(Lines { bytes: Vec::new(), last: after }));
        }
        let holds = |segment: &&mut Segment| after + 1 >= segment.first && after < segment.last();
        match self.segments.iter_mut().find(holds) {
            Some(segment) => segment.read(after, max_bytes).map(Some),
            None => Ok(None),
        }
    }

    /// The client has everything up to `cursor`: whole segments below it are removed.
    pub(super) fn acknowledge(&mut self, cursor: u64) -> io::Result<()> {
        self.acknowledged = self.acknowledged.max(cursor.min(self.last));
        while let Some(segment) = self.segments.front().filter(|segment| segment.last() <= self.acknowledged)
        {
            // The newest one is still written to.
            if self.segments.len() == 1 && segment.len() < SEGMENT_BYTES {
                break;
            }
            fs::remove_file(&segment.path)?;
            self.segments.pop_front();
        }
        Ok(())
    }
}

impl Segment {
    fn create(folder: &Path, first: u64) -> io::Result<Self> {
        let path = folder.join(format!("{first:020}.jsonl"));
        let file = File::options().read(true).append(true).create_new(true).open(&path)?;
        Ok(Self { path, file, first, ends: Vec::new() })
    }

    fn len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Cursor of its last group.
    fn last(&self) -> u64 {
        self.first + self.ends.len() as u64 - 1
    }

    /// Where the line after a cursor begins.
    fn start_after(&self, cursor: u64) -> u64 {
        let n_before = (cursor + 1).saturating_sub(self.first).min(self.ends.len() as u64) as usize;
        n_before.checked_sub(1).map_or(0, |last| self.ends[last])
    }

    fn bytes_after(&self, cursor: u64) -> u64 {
        self.len() - self.start_after(cursor)
    }

    /// After a failed write the file may end with a part of a line: it is cut off, so that the next one is whole.
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let start = self.len();
        if let Err(error) = self.file.write_all(line) {
            self.file.set_len(start)?;
            return Err(error);
        }
        self.ends.push(start + line.len() as u64);
        Ok(())
    }

    fn read(&mut self, after: u64, max_bytes: u64) -> io::Result<Lines> {
        let start = self.start_after(after);
        let skipped = (after + 1 - self.first) as usize;
        let fitting = self.ends[skipped..].iter().take_while(|&&end| end - start <= max_bytes).count().max(1);
        let end = self.ends[skipped + fitting - 1];
        self.file.seek(SeekFrom::Start(start))?;
        let mut bytes = vec![0; (end - start) as usize];
        self.file.read_exact(&mut bytes)?;
        Ok(Lines { bytes, last: after + fitting as u64 })
    }
}

#[cfg(test)]
mod tests;
