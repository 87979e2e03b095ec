//! The layout of the shell environment's requests: labels, history lines, names of tools.
//!
//! # Source
//! spec/contract.md §5.7 and spec/env_sidecars.md §3.1. Neither gives the key order of the tools: it is that of match
//! play's. Characters beyond ASCII in a command stay as they are.

use data::ToolCall;
use serde_json::{Value, json};

use super::match_answer::tool_call;
use super::match_layout::tool;
use super::prompt_pack::IntercodeTools;

/// In front of the task.
pub(crate) const QUESTION: &str = "Question: ";
const EXECUTE: &str = "execute_bash";
const SUBMIT: &str = "submit";
const NO_STEPS: &str = "No commands have been executed yet.";
/// Characters of an observation that the history shows.
const MAX_OBSERVATION: usize = 350;

/// What a turn does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShellCall {
    /// Runs a command.
    Execute(String),
    /// Ends the task.
    Submit,
}

/// A turn that has been played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellStep {
    /// What was said beside the call; may be empty.
    pub thought: String,
    /// Nothing if the answer had no valid call.
    pub call: Option<ShellCall>,
    /// What came back, uncut.
    pub observation: String,
}

/// A task and what has been done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellView {
    /// The task.
    pub question: String,
    /// In order; the turn that is asked for is the next.
    pub steps: Vec<ShellStep>,
}

/// The user message of the next turn.
pub(crate) fn turn(view: &ShellView) -> String {
    let history = match view.steps.is_empty() {
        true => NO_STEPS.to_owned(),
        false => history(&view.steps),
    };
    let (question, turn) = (&view.question, view.steps.len() + 1);
    format!("{QUESTION}{question}\n\nPrevious steps:\n{history}\n\nTurn {turn}: call exactly one tool now.")
}

fn history(steps: &[ShellStep]) -> String {
    let mut lines = Vec::new();
    for (idx, ShellStep { thought, call, observation }) in steps.iter().enumerate() {
        let number = idx + 1;
        if !thought.is_empty() {
            lines.push(format!("Thought {number}: {thought}"));
        }
        if let Some(call) = call {
            lines.push(format!("Tool {number}: {}", shown(call)));
        }
        lines.push(format!("Observation {number}: {}", cut(observation)));
    }
    lines.join("\n")
}

fn shown(call: &ShellCall) -> String {
    match call {
        ShellCall::Execute(command) => format!("{EXECUTE}(command={})", json!(command)),
        ShellCall::Submit => format!("{SUBMIT}()"),
    }
}

/// The beginning of an observation.
fn cut(observation: &str) -> &str {
    match observation.char_indices().nth(MAX_OBSERVATION) {
        Some((at, _)) => &observation[..at],
        None => observation,
    }
}

/// The tools, in order.
pub(crate) fn tools(words: &IntercodeTools) -> Vec<Value> {
    let command = json!({"description": words.command, "type": "string"});
    vec![
        tool(EXECUTE, &words.execute_bash, json!({"command": command})),
        tool(SUBMIT, &words.submit, json!({})),
    ]
}

/// The call of a tool that says `call`.
pub(crate) fn call_of(call: &ShellCall) -> ToolCall {
    match call {
        ShellCall::Execute(command) => tool_call(EXECUTE, [("command", json!(command))]),
        ShellCall::Submit => tool_call(SUBMIT, []),
    }
}

/// The first valid call.
pub(crate) fn first_call(calls: &[ToolCall]) -> Option<ShellCall> {
    calls.iter().find_map(|call| match call.name.as_str() {
        EXECUTE => Some(ShellCall::Execute(call.arguments.get("command")?.as_str()?.to_owned())),
        SUBMIT => Some(ShellCall::Submit),
        _ => None,
    })
}
