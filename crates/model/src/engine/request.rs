//! What is asked of the engine, and what it answers.

use std::time::Instant;

use super::trie::CandidateTrie;
use crate::{Error, Result};

/// How tokens are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Logits are divided by this; 0 is greedy.
    pub temperature: f32,
    /// Tokens kept, by probability; 0 keeps all.
    pub top_k: u32,
    /// Mass kept, by probability, of what the other two cuts leave; 1 keeps all.
    pub top_p: f32,
    /// Tokens with less than this share of the best one's probability are cut; 0 keeps all.
    pub min_p: f32,
    /// Tokens of a free completion. A constrained one ends with its candidate.
    pub max_new_tokens: u32,
}

impl Default for Sampling {
    /// The model's own distribution.
    fn default() -> Self {
        Self { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, max_new_tokens: 16 }
    }
}

/// A prompt to complete.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateRequest {
    /// At least one token.
    pub prompt: Vec<u32>,
    /// If given, the completion is one of these, stop token included; none may begin with another.
    pub candidates: Option<Vec<Vec<u32>>>,
    /// How it is drawn.
    pub sampling: Sampling,
    /// Tokens that end a free completion.
    pub stop_tokens: Vec<u32>,
    /// Key of the generator; the position in the completion is its counter.
    pub seed: u64,
    /// Most probable tokens to report at each position.
    pub top_logprobs: usize,
    /// When the completion ends as it then is.
    pub deadline: Option<Instant>,
}

impl GenerateRequest {
    /// A free completion that ends by its length.
    pub fn new(prompt: Vec<u32>, sampling: Sampling, seed: u64) -> Self {
        let (candidates, stop_tokens) = (None, Vec::new());
        Self { prompt, candidates, sampling, stop_tokens, seed, top_logprobs: 0, deadline: None }
    }
}

/// Why a completion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// A stop token, or the end of its candidate.
    Stop,
    /// `max_new_tokens`, or the positions of the model.
    Length,
    /// The request's deadline passed.
    Deadline,
}

/// A completion. `token_ids`, `logprobs` and `loss_mask` are equally long.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// Drawn tokens, the stop token included.
    pub token_ids: Vec<u32>,
    /// Natural log-probabilities under the distribution that the tokens were drawn from: log-softmax in f32 of
    /// logits / temperature over the tokens that were allowed and not cut. Forced tokens report 0.
    ///
    /// The trainer cannot replay a cut and refuses such trajectories, so that for it nothing is cut. A greedy draw has
    /// no distribution: it reports the model's own, at temperature 1.
    pub logprobs: Vec<f32>,
    /// 1 where there was a choice, 0 for tokens that were the only one allowed.
    pub loss_mask: Vec<u8>,
    /// Allowed tokens at each position, ascending; empty for a free completion.
    pub allowed_tokens: Vec<Vec<u32>>,
    /// The most probable tokens at each position, best first, of the same distributions; empty if not asked for.
    pub top_logprobs: Vec<Vec<(u32, f32)>>,
    /// Why it ended.
    pub finish: Finish,
    /// Weights that drew it.
    pub version: u64,
}

/// A prompt with continuations to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoreRequest {
    /// At least one token.
    pub prompt: Vec<u32>,
    /// None may begin with another.
    pub candidates: Vec<Vec<u32>>,
}

impl GenerateRequest {
    /// Checks what the model cannot, before any of the batch is computed.
    pub(super) fn check(&self, vocab_size: usize, max_positions: usize) -> Result<Option<CandidateTrie>> {
        check_prompt(&self.prompt, vocab_size, max_positions)?;
        let refuse = |reason: String| Error::Refused { n_tokens: self.prompt.len(), reason };
        let Sampling { temperature, top_p, min_p, max_new_tokens, .. } = self.sampling;
        if !(temperature >= 0.0 && temperature.is_finite()) {
            return Err(refuse(format!("temperature is {temperature}")));
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(refuse(format!("top_p is {top_p}")));
        }
        if !(0.0..=1.0).contains(&min_p) {
            return Err(refuse(format!("min_p is {min_p}")));
        }
        if max_new_tokens == 0 && self.candidates.is_none() {
            return Err(refuse("max_new_tokens is 0".to_owned()));
        }
        let trie = self.candidates.as_ref().map(|candidates| CandidateTrie::new(candidates, vocab_size));
        trie.transpose().map_err(refuse)
    }

    /// Tokens that the completion can have at most.
    pub(super) fn longest(&self) -> usize {
        match &self.candidates {
            Some(candidates) => candidates.iter().map(Vec::len).max().unwrap_or(0),
            None => self.sampling.max_new_tokens as usize,
        }
    }
}

impl ScoreRequest {
    pub(super) fn check(&self, vocab_size: usize, max_positions: usize) -> Result<CandidateTrie> {
        check_prompt(&self.prompt, vocab_size, max_positions)?;
        let refuse = |reason| Error::Refused { n_tokens: self.prompt.len(), reason };
        CandidateTrie::new(&self.candidates, vocab_size).map_err(refuse)
    }
}

fn check_prompt(prompt: &[u32], vocab_size: usize, max_positions: usize) -> Result<()> {
    let refuse = |reason: String| Err(Error::Refused { n_tokens: prompt.len(), reason });
    if prompt.is_empty() {
        return refuse("the prompt is empty".to_owned());
    }
    if prompt.len() >= max_positions {
        return refuse(format!("the model has {max_positions} positions"));
    }
    match prompt.iter().find(|&&id| id as usize >= vocab_size) {
        Some(id) => refuse(format!("token {id} is outside the vocabulary of {vocab_size}")),
        None => Ok(()),
    }
}
