//! The layout of match play's requests: labels, blank lines, names and key order, which prose is put into.
//!
//! Pure text and JSON; every turn is a request of its own, in which the notes are all that is left of earlier ones.
//!
//! # Source
//! The evaluator's tool-calling harness (spec/contract.md §5.4 and appendix A). What it does not give is the user
//! message after a game: [`after_game`] is ours.

use std::fmt::Write;

use schema::{LONG_TERM_SLOTS, MatchView, Memory, WORKING_SLOTS};
use serde_json::{Value, json};

use super::prompt_pack::MatchTools;
use super::{ACTION_TOOL, PromptPack};
use crate::Error;

/// Stands for the ids in the description of `game_action`.
pub(crate) const LEGAL_IDS: &str = "{legal_ids}";
/// In front of the legal actions.
pub(crate) const LEGAL_LABEL: &str = "Legal actions:\n";
/// Legal actions that a shortened list has from its beginning, where most answers lie, and from its end.
const FIRST_LEGAL: usize = 6;
const LAST_LEGAL: usize = 1;
const PLAYING: &str = "You are playing ";
const RULES_LABEL: &str = ".\n# Game Rules ";
const WORKING_LABEL: &str = "WORKING_MEMORY (your notes):";
const LONG_TERM_LABEL: &str = "LONG_TERM_MEMORY (your notes):";
const EMPTY: &str = "(empty)";
/// Between the parts of a system prompt.
const GAP: &str = "\n\n";

/// How a game ended for the player who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchResult {
    /// Won.
    Win,
    /// Neither.
    Draw,
    /// Lost.
    Loss,
}

/// What a player sees after a game.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reflection {
    /// Short name of the game.
    pub game: String,
    /// Its seat.
    pub seat: usize,
    /// How it ended.
    pub result: MatchResult,
    /// The final state as match play shows it to this seat.
    pub state: String,
    /// Its notes.
    pub memory: Memory,
}

/// A system prompt in the pieces that change together.
pub(crate) struct SystemText {
    /// The game and its rules, up to the notes.
    pub(crate) rules: String,
    /// The notes, up to what ends the prompt.
    pub(crate) notes: String,
    /// The guidance of a turn, or of the time after a game.
    pub(crate) ending: String,
}

impl SystemText {
    /// The prompt of `game` for a player with these notes.
    ///
    /// # Errors
    /// [`Error::NoRules`] if the pack does not know the game.
    pub(crate) fn new(pack: &PromptPack, game: &str, memory: &Memory, ending: &str) -> Result<Self, Error> {
        let rules = [PLAYING, game, RULES_LABEL, pack.rules(game)?, "\n", GAP].concat();
        let mut notes = String::with_capacity(512);
        push_notes(&mut notes, WORKING_LABEL, &memory.working);
        notes.push_str(GAP);
        push_notes(&mut notes, LONG_TERM_LABEL, &memory.long_term);
        notes.push_str(GAP);
        Ok(Self { rules, notes, ending: ending.to_owned() })
    }

    /// The whole.
    pub(crate) fn concat(&self) -> String {
        [self.rules.as_str(), &self.notes, &self.ending].concat()
    }
}

/// As [`SystemText::new`], whole.
///
/// # Errors
/// [`Error::NoRules`] if the pack does not know the game.
pub(crate) fn system(pack: &PromptPack, game: &str, memory: &Memory, ending: &str) -> Result<String, Error> {
    Ok(SystemText::new(pack, game, memory, ending)?.concat())
}

fn push_notes(text: &mut String, label: &str, notes: &[String]) {
    text.push_str(label);
    for (idx, note) in notes.iter().enumerate() {
        let note = if note.is_empty() { EMPTY } else { note };
        let _ = write!(text, "\n  [{}] {note}", idx + 1);
    }
}

/// The user message of a turn.
pub(crate) fn turn(view: &MatchView) -> String {
    let mut text = format!("Current state:\n{}\n\nYou are Player {}.\n{LEGAL_LABEL}", view.state, view.seat);
    for (idx, (id, action)) in view.legal.iter().enumerate() {
        let line_feed = if idx > 0 { "\n" } else { "" };
        let _ = write!(text, "{line_feed}{id} -> {action}");
    }
    text
}

/// The turn with a short list of legal actions: of a long one, both ends.
pub(crate) fn shortened(view: &MatchView) -> MatchView {
    let mut view = view.clone();
    if view.legal.len() > FIRST_LEGAL + LAST_LEGAL {
        view.legal.drain(FIRST_LEGAL..view.legal.len() - LAST_LEGAL);
    }
    view
}

/// The user message after a game.
pub(crate) fn after_game(reflection: &Reflection) -> String {
    let result = match reflection.result {
        MatchResult::Win => "You won.",
        MatchResult::Draw => "The game was a draw.",
        MatchResult::Loss => "You lost.",
    };
    format!("Result: {result}\nYou were Player {}.\n\nFinal state:\n{}", reflection.seat, reflection.state)
}

/// The tools of a turn, in order.
pub(crate) fn turn_tools(words: &MatchTools, legal: &[u16]) -> Vec<Value> {
    let mut tools = memory_tools(words);
    let action_id = json!({"description": words.action_id, "type": "integer", "enum": legal});
    let description = words.game_action.replace(LEGAL_IDS, &listed(legal));
    tools.push(tool(ACTION_TOOL, &description, json!({"action_id": action_id})));
    tools
}

/// The tools after a game, in order.
pub(crate) fn memory_tools(words: &MatchTools) -> Vec<Value> {
    let memory_tool = |name: &str, description: &str, slots: usize| {
        let slot = json!({"description": words.slot, "type": "integer", "minimum": 1, "maximum": slots});
        let content = json!({"description": words.content, "type": "string"});
        tool(name, description, json!({"slot": slot, "content": content}))
    };
    vec![
        memory_tool("working_memory_rewrite", &words.working_memory_rewrite, WORKING_SLOTS),
        memory_tool("working_memory_append", &words.working_memory_append, WORKING_SLOTS),
        memory_tool("long_term_memory_rewrite", &words.long_term_memory_rewrite, LONG_TERM_SLOTS),
        memory_tool("long_term_memory_append", &words.long_term_memory_append, LONG_TERM_SLOTS),
    ]
}

/// A function with its parameters, all required, in the key order of the harness.
pub(crate) fn tool(name: &str, description: &str, properties: Value) -> Value {
    let required: Vec<String> =
        properties.as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default();
    let parameters = json!({"properties": properties, "required": required, "type": "object"});
    json!({"type": "function",
           "function": {"name": name, "description": description, "parameters": parameters}})
}

/// `0, 1, 2`.
pub(crate) fn listed(legal: &[u16]) -> String {
    legal.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// A system prompt of match play in its parts.
pub(crate) struct SystemParts<'a> {
    pub(crate) game: &'a str,
    pub(crate) rules: &'a str,
    pub(crate) ending: &'a str,
}

/// The prose of a system prompt; `None` if it is of another layout.
pub(crate) fn take_apart(system: &str) -> Option<SystemParts<'_>> {
    let (game, rest) = system.strip_prefix(PLAYING)?.split_once(RULES_LABEL)?;
    let (rules, notes) = rest.split_once(&format!("\n{GAP}{WORKING_LABEL}\n"))?;
    // The last slot of all: what follows its note is prose.
    let last = format!("\n  [{LONG_TERM_SLOTS}] ");
    let (_, ending) = notes[notes.rfind(&last)? + last.len()..].split_once(GAP)?;
    Some(SystemParts { game, rules, ending })
}
