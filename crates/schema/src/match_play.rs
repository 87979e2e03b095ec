//! What a turn of match play is about: the notes that a player keeps, and its answer.
//!
//! In match play every turn is asked from scratch; what a player remembers is what its notes say.
//!
//! # Source
//! Slots and sizes of the evaluator's tool-calling harness (spec/contract.md §5.4).

use serde::{Deserialize, Serialize};

/// Notes for one game.
pub const WORKING_SLOTS: usize = 4;
/// Notes on one opponent, kept from game to game.
pub const LONG_TERM_SLOTS: usize = 8;
/// Length of a note, in tokens of the player's own tokenizer.
pub const NOTE_TOKENS: usize = 128;

/// A player's notes; an empty string is an empty slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Forgotten after each game.
    pub working: [String; WORKING_SLOTS],
    /// Forgotten after the match.
    pub long_term: [String; LONG_TERM_SLOTS],
}

/// Which notes an edit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notes {
    /// [`Memory::working`].
    Working,
    /// [`Memory::long_term`].
    LongTerm,
}

/// What an edit does to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditMode {
    /// Replaces it; what is too long loses its end.
    Rewrite,
    /// Adds a line to it; what is too long loses its beginning.
    Append,
}

/// One call of a memory tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryEdit {
    /// Where.
    pub notes: Notes,
    /// How.
    pub mode: EditMode,
    /// From 1.
    pub slot: usize,
    /// The text.
    pub content: String,
}

/// A player's answer to a turn: edits of its notes, and a move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchMove {
    /// In the order of the answer.
    pub edits: Vec<MemoryEdit>,
    /// Id of a legal action.
    pub action: u16,
}

impl MatchMove {
    /// A move without a note.
    pub fn plain(action: u16) -> Self {
        Self { edits: Vec::new(), action }
    }
}

/// What a player sees in a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchView {
    /// Short name of the game, e.g. `liars_dice`.
    pub game: String,
    /// Its seat.
    pub seat: usize,
    /// The state as match play shows it to this seat.
    pub state: String,
    /// Legal ids with their action strings, ascending.
    pub legal: Vec<(u16, String)>,
    /// Its notes.
    pub memory: Memory,
}
