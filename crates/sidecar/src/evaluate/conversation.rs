//! The chat of one game: a system prompt, then a user turn and the LLM's answers for each decision.

use std::fmt::Write;

use games::{Action, Game, Player, State};
use serde::Serialize;

use crate::text;

/// Attempts at a readable answer per turn.
pub(super) const ATTEMPTS: usize = 3;

/// One message of a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Message {
    pub(super) role: &'static str,
    pub(super) content: String,
}

impl Message {
    pub(super) fn system(game: &dyn Game) -> Self {
        Self::new("system", system_prompt(game))
    }

    pub(super) fn user(content: String) -> Self {
        Self::new("user", content)
    }

    pub(super) fn assistant(content: String) -> Self {
        Self::new("assistant", content)
    }

    fn new(role: &'static str, content: String) -> Self {
        Self { role, content }
    }
}

/// Game, rules, and how to answer.
fn system_prompt(game: &dyn Game) -> String {
    format!(
        "You are playing {}.\n\n# Game Rules\n{}\n\n\n# Output Format\n\
         Answer with the ID of one legal action: a single number and nothing else.\n\
         Leave out names, reasons and punctuation.\n\nExamples:\n\
         - To play \"3 -> Raise\", answer \"3\"\n- To play \"41 -> 7-6\", answer \"41\"",
        game.name(),
        text::rules::of(game.name()),
    )
}

/// What `seat` is asked at its decision.
pub(super) fn user_prompt(game: &dyn Game, state: &dyn State, seat: usize, legal: &[Action]) -> String {
    let mut prompt = format!(
        "Current State:\n{}\n\nYou are Player {seat}.\nLegal Actions:\n",
        text::state_text(game, state, seat)
    );
    for &action in legal {
        let name = state.action_string(Player::Seat(seat), action);
        writeln!(prompt, "{action} -> {name}").expect("a String takes any text");
    }
    prompt.push_str("\nYour choice (ID only):");
    prompt
}

/// The answer to an answer that names no legal action.
pub(super) fn refusal(attempt: usize) -> String {
    format!(
        "That is no legal action. Answer with the ID alone, for example \"5\". This was attempt {attempt} of {ATTEMPTS}."
    )
}
