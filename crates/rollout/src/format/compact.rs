//! A fresh and very short prompt each turn: own cards first, public state, actions so far, legal ids.
//!
//! What a small model must learn is then a large share of what it reads: with the sidecar's own text it learns to play
//! without looking at its card (spec/rl.md §6.2). Derived from the observation's text alone, so that it works on any
//! sidecar and needs no memory. Texts that no reader knows are shortened as they are.

mod cards;
mod dice;
mod gin;

use std::sync::Arc;

use schema::Turn;

use super::action_tokens::ActionTokens;
use super::{Format, Prompt};
use crate::observation::state_lines;
use crate::{Candidate, Codec, Error, Observation};

/// See the module.
pub struct Compact {
    codec: Arc<dyn Codec>,
    actions: ActionTokens,
}

impl Compact {
    /// [`Format::name`].
    pub const NAME: &str = "compact";

    /// With this tokenizer.
    pub fn new(codec: Arc<dyn Codec>) -> Self {
        let actions = ActionTokens::new("", codec.as_ref());
        Self { codec, actions }
    }
}

impl Format for Compact {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn codec(&self) -> &dyn Codec {
        self.codec.as_ref()
    }

    fn render(&self, _history: &[Turn], observation: &Observation) -> Result<Prompt, Error> {
        let text = compact_text(observation);
        let tokens = self.codec.encode(&text);
        Ok(Prompt { text, tokens })
    }

    fn candidates(&self, observation: &Observation) -> Vec<Candidate> {
        self.actions.candidates(observation, self.codec.as_ref())
    }

    fn parse(&self, completion: &str) -> String {
        completion.trim().to_owned()
    }
}

/// The whole prompt: state, blank, legal ids, `>`.
fn compact_text(observation: &Observation) -> String {
    let lines = state_lines(&observation.text);
    let state = match observation.game.as_str() {
        "leduc_poker" => cards::leduc(lines),
        "kuhn_poker" => cards::kuhn(lines),
        "liars_dice" => dice::liars(lines),
        "gin_rummy" => gin::gin(lines),
        _ => None,
    };
    let state = state.unwrap_or_else(|| shortened(lines));
    format!("{state} {}>", legal_ids(observation))
}

/// Any other text: one line, single blanks.
fn shortened(lines: &str) -> String {
    let lines = lines.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("|")
}

/// Single digits in a row, else runs: `012`, `11-60`, `0,2,17`.
fn legal_ids(observation: &Observation) -> String {
    let ids: Vec<u32> = observation.legal.iter().map(|&(id, _)| id).collect();
    if ids.iter().all(|&id| id < 10) {
        return ids.iter().map(u32::to_string).collect();
    }
    let runs = ids.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [one] => one.to_string(),
        [one, two] => format!("{one},{two}"),
        [first, .., last] => format!("{first}-{last}"),
        [] => unreachable!("chunk_by gives no empty chunks"),
    });
    runs.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
