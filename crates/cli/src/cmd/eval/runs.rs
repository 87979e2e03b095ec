//! Earlier runs by their id: a folder, or the name of one in `runs`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tasks::record::{REPORT_FILE, RunReport};

use crate::failure::Failure;

/// Where runs without a named output are.
const RUNS: &str = "runs";

/// A run with its record.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) report: RunReport,
}

/// The run that `id` names: its folder, `runs/ID`, the latest `runs/TIME-ID`, or the folder beside its output.
pub(super) fn find(id: &str) -> Result<Run> {
    find_in(Path::new(RUNS), id)
}

fn find_in(runs: &Path, id: &str) -> Result<Run> {
    let given = Path::new(id);
    let beside = PathBuf::from(format!("{}.run", id.trim_end_matches('/')));
    let places = [given.to_owned(), beside, runs.join(id)].into_iter().chain(latest(runs, id));
    let places: Vec<PathBuf> = places.collect();
    let Some(folder) = places.iter().find(|place| place.join(REPORT_FILE).is_file()) else {
        let tried: Vec<String> = places.iter().map(|place| format!("`{}`", place.display())).collect();
        let message = format!("no run `{id}`: there is no {REPORT_FILE} in {}", tried.join(", "));
        return Err(Failure::bad_input(
            message,
            "--task_id takes the folder of a run of `croupier train text`",
        )
        .into());
    };
    Ok(Run { report: RunReport::read(folder)? })
}

/// Of the folders `TIME-ID` the one with the largest time.
fn latest(runs: &Path, id: &str) -> Option<PathBuf> {
    let time = |name: &str| name.strip_suffix(id)?.strip_suffix('-')?.parse::<u64>().ok();
    let entries = std::fs::read_dir(runs).ok()?.flatten();
    let timed = entries.filter_map(|entry| Some((time(&entry.file_name().to_string_lossy())?, entry.path())));
    timed.max().map(|(_, path)| path)
}

#[cfg(test)]
mod tests;
