//! Reading and writing of the small text files of a model folder.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde_json::Value;

use crate::Error;

/// The bytes of `path`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::File { verb: "read", path: path.to_owned(), source })
}

/// The text of `path`, or `None` if there is no such file.
pub(crate) fn read_text_if_there(path: &Path) -> Result<Option<String>, Error> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = read(path)?;
    let text = String::from_utf8(bytes)
        .map_err(|error| Error::Invalid { path: path.to_owned(), reason: error.to_string() })?;
    Ok(Some(text))
}

/// The JSON of `path`, or `null` if there is no such file.
pub(crate) fn read_json_if_there(path: &Path) -> Result<Value, Error> {
    let Some(text) = read_text_if_there(path)? else {
        return Ok(Value::Null);
    };
    serde_json::from_str(&text)
        .map_err(|error| Error::Invalid { path: path.to_owned(), reason: error.to_string() })
}

/// Writes `text` to a temporary name beside `path`, syncs it, and renames it: readers see all of it or none.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::File { verb: "write", path: path.to_owned(), source };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let mut file = File::create(&temporary).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)
}
