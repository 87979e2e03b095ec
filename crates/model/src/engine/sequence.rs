//! A completion in the making.

use super::logits::HostLogits;
use super::sampler::Distribution;
use super::trie::{CandidateTrie, NodeId};
use super::{Finish, GenerateRequest, Generation};
use crate::Result;
use crate::decoder::LanguageModel;

/// A prompt with the tokens drawn so far. Its draws depend on the logits that it is given and on nothing else.
pub(super) struct Sequence {
    /// With an empty prompt: that is the beginning of `tokens`.
    request: GenerateRequest,
    /// The trie and the place in it, if the completion is constrained.
    candidates: Option<(CandidateTrie, NodeId)>,
    /// The prompt, then the completion.
    tokens: Vec<u32>,
    n_prompt: usize,
    logprobs: Vec<f32>,
    loss_mask: Vec<u8>,
    allowed_tokens: Vec<Vec<u32>>,
    top_logprobs: Vec<Vec<(u32, f32)>>,
    max_new_tokens: usize,
    finish: Option<Finish>,
}

impl Sequence {
    /// Tokens without an alternative are appended at once: a request with one candidate is finished from the start.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if the request cannot be answered.
    pub(super) fn new(mut request: GenerateRequest, model: &LanguageModel) -> Result<Self> {
        let config = model.config();
        let trie = request.check(config.vocab_size, config.max_position_embeddings)?;
        let tokens = std::mem::take(&mut request.prompt);
        let room = config.max_position_embeddings - tokens.len();
        let mut sequence = Self {
            candidates: trie.map(|trie| (trie, CandidateTrie::ROOT)),
            n_prompt: tokens.len(),
            tokens,
            logprobs: Vec::new(),
            loss_mask: Vec::new(),
            allowed_tokens: Vec::new(),
            top_logprobs: Vec::new(),
            max_new_tokens: room.min(request.longest()),
            request,
            finish: None,
        };
        sequence.append_forced();
        Ok(sequence)
    }

    /// The prompt and what has been drawn.
    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    pub(super) fn n_prompt(&self) -> usize {
        self.n_prompt
    }

    /// Tokens drawn so far, forced ones included.
    pub(super) fn n_drawn(&self) -> usize {
        self.tokens.len() - self.n_prompt
    }

    /// Columns of a cache that it may come to need.
    pub(super) fn n_columns(&self) -> usize {
        self.n_prompt + self.max_new_tokens
    }

    /// The drawn token at an index of the completion, with its log-probability and those of the most probable ones.
    pub(super) fn drawn(&self, index: usize) -> (u32, f32, &[(u32, f32)]) {
        let top = self.top_logprobs.get(index).map_or(&[][..], Vec::as_slice);
        (self.tokens[self.n_prompt + index], self.logprobs[index], top)
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Ends it as it is, once its deadline has passed.
    pub(super) fn end_if_late(&mut self, now: std::time::Instant) {
        if self.finish.is_none() && self.request.deadline.is_some_and(|deadline| deadline <= now) {
            self.finish = Some(Finish::Deadline);
        }
    }

    /// True if the next draw is the last.
    pub(super) fn is_last_draw(&self) -> bool {
        match &self.candidates {
            Some((trie, node)) => trie.n_choices(*node) <= 1,
            None => self.n_drawn() + 1 >= self.max_new_tokens,
        }
    }

    /// Tokens that the next draw may give; `None` for any.
    pub(super) fn allowed(&self) -> Option<impl ExactSizeIterator<Item = u32> + '_> {
        self.candidates.as_ref().map(|(trie, node)| trie.allowed(*node))
    }

    /// Draws the next token from a row of logits, and appends what it forces.
    pub(super) fn draw_next(&mut self, logits: &HostLogits, row: usize) {
        let (token, logprob, top) = match self.allowed().map(Vec::from_iter) {
            None => self.draw(logits.row(row), |index| index as u32),
            Some(allowed) => {
                let drawn = self.draw(&logits.pick(row, &allowed), |index| allowed[index]);
                self.allowed_tokens.push(allowed);
                drawn
            }
        };
        self.append(token, logprob, 1, top);
        self.append_forced();
    }

    fn draw(&self, logits: &[f32], token: impl Fn(usize) -> u32) -> (u32, f32, Vec<(u32, f32)>) {
        let distribution = Distribution::new(logits, &self.request.sampling);
        let drawn = distribution.draw(self.request.seed, self.n_drawn());
        let top = match self.request.top_logprobs {
            0 => Vec::new(),
            n => distribution.top(n).into_iter().map(|draw| (token(draw.index), draw.logprob)).collect(),
        };
        (token(drawn.index), drawn.logprob, top)
    }

    fn append(&mut self, token: u32, logprob: f32, in_loss: u8, top: Vec<(u32, f32)>) {
        self.tokens.push(token);
        self.logprobs.push(logprob);
        self.loss_mask.push(in_loss);
        if self.request.top_logprobs > 0 {
            self.top_logprobs.push(top);
        }
        let is_full = self.n_drawn() >= self.max_new_tokens;
        match &mut self.candidates {
            Some((trie, node)) => {
                *node = trie.step(*node, token);
                if trie.is_leaf(*node) {
                    self.finish = Some(Finish::Stop);
                }
            }
            None if self.request.stop_tokens.contains(&token) => self.finish = Some(Finish::Stop),
            None if is_full => self.finish = Some(Finish::Length),
            None => {}
        }
    }

    fn append_forced(&mut self) {
        while let Some(token) = self.candidates.as_ref().and_then(|(trie, node)| trie.forced(*node)) {
            self.allowed_tokens.push(vec![token]);
            self.append(token, 0.0, 0, vec![(token, 0.0)]);
        }
    }

    /// # Panics
    /// If it is not finished.
    pub(super) fn into_generation(mut self, version: u64) -> Generation {
        Generation {
            token_ids: self.tokens.split_off(self.n_prompt),
            logprobs: self.logprobs,
            loss_mask: self.loss_mask,
            allowed_tokens: self.allowed_tokens,
            top_logprobs: self.top_logprobs,
            finish: self.finish.expect("only finished sequences are answered"),
            version,
        }
    }
}
