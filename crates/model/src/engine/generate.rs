//! Completing a batch of prompts.
//!
//! 1. Tokens without an alternative are appended without a forward pass, before the prompt is even read.
//! 2. Identical prompts are read once; where a choice remains after the first, their cache rows are then copied.
//! 3. If no sequence has more than one choice to make, there is no cache at all.
//! 4. Later passes feed what each sequence has gained (one drawn token and what it forced), ragged.

use std::collections::HashMap;
use std::time::Instant;

use super::logits::HostLogits;
use super::sampler::{Draw, draw};
use super::stats::BatchCost;
use super::trie::{CandidateTrie, NodeId};
use super::{GenerateRequest, Generation};
use crate::Result;
use crate::decoder::{KvCache, LanguageModel, TokenBatch};

/// Completes prompts together, in the caller's thread. A request that cannot be answered does not hinder the others.
///
/// The model must not track gradients: pass `&model.valid()`.
pub fn generate_batch(
    model: &LanguageModel,
    requests: &[GenerateRequest],
    version: u64,
) -> Vec<Result<Generation>> {
    let mut results: Vec<Option<Result<Generation>>> = requests.iter().map(|_| None).collect();
    let mut batch = Vec::new();
    for (idx, request) in requests.iter().enumerate() {
        match Sequence::new(request, model) {
            Ok(sequence) => batch.push((idx, sequence)),
            Err(error) => results[idx] = Some(Err(error)),
        }
    }
    let (owners, mut sequences): (Vec<usize>, Vec<Sequence<'_>>) = batch.into_iter().unzip();
    complete(model, &mut sequences, &mut |_| false);
    for (idx, sequence) in owners.into_iter().zip(sequences) {
        results[idx] = Some(Ok(sequence.into_generation(version)));
    }
    results.into_iter().map(|result| result.expect("every request has a result")).collect()
}

/// A completion in the making.
pub(super) struct Sequence<'a> {
    request: &'a GenerateRequest,
    /// The trie and the place in it, if the completion is constrained.
    candidates: Option<(CandidateTrie, NodeId)>,
    token_ids: Vec<u32>,
    logprobs: Vec<f32>,
    loss_mask: Vec<u8>,
    allowed_tokens: Vec<Vec<u32>>,
    /// Completion tokens that the model has read.
    n_read: usize,
    max_new_tokens: usize,
    vocab_size: usize,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stopped,
    Length,
}

impl<'a> Sequence<'a> {
    pub(super) fn new(request: &'a GenerateRequest, model: &LanguageModel) -> Result<Self> {
        let config = model.config();
        let trie = request.check(config.vocab_size, config.max_position_embeddings)?;
        let room = config.max_position_embeddings - request.prompt.len();
        let mut sequence = Self {
            request,
            candidates: trie.map(|trie| (trie, CandidateTrie::ROOT)),
            token_ids: Vec::new(),
            logprobs: Vec::new(),
            loss_mask: Vec::new(),
            allowed_tokens: Vec::new(),
            n_read: 0,
            max_new_tokens: room.min(request.sampling.max_new_tokens as usize),
            vocab_size: config.vocab_size,
            end: None,
        };
        sequence.append_forced();
        Ok(sequence)
    }

    /// Tokens that the first pass reads.
    fn first_tokens(&self) -> Vec<u32> {
        self.request.prompt.iter().chain(&self.token_ids).copied().collect()
    }

    /// Tokens that the model has not read yet.
    fn unread(&self) -> &[u32] {
        &self.token_ids[self.n_read..]
    }

    /// True if the next draw is the last.
    fn is_last_draw(&self) -> bool {
        match &self.candidates {
            Some((trie, node)) => trie.n_choices(*node) <= 1,
            None => self.token_ids.len() + 1 >= self.max_new_tokens,
        }
    }

    /// Tokens that the next draw may give; `None` for any.
    fn allowed(&self) -> Option<Vec<u32>> {
        self.candidates.as_ref().map(|(trie, node)| trie.allowed(*node).collect())
    }

    fn draw_next(&mut self, logits: &HostLogits, row: usize) {
        let (sampling, seed, position) = (&self.request.sampling, self.request.seed, self.token_ids.len());
        let (token, logprob) = match self.allowed() {
            None => {
                let Draw { index, logprob } = draw(logits.row(row), sampling, seed, position);
                (index as u32, logprob)
            }
            Some(allowed) => {
                let Draw { index, logprob } = draw(&logits.pick(row, &allowed), sampling, seed, position);
                let token = allowed[index];
                self.allowed_tokens.push(allowed);
                (token, logprob)
            }
        };
        self.n_read = self.token_ids.len();
        self.append(token, logprob, 1);
        self.append_forced();
    }

    fn append(&mut self, token: u32, logprob: f32, in_loss: u8) {
        debug_assert!((token as usize) < self.vocab_size, "token {token} of {}", self.vocab_size);
        self.token_ids.push(token);
        self.logprobs.push(logprob);
        self.loss_mask.push(in_loss);
        match &mut self.candidates {
            Some((trie, node)) => {
                *node = trie.step(*node, token);
                if trie.is_leaf(*node) {
                    self.end = Some(End::Stopped);
                }
            }
            None if self.request.stop_tokens.contains(&token) => self.end = Some(End::Stopped),
            None if self.token_ids.len() >= self.max_new_tokens => self.end = Some(End::Length),
            None => {}
        }
    }

    fn append_forced(&mut self) {
        while let Some(token) = self.candidates.as_ref().and_then(|(trie, node)| trie.forced(*node)) {
            self.allowed_tokens.push(vec![token]);
            self.append(token, 0.0, 0);
        }
    }

    pub(super) fn into_generation(self, version: u64) -> Generation {
        Generation {
            token_ids: self.token_ids,
            logprobs: self.logprobs,
            loss_mask: self.loss_mask,
            allowed_tokens: self.allowed_tokens,
            stopped: self.end == Some(End::Stopped),
            version,
        }
    }
}

/// Draws until every sequence has ended or is cancelled. `is_cancelled` is asked by index between passes.
pub(super) fn complete(
    model: &LanguageModel,
    sequences: &mut [Sequence<'_>],
    is_cancelled: &mut dyn FnMut(usize) -> bool,
) -> BatchCost {
    let mut cost = BatchCost::default();
    let active: Vec<usize> = (0..sequences.len()).filter(|&idx| sequences[idx].end.is_none()).collect();
    if active.is_empty() {
        return cost;
    }
    let started = Instant::now();
    let cache = prefill(model, sequences, &active, &mut cost);
    cost.prefill_time = started.elapsed();
    let started = Instant::now();
    if let Some(mut cache) = cache {
        let mut active: Vec<Active> =
            active.into_iter().enumerate().map(|(slot, idx)| Active { idx, slot }).collect();
        loop {
            active.retain(|row| sequences[row.idx].end.is_none() && !is_cancelled(row.idx));
            if active.is_empty() {
                break;
            }
            decode_step(model, sequences, &active, &mut cache);
        }
    }
    cost.decode_time = started.elapsed();
    cost
}

/// A sequence that goes on, and its slot of the cache.
struct Active {
    idx: usize,
    slot: usize,
}

/// Reads the prompts and makes every sequence's first draw. Returns a cache with a slot for each of `active` if some
/// sequence goes on.
fn prefill(
    model: &LanguageModel,
    sequences: &mut [Sequence<'_>],
    active: &[usize],
    cost: &mut BatchCost,
) -> Option<KvCache> {
    let mut row_of_prompt: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut prompts: Vec<Vec<u32>> = Vec::new();
    // The slot of a prompt is that of the first sequence that has it.
    let mut slots: Vec<usize> = Vec::new();
    let mut rows: Vec<usize> = Vec::with_capacity(active.len());
    for (slot, &idx) in active.iter().enumerate() {
        let tokens = sequences[idx].first_tokens();
        rows.push(*row_of_prompt.entry(tokens).or_insert_with_key(|tokens| {
            prompts.push(tokens.clone());
            slots.push(slot);
            prompts.len() - 1
        }));
    }
    let batch = TokenBatch::right_padded(&prompts);
    cost.prefill_tokens = batch.lengths().iter().sum();
    let columns = allowed_columns(sequences, active);
    if active.iter().all(|&idx| sequences[idx].is_last_draw()) {
        let logits = HostLogits::of_rows(model, model.last_hidden(&batch), columns);
        for (&idx, &row) in active.iter().zip(&rows) {
            sequences[idx].draw_next(&logits, row);
        }
        return None;
    }
    let room = active.iter().map(|&idx| sequences[idx].max_new_tokens).max().unwrap_or(0);
    let mut cache = KvCache::new(model, active.len(), batch.n_cols() + room);
    let logits = HostLogits::of_last(model, model.extend(&batch, &slots, &mut cache), &batch, columns);
    for (slot, (&idx, &row)) in active.iter().zip(&rows).enumerate() {
        sequences[idx].draw_next(&logits, row);
        if slots[row] != slot && sequences[idx].end.is_none() {
            cache.copy(slots[row], slot, prompts[row].len());
        }
    }
    Some(cache)
}

/// Feeds what each sequence has gained and makes its next draw.
fn decode_step(
    model: &LanguageModel,
    sequences: &mut [Sequence<'_>],
    active: &[Active],
    cache: &mut KvCache,
) {
    let unread: Vec<&[u32]> = active.iter().map(|row| sequences[row.idx].unread()).collect();
    let batch = TokenBatch::right_padded(&unread);
    let slots: Vec<usize> = active.iter().map(|row| row.slot).collect();
    let hidden = model.extend(&batch, &slots, cache);
    let owners: Vec<usize> = active.iter().map(|row| row.idx).collect();
    let logits = HostLogits::of_last(model, hidden, &batch, allowed_columns(sequences, &owners));
    for (row, &idx) in owners.iter().enumerate() {
        sequences[idx].draw_next(&logits, row);
    }
}

/// The union of the allowed tokens, ascending, if all sequences are constrained.
fn allowed_columns(sequences: &[Sequence<'_>], active: &[usize]) -> Option<Vec<u32>> {
    let mut columns = Vec::new();
    for &idx in active {
        let (trie, node) = sequences[idx].candidates.as_ref()?;
        columns.extend(trie.allowed(*node));
    }
    columns.sort_unstable();
    columns.dedup();
    Some(columns)
}
