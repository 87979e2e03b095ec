//! Tokens of the actions' ids, encoded once.

use crate::{Candidate, Codec, Observation};

/// Ids below this are encoded in advance: the games of the sidecar have at most 241.
const KNOWN_IDS: u32 = 256;

/// Completions that name an action, by its id.
#[derive(Debug)]
pub(super) struct ActionTokens {
    prefix: &'static str,
    known: Vec<Vec<u32>>,
}

impl ActionTokens {
    /// Completions `prefix`, id, end of turn.
    pub(super) fn new(prefix: &'static str, codec: &dyn Codec) -> Self {
        let known = (0..KNOWN_IDS).map(|id| encode(prefix, id, codec)).collect();
        Self { prefix, known }
    }

    /// A candidate for each legal action.
    pub(super) fn candidates(&self, observation: &Observation, codec: &dyn Codec) -> Vec<Candidate> {
        let tokens = |id: u32| match self.known.get(id as usize) {
            Some(tokens) => tokens.clone(),
            None => encode(self.prefix, id, codec),
        };
        observation.legal.iter().map(|&(id, _)| Candidate { action_id: id, tokens: tokens(id) }).collect()
    }
}

fn encode(prefix: &str, id: u32, codec: &dyn Codec) -> Vec<u32> {
    let mut tokens = codec.encode(&format!("{prefix}{id}"));
    tokens.push(codec.end_of_turn());
    tokens
}
