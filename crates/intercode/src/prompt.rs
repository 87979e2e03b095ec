//! What the model is shown: the question, the steps so far, whose turn it is, and the two tools.
//!
//! The layout is the evaluator's, label by label, and its only home: rollouts and sidecars take it from here. The words of
//! the system prompt and of the tools are prose, see [`Prose`].
//!
//! # Source
//! spec/contract.md §5.7, spec/env_sidecars.md §3.1; `eval_intercode.py` of gradients-ai/G.O.D for what they leave open:
//! the line of a turn without a call, the key order of the tools, `json.dumps` with its ASCII escapes.

mod prose;

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::prose::{Prose, ToolWords};

/// In front of the question.
pub const QUESTION: &str = "Question: ";
/// Characters of an observation that the history keeps.
pub const MAX_OBSERVATION: usize = 350;
/// What a turn without a call of a tool that there is brings.
pub const NO_CALL: &str =
    "Error executing query: no valid action tool call received; call execute_bash or submit.";
/// What a call without a command brings.
pub const NO_COMMAND: &str = "Error executing query: execute_bash requires a non-empty string command.";
const NO_STEPS: &str = "No commands have been executed yet.";
/// In the history, in place of a call.
const NOT_CALLED: &str = "no valid tool call";
const EXECUTE: &str = "execute_bash";
const COMMAND: &str = "command";
const SUBMIT: &str = "submit";

/// A call of one of the two tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", content = "arguments", rename_all = "snake_case")]
pub enum ToolCall {
    /// Run a command.
    ExecuteBash {
        /// For `bash -c`; one of blanks alone is not run.
        command: String,
    },
    /// The last observation is the answer.
    Submit {},
}

impl ToolCall {
    /// The call that a tool's name and its argument `command` make; `None` if there is no such tool. A command that is
    /// no text counts as an empty one.
    pub fn read(name: &str, command: Option<&Value>) -> Option<Self> {
        match name {
            EXECUTE => {
                let command = command.and_then(Value::as_str).unwrap_or_default().to_owned();
                Some(Self::ExecuteBash { command })
            }
            SUBMIT => Some(Self::Submit {}),
            _ => None,
        }
    }

    /// Name of the tool, and its arguments by name.
    pub fn parts(&self) -> (&'static str, Vec<(&'static str, &str)>) {
        match self {
            Self::ExecuteBash { command } => (EXECUTE, vec![(COMMAND, command)]),
            Self::Submit {} => (SUBMIT, Vec::new()),
        }
    }
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
    format!("{QUESTION}{question}\n\nPrevious steps:\n{steps}\n\nTurn {turn}: call exactly one tool now.")
}

fn render(history: &[PastTurn]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (number, turn) in history.iter().enumerate().map(|(index, turn)| (index + 1, turn)) {
        if !turn.thought.is_empty() {
            lines.push(format!("Thought {number}: {}", turn.thought));
        }
        lines.push(match &turn.call {
            Some(ToolCall::ExecuteBash { command }) => {
                format!("Tool {number}: {EXECUTE}({COMMAND}={})", json_string(command))
            }
            Some(ToolCall::Submit {}) => format!("Tool {number}: {SUBMIT}()"),
            None => format!("Tool {number}: {NOT_CALLED}"),
        });
        lines.push(format!("Observation {number}: {}", shortened(&turn.observation)));
    }
    lines.join("\n")
}

/// The first characters of an observation, as the history keeps them.
pub fn shortened(observation: &str) -> &str {
    let end = observation.char_indices().nth(MAX_OBSERVATION).map_or(observation.len(), |(at, _)| at);
    &observation[..end]
}

/// As Python's `json.dumps`: what is no printable ASCII is escaped.
fn json_string(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("a string is always JSON");
    let mut escaped = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        if c.is_ascii() && c != '\u{7f}' {
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
