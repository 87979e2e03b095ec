//! A file of recorded trajectories, kept as it is but for the scores that are added.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::{Batch, Error};

/// The lines of a rollout file, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollouts {
    lines: Vec<Value>,
}

impl Rollouts {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Line`] for the first line that is no trajectory, [`Error::NoRollouts`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(Error::file(path))?;
        let mut lines = Vec::new();
        for (idx, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let bad = |reason: String| Error::Line { path: path.to_owned(), line: idx + 1, reason };
            let value: Value = serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
            if !value["turns"].is_array() {
                return Err(bad("it has no `turns`".to_owned()));
            }
            lines.push(value);
        }
        if lines.is_empty() {
            return Err(Error::NoRollouts(path.to_owned()));
        }
        Ok(Self { lines })
    }

    /// Number of trajectories.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The trajectories as a batch.
    pub fn batch(&self) -> Batch {
        Batch::of_trajectory_values(self.lines.clone())
    }

    /// What a trajectory is called.
    pub(crate) fn id(&self, row: usize) -> String {
        self.lines[row]["id"].as_str().map_or_else(|| format!("line {}", row + 1), str::to_owned)
    }

    /// Rows that share a run and a group, for groups of at least two.
    pub fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<(String, u64), Vec<usize>> = BTreeMap::new();
        for (row, line) in self.lines.iter().enumerate() {
            if let Some(group) = line["group"].as_u64() {
                groups.entry((line["run"].to_string(), group)).or_default().push(row);
            }
        }
        groups.into_values().filter(|rows| rows.len() > 1).collect()
    }

    /// Adds a score to each trajectory; one by the same function takes the place of the earlier one.
    pub(crate) fn add_scores(&mut self, by: &str, values: &[f64]) {
        for (line, value) in self.lines.iter_mut().zip(values) {
            if !line["scores"].is_array() {
                line["scores"] = json!([]);
            }
            let Some(scores) = line["scores"].as_array_mut() else { continue };
            let score = json!({"by": by, "value": value});
            match scores.iter_mut().find(|score| score["by"] == by) {
                Some(earlier) => *earlier = score,
                None => scores.push(score),
            }
        }
    }

    /// Writes the lines beside `path`, makes them durable and gives them that name.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let written = File::create(&partial).and_then(|file| {
            let mut file = BufWriter::new(file);
            for line in &self.lines {
                serde_json::to_writer(&mut file, line)?;
                file.write_all(b"\n")?;
            }
            file.flush()?;
            file.get_ref().sync_all()?;
            fs::rename(&partial, path)
        });
        written.map_err(Error::file(path))
    }
}

#[cfg(test)]
mod tests;
