//! What memory tools do to a player's notes.
//!
//! # Source
//! spec/contract.md §5.4: 128 tokens of the player's own tokenizer a slot; a rewrite keeps the head of what is too long,
//! an addition the tail.

use schema::{EditMode, Memory, MemoryEdit, NOTE_TOKENS, Notes};

use crate::Codec;

/// Between a note and what is added to it.
const SEPARATOR: &str = "\n";

/// Applies `edit`; one for a slot that is not there changes nothing.
pub fn apply_edit(memory: &mut Memory, edit: &MemoryEdit, codec: &dyn Codec) {
    let slots: &mut [String] = match edit.notes {
        Notes::Working => &mut memory.working,
        Notes::LongTerm => &mut memory.long_term,
    };
    let Some(slot) = edit.slot.checked_sub(1).and_then(|idx| slots.get_mut(idx)) else { return };
    let text = match edit.mode {
        EditMode::Append if !slot.is_empty() => format!("{slot}{SEPARATOR}{}", edit.content),
        EditMode::Append | EditMode::Rewrite => edit.content.clone(),
    };
    let tokens = codec.encode(&text);
    let n_over = tokens.len().saturating_sub(NOTE_TOKENS);
    *slot = match edit.mode {
        _ if n_over == 0 => text,
        EditMode::Rewrite => codec.decode(&tokens[..NOTE_TOKENS]),
        EditMode::Append => codec.decode(&tokens[n_over..]),
    };
}

#[cfg(test)]
mod tests;
