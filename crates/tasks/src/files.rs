//! Files that a reader sees whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;

/// Writes `text` under a temporary name beside `path`, syncs it, and renames it.
///
/// # Errors
/// If the file cannot be written; what was there stays.
pub fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    try_write(path, text).with_context(|| format!("writing `{}`", path.display()))
}

fn try_write(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let mut file = File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}
