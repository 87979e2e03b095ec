//! The records of data sets as they come from the hub: JSON, JSON Lines, Parquet, or folders of them.
//!
//! Nothing is demanded of a record; [`crate::load_instruct`] and its siblings read the data file of a task.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;

use crate::Error;

/// What a Parquet file begins with.
const PARQUET: [u8; 4] = *b"PAR1";
const ENDINGS: [&str; 3] = ["json", "jsonl", "parquet"];

/// The first records of a file, at most `most`, or of the data files below a folder in order of their names.
///
/// A JSON array gives its elements, another JSON file its one value; lines that are no JSON are left out.
///
/// # Errors
/// [`Error::File`] if one cannot be read, [`Error::Invalid`] for a damaged Parquet file.
pub fn read_records(path: &Path, most: usize) -> Result<Vec<Value>, Error> {
    let mut records = Vec::new();
    for file in data_files(path)? {
        if records.len() >= most {
            break;
        }
        read_file(&file, most - records.len(), &mut records)?;
    }
    Ok(records)
}

/// The file itself, or those below a folder whose names end as data does.
fn data_files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut inside: Vec<PathBuf> =
        entries.map_err(failed(path))?.iter().map(std::fs::DirEntry::path).collect();
    inside.retain(|path| {
        path.is_dir() || path.extension().is_some_and(|end| ENDINGS.iter().any(|one| end == *one))
    });
    inside.sort();
    let files = inside.iter().map(|path| data_files(path)).collect::<Result<Vec<_>, _>>()?;
    Ok(files.concat())
}

fn read_file(path: &Path, most: usize, records: &mut Vec<Value>) -> Result<(), Error> {
    let mut start = [0; PARQUET.len()];
    let n_read = File::open(path).and_then(|mut file| file.read(&mut start)).map_err(failed(path))?;
    if start[..n_read] == PARQUET {
        return read_parquet(path, most, records);
    }
    if path.extension().is_some_and(|end| end == "jsonl") {
        let lines = BufReader::new(File::open(path).map_err(failed(path))?).lines();
        for line in lines {
            records.extend(serde_json::from_str::<Value>(&line.map_err(failed(path))?));
            if records.len() >= most {
                break;
            }
        }
        return Ok(());
    }
    let text = std::fs::read_to_string(path).map_err(failed(path))?;
    match serde_json::from_str(&text) {
        Ok(Value::Array(many)) => records.extend(many.into_iter().take(most)),
        Ok(one) => records.push(one),
        Err(_) => records.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok()).take(most)),
    }
    Ok(())
}

fn read_parquet(path: &Path, most: usize, records: &mut Vec<Value>) -> Result<(), Error> {
    let damaged = |error: ParquetError| Error::Invalid { path: path.to_owned(), reason: error.to_string() };
    let reader = SerializedFileReader::new(File::open(path).map_err(failed(path))?).map_err(damaged)?;
    for row in reader.get_row_iter(None).map_err(damaged)?.take(most) {
        records.push(row.map_err(damaged)?.to_json_value());
    }
    Ok(())
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::File { verb: "read", path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
