//! What functions are asked to judge: completions and, column by column, what is known about each.

use std::ops::Range;

use schema::Trajectory;
use serde_json::{Value, json};

use crate::Error;

/// Completions with their keyword arguments. Every column is as long as the completions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    completions: Vec<String>,
    columns: Vec<(String, Vec<Value>)>,
    group_size: usize,
}

impl Batch {
    /// A batch without columns.
    pub fn new(completions: Vec<String>) -> Self {
        Self { completions, columns: Vec::new(), group_size: 1 }
    }

    /// With a keyword argument: `prompts`, `completion_ids`, a column of the data set.
    ///
    /// # Errors
    /// [`Error::ColumnLength`].
    pub fn with_column(mut self, name: impl Into<String>, values: Vec<Value>) -> Result<Self, Error> {
        let (name, want) = (name.into(), self.completions.len());
        if values.len() != want {
            return Err(Error::ColumnLength { name, got: values.len(), want });
        }
        self.columns.retain(|(known, _)| *known != name);
        self.columns.push((name, values));
        Ok(self)
    }

    /// The same, saying that each `group_size` neighbours belong together: no worker gets a part of a group.
    pub fn in_groups_of(mut self, group_size: usize) -> Self {
        self.group_size = group_size.max(1);
        self
    }

    /// Recorded episodes, one completion each.
    pub fn of_trajectories(trajectories: &[Trajectory]) -> Self {
        let lines = trajectories.iter().map(|one| json!(one)).collect();
        Self::of_trajectory_values(lines)
    }

    /// The same of parsed lines of a rollout file: `completions` are the texts of an episode's turns, joined by line
    /// feeds, `prompts` its first prompt, `completion_ids` all its sampled tokens, `trajectories` the whole record; the
    /// columns of a text task (`extra`) come along under their own names.
    pub fn of_trajectory_values(trajectories: Vec<Value>) -> Self {
        let completions = trajectories.iter().map(completion_text).collect();
        let mut columns = vec![
            (
                "prompts".to_owned(),
                trajectories.iter().map(|one| one["turns"][0]["prompt"].clone()).collect(),
            ),
            ("completion_ids".to_owned(), trajectories.iter().map(completion_ids).collect()),
        ];
        for name in extra_names(&trajectories) {
            let values = trajectories.iter().map(|one| one["extra"][&name].clone()).collect();
            columns.push((name, values));
        }
        columns.push(("trajectories".to_owned(), trajectories));
        Self { completions, columns, group_size: 1 }
    }

    /// The texts to be judged.
    pub fn completions(&self) -> &[String] {
        &self.completions
    }

    /// Names and values of the keyword arguments.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &[Value])> {
        self.columns.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// Number of completions.
    pub fn len(&self) -> usize {
        self.completions.len()
    }

    /// True if there is nothing to judge.
    pub fn is_empty(&self) -> bool {
        self.completions.is_empty()
    }

    /// The rows at `rows`, in that order.
    pub fn select(&self, rows: &[usize]) -> Self {
        let column = |values: &[Value]| rows.iter().map(|&row| values[row].clone()).collect();
        Self {
            completions: rows.iter().map(|&row| self.completions[row].clone()).collect(),
            columns: self.columns.iter().map(|(name, values)| (name.clone(), column(values))).collect(),
            group_size: 1,
        }
    }

    /// Up to `n` slices of about equal length, none shorter than `least` unless it is the only one, cut between groups.
    pub(crate) fn parts(&self, n: usize, least: usize) -> Vec<Range<usize>> {
        let n_parts = (self.len() / least.max(1)).clamp(1, n.max(1));
        let n_groups = self.len().div_ceil(self.group_size);
        let cut = |part: usize| (part * n_groups / n_parts * self.group_size).min(self.len());
        let parts = (0..n_parts).map(|part| cut(part)..cut(part + 1));
        parts.filter(|part| !part.is_empty()).collect()
    }
}

fn completion_text(trajectory: &Value) -> String {
    let turns = trajectory["turns"].as_array().map_or(&[][..], Vec::as_slice);
    let texts: Vec<&str> = turns.iter().filter_map(|turn| turn["completion"].as_str()).collect();
    texts.join("\n")
}

fn completion_ids(trajectory: &Value) -> Value {
    let turns = trajectory["turns"].as_array().map_or(&[][..], Vec::as_slice);
    let ids = turns.iter().filter_map(|turn| turn["completion_tokens"].as_array());
    Value::Array(ids.flatten().cloned().collect())
}

/// Names of the data set's columns in order of appearance; those that the batch gives itself are left out.
fn extra_names(trajectories: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let given = ["completions", "prompts", "completion_ids", "trajectories"];
    for name in trajectories.iter().filter_map(|one| one["extra"].as_object()).flat_map(|extra| extra.keys())
    {
        if !given.contains(&name.as_str()) && !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

#[cfg(test)]
mod tests;
