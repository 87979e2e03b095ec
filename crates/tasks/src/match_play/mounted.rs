//! Rows of mounted data sets (`MINER_DATASETS`): recorded turns with calls of tools, in this model's own words.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use rollout::ToolChat;
use train::Row;

use super::MatchTask;
use crate::events::{Event, Observer};

/// Records of a set that are looked at: more than a run of hours on a CPU learns from.
const MOST_RECORDS: usize = 20_000;

/// What is learnt from a set.
pub(super) struct Mounted {
    pub(super) name: String,
    /// Not empty.
    pub(super) rows: Vec<Row>,
}

/// Why turns of a set are not learnt from, with their number.
#[derive(Default)]
struct LeftOut(BTreeMap<&'static str, usize>);

impl LeftOut {
    fn count(&mut self, why: &'static str) {
        *self.0.entry(why).or_default() += 1;
    }

    fn describe(&self) -> String {
        let reasons: Vec<String> = self.0.iter().map(|(why, n)| format!("{n} {why}")).collect();
        reasons.join(", ")
    }
}

/// The rows of the task's sets for a model that reads `n_positions` tokens, and a line on each set; one that cannot be read
/// is warned of and left out, since an hour of training is worth more than a file.
pub(super) fn rows(
    task: &MatchTask,
    chat: &ToolChat,
    n_positions: usize,
    observer: &mut dyn Observer,
) -> Vec<Mounted> {
    let (mut sets, mut lines) = (Vec::new(), Vec::new());
    for path in &task.mounted {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let (rows, left_out) = match rows_of(path, task, chat, n_positions) {
            Ok(read) => read,
            Err(error) => {
                observer.event(&Event::Warning {
                    message: format!("the data set {name} is left out: {error:#}"),
                });
                continue;
            }
        };
        let beside = if left_out.0.is_empty() { String::new() } else { format!("; {}", left_out.describe()) };
        lines.push(format!("mounted    {name}: {} turns{beside}", rows.len()));
        if !rows.is_empty() {
            sets.push(Mounted { name, rows });
        }
    }
    if !lines.is_empty() {
        observer.event(&Event::Plan { lines });
    }
    sets
}

fn rows_of(
    path: &Path,
    task: &MatchTask,
    chat: &ToolChat,
    n_positions: usize,
) -> Result<(Vec<Row>, LeftOut)> {
    let (mut rows, mut left_out) = (Vec::new(), LeftOut::default());
    for record in data::read_records(path, MOST_RECORDS)? {
        let turns = chat.recorded(&record);
        if turns.is_empty() {
            left_out.count("without a call of a tool");
        }
        for turn in turns {
            let Ok(turn) = turn else {
                left_out.count("not for this model's template");
                continue;
            };
            if turn.env.is_some_and(|env| task.envs.iter().all(|asked| asked.as_str() != env)) {
                left_out.count("of environments that are not asked for");
            } else if turn.prompt.tokens.len() + turn.answer.tokens.len() > n_positions {
                left_out.count("too long for the model");
            } else {
                rows.push(Row::new(turn.prompt.tokens, turn.answer.tokens));
            }
        }
    }
    Ok((rows, left_out))
}
