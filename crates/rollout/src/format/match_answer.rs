//! From a player's answer to its edits and its move, by the rules of the evaluator.
//!
//! # Source
//! spec/contract.md §5.4: all memory calls count; the first `game_action` with a legal id is the move, an id is an integer
//! or a string of one and never a boolean; without one the game is forfeited.

use data::ToolCall;
use schema::{EditMode, LONG_TERM_SLOTS, MatchMove, MemoryEdit, Notes, WORKING_SLOTS};
use serde_json::{Map, Value, json};

/// Name of the tool that plays a move.
pub(crate) const ACTION_TOOL: &str = "game_action";

/// The memory tools by name.
const MEMORY_TOOLS: [(&str, Notes, EditMode); 4] = [
    ("working_memory_rewrite", Notes::Working, EditMode::Rewrite),
    ("working_memory_append", Notes::Working, EditMode::Append),
    ("long_term_memory_rewrite", Notes::LongTerm, EditMode::Rewrite),
    ("long_term_memory_append", Notes::LongTerm, EditMode::Append),
];

/// Why an answer is no move. The game is lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forfeit {
    /// No tool was called, or something that looked like calls was none.
    #[error("the answer calls no tool")]
    NoCall,
    /// Only other tools were called.
    #[error("the answer does not call game_action")]
    NoAction,
    /// `game_action` was called, but not with a legal id.
    #[error("{given} is no legal action id")]
    Illegal {
        /// The first one given, as JSON.
        given: String,
    },
}

/// The edits and the move of an answer's calls.
pub(crate) fn move_of(calls: &[ToolCall], legal: &[(u16, String)]) -> Result<MatchMove, Forfeit> {
    if calls.is_empty() {
        return Err(Forfeit::NoCall);
    }
    let given: Vec<&Value> = calls
        .iter()
        .filter(|call| call.name == ACTION_TOOL)
        .map(|call| call.arguments.get("action_id").unwrap_or(&Value::Null))
        .collect();
    let is_legal = |id: &u16| legal.iter().any(|(legal, _)| legal == id);
    let played = given.iter().filter_map(|id| u16::try_from(integer(id)?).ok()).find(is_legal);
    match (played, given.first()) {
        (Some(action), _) => Ok(MatchMove { edits: edits_of(calls), action }),
        (None, Some(first)) => Err(Forfeit::Illegal { given: first.to_string() }),
        (None, None) => Err(Forfeit::NoAction),
    }
}

/// The edits of an answer's calls; calls that name no slot of the notes are left out.
pub(crate) fn edits_of(calls: &[ToolCall]) -> Vec<MemoryEdit> {
    calls.iter().filter_map(edit_of).collect()
}

fn edit_of(call: &ToolCall) -> Option<MemoryEdit> {
    let &(_, notes, mode) = MEMORY_TOOLS.iter().find(|(name, ..)| *name == call.name)?;
    let n_slots = match notes {
        Notes::Working => WORKING_SLOTS,
        Notes::LongTerm => LONG_TERM_SLOTS,
    };
    let slot = usize::try_from(integer(call.arguments.get("slot")?)?).ok()?;
    let content = call.arguments.get("content")?.as_str()?.to_owned();
    (1..=n_slots).contains(&slot).then_some(MemoryEdit { notes, mode, slot, content })
}

/// An integer, or a string of one as Python's `int` reads it; underscores apart.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(digits) => digits.trim().parse().ok(),
        _ => None,
    }
}

/// The calls that say `answer`.
pub(crate) fn calls_of(answer: &MatchMove) -> Vec<ToolCall> {
    let mut calls = edit_calls(&answer.edits);
    calls.push(tool_call(ACTION_TOOL, [("action_id", json!(answer.action))]));
    calls
}

/// The calls that say `edits`.
pub(crate) fn edit_calls(edits: &[MemoryEdit]) -> Vec<ToolCall> {
    let call = |edit: &MemoryEdit| {
        let tool = MEMORY_TOOLS.iter().find(|(_, notes, mode)| (*notes, *mode) == (edit.notes, edit.mode));
        let (name, ..) = tool.expect("each kind of edit has its tool");
        tool_call(name, [("slot", json!(edit.slot)), ("content", json!(edit.content))])
    };
    edits.iter().map(call).collect()
}

/// A call of `name` with `arguments`.
pub(crate) fn tool_call<const N: usize>(name: &str, arguments: [(&str, Value); N]) -> ToolCall {
    let arguments = arguments.map(|(key, value)| (key.to_owned(), value)).into_iter().collect::<Map<_, _>>();
    ToolCall { name: name.to_owned(), arguments }
}

#[cfg(test)]
mod tests;
