//! Compares the rules with recorded OpenSpiel games: the three kinds of trace files that are not transcripts.
//!
//! A file's kind is recognised by its first line, never by its name. A file that has been altered fails; it does not
//! panic. The recorded episodes of the original sidecar are [`crate::transcripts`]' business.

mod exhaustive;
mod gin_utils;
mod replay;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use schema::VerifyReport;
use serde_json::Value;

use crate::Error;

/// The report of a trace file, or `None` if the file is of another kind.
///
/// A case is a state of a game, a hand of the gin utilities, or a terminal or information state of an exhaustive
/// list. Everything must be equal: the tolerance is 0.
///
/// # Errors
/// [`Error::Read`] if the file cannot be read or decompressed.
pub fn verify_traces_file(path: &Path) -> Result<Option<VerifyReport>, Error> {
    verify(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn verify(path: &Path) -> io::Result<Option<VerifyReport>> {
    let mut lines = open(path)?;
    let mut first = String::new();
    match lines.read_line(&mut first) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(None),
        Err(error) => return Err(error),
    }
    let Some(kind) = serde_json::from_str(&first).ok().as_ref().and_then(Kind::of) else {
        return Ok(None);
    };
    let mut report = VerifyReport::new(0.0);
    let mut check = |number: usize, line: &str| match kind {
        Kind::Game => replay::check(line, number, &mut report),
        Kind::GinUtils => gin_utils::check(line, number, &mut report),
        Kind::Exhaustive => exhaustive::check(line, &mut report),
    };
    check(1, &first);
    for (i, line) in lines.lines().enumerate() {
        let line = line?;
        if !line.trim().is_empty() {
            check(i + 2, &line);
        }
    }
    Ok(Some(report))
}

/// Text lines of a file, decompressed if it begins as gzip does.
fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    let is_gzip = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let plain: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    Ok(Box::new(BufReader::with_capacity(1 << 16, plain)))
}

#[derive(Clone, Copy)]
enum Kind {
    /// One game a line.
    Game,
    /// One hand a line, then the table of melds.
    GinUtils,
    /// All terminals and information states of a game in one line.
    Exhaustive,
}

impl Kind {
    fn of(line: &Value) -> Option<Self> {
        let has = |key: &str| line.get(key).is_some();
        if has("actions") && has("states") && has("returns") {
            Some(Self::Game)
        } else if has("hand") && has("min_deadwood") || has("meld_table") {
            Some(Self::GinUtils)
        } else if has("terminals") && has("infosets") {
            Some(Self::Exhaustive)
        } else {
            None
        }
    }
}

/// Counts a line that is not of the file's kind.
fn malformed(line: usize, error: &serde_json::Error, report: &mut VerifyReport) {
    report.cases += 1;
    let case = format!("line {line}");
    report.observe(&case, 1.0);
    report.fail(&case, "json", error.to_string(), "a line of this kind of file".to_owned(), 1.0, 0.0);
}

#[cfg(test)]
mod tests;
