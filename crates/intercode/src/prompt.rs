//! What the model is shown: the question, the steps so far, and whose turn it is.
//!
//! The layout is the evaluator's, label by label; the system prompt is prose and belongs to the prompt pack.
//!
//! # Source
//! spec/contract.md §5.7, spec/env_sidecars.md §3.1.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// Characters of an observation that the history keeps.
pub const MAX_OBSERVATION: usize = 350;
/// What a turn without a valid call is told.
pub const NO_CALL: &str =
    "Error executing query: no valid action tool call received; call execute_bash or submit.";
const NO_STEPS: &str = "No commands have been executed yet.";

/// A call of one of the two tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", content = "arguments", rename_all = "snake_case")]
pub enum ToolCall {
    /// Run a command.
    ExecuteBash {
        /// For `bash -c`.
        command: String,
    },
    /// The last observation is the answer.
    Submit {},
}

/// One turn that is over, as the history shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastTurn {
    /// Text besides the call; empty if there was none.
    pub thought: String,
    /// The call; `None` if there was no valid one.
    pub call: Option<ToolCall>,
    /// What came back, whole.
    pub observation: String,
}

/// The user message of the turn after `history`.
pub fn user_message(question: &str, history: &[PastTurn]) -> String {
    let steps = if history.is_empty() { NO_STEPS.to_owned() } else { render(history) };
    let turn = history.len() + 1;
    format!("Question: {question}\n\nPrevious steps:\n{steps}\n\nTurn {turn}: call exactly one tool now.")
}

fn render(history: &[PastTurn]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (number, turn) in history.iter().enumerate().map(|(index, turn)| (index + 1, turn)) {
        if !turn.thought.is_empty() {
            lines.push(format!("Thought {number}: {}", turn.thought));
        }
        match &turn.call {
            Some(ToolCall::ExecuteBash { command }) => {
                lines.push(format!("Tool {number}: execute_bash(command={})", json_string(command)));
            }
            Some(ToolCall::Submit {}) => lines.push(format!("Tool {number}: submit()")),
            None => {}
        }
        lines.push(format!("Observation {number}: {}", shortened(&turn.observation)));
    }
    lines.join("\n")
}

/// The first characters of an observation, as the history keeps them.
pub fn shortened(observation: &str) -> &str {
    let end = observation.char_indices().nth(MAX_OBSERVATION).map_or(observation.len(), |(at, _)| at);
    &observation[..end]
}

/// As Python's `json.dumps`: other characters than ASCII are escaped.
fn json_string(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("a string is always JSON");
    let mut escaped = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        if c.is_ascii() {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(escaped, "\\u{unit:04x}").expect("writing to a string does not fail");
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
