//! Continuous batching: which sequences take part in the next forward pass.
//!
//! 1. A step reads one batch of prompts, at most so many tokens of them, and then draws one token for every sequence
//!    that is running. Prompts of like length share a batch; a longer one is read in pieces over several steps.
//! 2. Sequences with the same tokens are read once: all draw from the same logits, also those that come later, and
//!    those that go on copy the slot.
//! 3. A sequence whose next draw is its last needs no cache, and gets none.
//! 4. Requests wait for slots in the order of their arrival. One that needs longer slots than there are makes the
//!    cache anew: what was running is read once more. Since every forward of a row gives the same bits whatever else
//!    is in the batch, neither this nor any other decision here shows in the tokens or in their log-probs.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

use tracing::{Span, trace};

use super::GenerateRequest;
use super::logits::{HostLogits, allowed_columns};
use super::reply::Reply;
use super::seen::Seen;
use super::sequence::Sequence;
use super::slab::Slab;
use super::stats::Counters;
use crate::decoder::{KvCache, LanguageModel, TokenBatch};
use crate::{Error, Result};

/// Rows up to this width may share a batch however different they are: the pass costs more than its padding.
const NARROW: usize = 64;

/// What bounds a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Sequences with a place in the cache.
    pub(super) max_sequences: usize,
    /// Prompt tokens, padding included, of one pass.
    pub(super) max_prefill_tokens: usize,
    /// Memory of the cache in bytes.
    pub(super) kv_memory: usize,
}

/// Sequences on their way from request to answer, for one version of the weights.
pub(super) struct Scheduler {
    limits: Limits,
    version: u64,
    slab: Option<Slab>,
    seen: Seen,
    hasher: RandomState,
    /// Not begun yet, in the order of arrival.
    waiting: VecDeque<Entry>,
    /// Being read.
    prompts: Vec<Prompt>,
    /// Drawing.
    running: Vec<Running>,
    counters: Arc<Counters>,
}

struct Entry {
    sequence: Sequence,
    reply: Reply,
    span: Span,
}

/// Tokens to read for the sequences that begin with them.
struct Prompt {
    tokens: Vec<u32>,
    hash: u64,
    /// One for each member that needs one; the tokens are read into the first. Without any they are read in one pass.
    slots: Vec<usize>,
    members: Vec<Entry>,
}

struct Running {
    slot: usize,
    entry: Entry,
}

impl Scheduler {
    pub(super) fn new(limits: Limits, version: u64, counters: Arc<Counters>) -> Self {
        Self {
            limits,
            version,
            slab: None,
            seen: Seen::default(),
            hasher: RandomState::new(),
            waiting: VecDeque::new(),
            prompts: Vec::new(),
            running: Vec::new(),
            counters,
        }
    }

    /// Starts over with other weights.
    ///
    /// # Panics
    /// If a sequence is under way.
    pub(super) fn set_version(&mut self, model: &LanguageModel, version: u64) {
        assert!(self.is_idle(), "a sequence is completed by the weights that began it");
        self.version = version;
        self.seen.clear();
        self.slab = self.slab.take().and_then(|slab| slab.emptied(model));
    }

    /// True if there is nothing to compute.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.prompts.is_empty() && self.running.is_empty()
    }

    /// Requests that have not begun.
    pub(super) fn n_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Takes a request in; what cannot be answered, or needs no computing, is answered at once.
    pub(super) fn submit(
        &mut self,
        model: &LanguageModel,
        request: GenerateRequest,
        reply: Reply,
        span: Span,
    ) {
        let sequence = Sequence::new(request, model).and_then(|sequence| self.check_room(model, sequence));
        match sequence {
            Ok(sequence) if sequence.is_finished() => self.finish(Entry { sequence, reply, span }),
            Ok(sequence) => self.waiting.push_back(Entry { sequence, reply, span }),
            Err(error) => reply.finish(Err(error)),
        }
    }

    /// Refuses what would not fit into the cache if it had it for itself.
    fn check_room(&self, model: &LanguageModel, sequence: Sequence) -> Result<Sequence> {
        let bytes = sequence.n_columns() * KvCache::bytes_per_token(model);
        if sequence.is_finished() || sequence.is_last_draw() || bytes <= self.limits.kv_memory {
            return Ok(sequence);
        }
        let (needed, budget) = (bytes.div_ceil(1 << 20), self.limits.kv_memory >> 20);
        let reason = format!("its {needed} MiB of keys and values exceed the budget of {budget} MiB");
        Err(Error::Refused { n_tokens: sequence.n_prompt(), reason })
    }

    /// One pass over prompts and one over running sequences, where there are any.
    pub(super) fn step(&mut self, model: &LanguageModel) {
        let started = Instant::now();
        self.retire(started);
        self.admit(model);
        self.read_without_cache(model);
        self.read_into_slots(model);
        let read = Instant::now();
        self.decode(model);
        self.counters.add_step(read - started, read.elapsed());
    }

    /// Lets go of sequences that nobody waits for any more, and ends those that are late.
    fn retire(&mut self, now: Instant) {
        for entry in std::mem::take(&mut self.waiting) {
            let wanted = self.still_wanted(entry, now);
            self.waiting.extend(wanted);
        }
        for mut prompt in std::mem::take(&mut self.prompts) {
            let members = std::mem::take(&mut prompt.members).into_iter();
            prompt.members = members.filter_map(|entry| self.still_wanted(entry, now)).collect();
            match prompt.members.is_empty() {
                true => self.release(&prompt.slots),
                false => self.prompts.push(prompt),
            }
        }
        for Running { slot, entry } in std::mem::take(&mut self.running) {
            match self.still_wanted(entry, now) {
                Some(entry) => self.running.push(Running { slot, entry }),
                None => self.release(&[slot]),
            }
        }
    }

    fn still_wanted(&mut self, mut entry: Entry, now: Instant) -> Option<Entry> {
        if entry.reply.is_closed() {
            return None;
        }
        entry.sequence.end_if_late(now);
        if entry.sequence.is_finished() {
            self.finish(entry);
            return None;
        }
        Some(entry)
    }

    fn release(&mut self, slots: &[usize]) {
        for &slot in slots {
            self.slab.as_mut().expect("a slot belongs to a slab").release(slot);
        }
    }

    /// Begins waiting sequences while there are slots. Those that need none pass by those that wait for one.
    fn admit(&mut self, model: &LanguageModel) {
        self.fit_slab(model);
        self.draw_seen();
        let mut is_full = false;
        for entry in std::mem::take(&mut self.waiting) {
            if let Some(entry) = self.begin(entry, is_full) {
                is_full = true;
                self.waiting.push_back(entry);
            }
        }
    }

    /// Begins the sequences whose logits are there. All are told their tokens before any slot is copied; slots are left
    /// for those who were there before them.
    fn draw_seen(&mut self) {
        let n_free = self.slab.as_ref().map_or(0, Slab::n_free);
        let (mut n_wanted, mut begun) = (0, Vec::new());
        for mut entry in std::mem::take(&mut self.waiting) {
            let tokens = entry.sequence.tokens();
            let needs_slot = !entry.sequence.is_last_draw();
            let is_held = || self.slab.as_ref().is_some_and(|slab| slab.holds(tokens));
            let has_room = |_: &_| !needs_slot || (n_wanted < n_free && is_held());
            let found = self.seen.find(&entry.sequence).filter(has_room);
            n_wanted += usize::from(needs_slot);
            match found {
                Some((logits, row)) => {
                    let prompt = needs_slot.then(|| tokens.to_vec());
                    self.counters.add_cached(tokens.len());
                    entry.draw(&logits, row);
                    begun.push((entry, prompt));
                }
                None => self.waiting.push_back(entry),
            }
        }
        for (entry, prompt) in begun {
            match (prompt, &mut self.slab) {
                _ if entry.sequence.is_finished() => self.finish(entry),
                (Some(prompt), Some(slab)) => {
                    let slot = slab.take(&prompt).expect("no more have begun than there are slots");
                    self.running.push(Running { slot, entry });
                }
                _ => unreachable!("who goes on needs a slot, and has begun only if there was one"),
            }
        }
    }

    /// Makes the cache anew if a waiting sequence needs longer slots, or if none is in use and shorter ones would let
    /// more sequences run.
    fn fit_slab(&mut self, model: &LanguageModel) {
        let needing = self.waiting.iter().filter(|entry| !entry.sequence.is_last_draw());
        let Some(wanted) = needing.map(|entry| entry.sequence.n_columns()).max() else { return };
        let is_used = !self.running.is_empty() || self.prompts.iter().any(|prompt| !prompt.slots.is_empty());
        let keep = self.slab.as_ref().is_some_and(|slab| {
            let is_cramped = slab.n_slots() < self.limits.max_sequences && 4 * wanted <= slab.n_columns();
            wanted <= slab.n_columns() && (is_used || !is_cramped)
        });
        if keep {
            return;
        }
        let prompts = std::mem::take(&mut self.prompts);
        let (read_again, kept) = prompts.into_iter().partition(|prompt| !prompt.slots.is_empty());
        self.prompts = kept;
        let running = std::mem::take(&mut self.running).into_iter().map(|running| running.entry);
        let reading = Vec::into_iter(read_again).flat_map(|prompt: Prompt| prompt.members);
        let begun: Vec<Entry> = running.chain(reading).collect();
        let wanted = begun.iter().map(|entry| entry.sequence.n_columns()).fold(wanted, usize::max);
        for entry in begun.into_iter().rev() {
            self.waiting.push_front(entry);
        }
        // The old one first: there is memory for one.
        self.slab = None;
        let Limits { max_sequences, kv_memory, .. } = self.limits;
        let slab = Slab::new(model, wanted, max_sequences, kv_memory);
        trace!(n_slots = slab.n_slots(), n_columns = slab.n_columns(), "cache");
        self.slab = Some(slab);
    }

    /// Puts a sequence among the prompts, or gives it back if it needs a slot and there is none.
    fn begin(&mut self, entry: Entry, is_full: bool) -> Option<Entry> {
        let needs_slot = !entry.sequence.is_last_draw();
        if needs_slot && is_full {
            return Some(entry);
        }
        let hash = self.hasher.hash_one(entry.sequence.tokens());
        let same =
            |prompt: &Prompt| prompt.hash == hash && prompt.tokens.as_slice() == entry.sequence.tokens();
        let at = self.prompts.iter().position(same);
        let is_read = at.is_some_and(|at| !self.prompts[at].slots.is_empty());
        let slot = match (&mut self.slab, needs_slot) {
            (_, false) => None,
            (None, true) => return Some(entry),
            (Some(slab), true) => {
                let slot = if is_read { slab.take_any() } else { slab.take(entry.sequence.tokens()) };
                let Some(slot) = slot else { return Some(entry) };
                self.counters.add_cached(slab.n_held(slot));
                Some(slot)
            }
        };
        let at = at.unwrap_or_else(|| {
            let tokens = entry.sequence.tokens().to_vec();
            self.prompts.push(Prompt { tokens, hash, slots: Vec::new(), members: Vec::new() });
            self.prompts.len() - 1
        });
        self.prompts[at].slots.extend(slot);
        self.prompts[at].members.push(entry);
        None
    }

    /// Reads prompts whose sequences all draw just once more.
    fn read_without_cache(&mut self, model: &LanguageModel) {
        let is_free = |prompt: &Prompt| prompt.slots.is_empty();
        let lengths = self.prompts.iter().enumerate().filter(|(_, prompt)| is_free(prompt));
        let rows = like_lengths(lengths.map(|(at, p)| (at, p.tokens.len())), self.limits.max_prefill_tokens);
        if rows.is_empty() {
            return;
        }
        let prompts = extract(&mut self.prompts, &rows);
        let tokens: Vec<&[u32]> = prompts.iter().map(|prompt| prompt.tokens.as_slice()).collect();
        let hidden = model.last_hidden(&TokenBatch::right_padded(&tokens));
        self.counters.add_prefill(tokens.iter().map(|row| row.len()).sum());
        let logits = HostLogits::of_rows(model, hidden, columns_of(&prompts));
        self.draw_first(prompts, logits);
    }

    /// Reads the next tokens of prompts that have a slot.
    fn read_into_slots(&mut self, model: &LanguageModel) {
        let Some(slab) = &mut self.slab else { return };
        let max_tokens = self.limits.max_prefill_tokens;
        let unread = |prompt: &Prompt| Some(prompt.tokens.len() - slab.n_held(*prompt.slots.first()?));
        let lengths = self.prompts.iter().enumerate();
        let rows = like_lengths(lengths.filter_map(|(at, p)| Some((at, unread(p)?))), max_tokens);
        if rows.is_empty() {
            return;
        }
        let slots: Vec<usize> = rows.iter().map(|&at| self.prompts[at].slots[0]).collect();
        let tokens: Vec<&[u32]> = rows
            .iter()
            .zip(&slots)
            .map(|(&at, &slot)| {
                let unread = &self.prompts[at].tokens[slab.n_held(slot)..];
                &unread[..unread.len().min(max_tokens)]
            })
            .collect();
        let width = tokens.iter().map(|row| row.len()).max().unwrap_or(0);
        let hidden = slab.extend(model, &slots, &tokens);
        self.counters.add_prefill(tokens.iter().map(|row| row.len()).sum());
        let is_read = |row: &usize| slab.n_held(slots[*row]) == self.prompts[rows[*row]].tokens.len();
        let read: Vec<usize> = (0..rows.len()).filter(is_read).collect();
        let places: Vec<usize> = read.iter().map(|&row| row * width + tokens[row].len() - 1).collect();
        let prompts = extract(&mut self.prompts, &read.iter().map(|&row| rows[row]).collect::<Vec<_>>());
        if !prompts.is_empty() {
            let logits = HostLogits::of_places(model, hidden, &places, columns_of(&prompts));
            self.draw_first(prompts, logits);
        }
    }

    /// All members of a prompt draw from its row of logits, and are told, before any slot is copied.
    fn draw_first(&mut self, mut prompts: Vec<Prompt>, logits: HostLogits) {
        for (row, prompt) in prompts.iter_mut().enumerate() {
            for entry in &mut prompt.members {
                entry.draw(&logits, row);
            }
        }
        let tokens = prompts.iter_mut().map(|prompt| std::mem::take(&mut prompt.tokens));
        self.seen.insert(tokens, &Arc::new(logits));
        for Prompt { mut slots, members, .. } in prompts {
            let read_into = slots.first().copied();
            for entry in members {
                if entry.sequence.is_finished() {
                    self.finish(entry);
                    continue;
                }
                let slot = slots.pop().expect("a slot for each member that goes on");
                if let (Some(from), Some(slab)) = (read_into.filter(|&from| from != slot), &mut self.slab) {
                    slab.copy(from, slot);
                }
                self.running.push(Running { slot, entry });
            }
            self.release(&slots);
        }
    }

    /// Feeds what each running sequence has gained, one drawn token and what it forced, and makes its next draw.
    fn decode(&mut self, model: &LanguageModel) {
        let Some(slab) = &mut self.slab else { return };
        let mut todo: Vec<usize> = (0..self.running.len()).collect();
        while !todo.is_empty() {
            let unread = |at: usize| {
                let Running { slot, entry } = &self.running[at];
                &entry.sequence.tokens()[slab.n_held(*slot)..]
            };
            let rows =
                like_lengths(todo.iter().map(|&at| (at, unread(at).len())), self.limits.max_prefill_tokens);
            todo.retain(|at| !rows.contains(at));
            let tokens: Vec<&[u32]> = rows.iter().map(|&at| unread(at)).collect();
            let slots: Vec<usize> = rows.iter().map(|&at| self.running[at].slot).collect();
            let width = tokens.iter().map(|row| row.len()).max().unwrap_or(0);
            let places: Vec<usize> =
                tokens.iter().enumerate().map(|(row, tokens)| row * width + tokens.len() - 1).collect();
            let hidden = slab.extend(model, &slots, &tokens);
            let columns = allowed_columns(rows.iter().map(|&at| &self.running[at].entry.sequence));
            let logits = HostLogits::of_places(model, hidden, &places, columns);
            for (row, &at) in rows.iter().enumerate() {
                self.running[at].entry.draw(&logits, row);
            }
        }
        for Running { slot, entry } in std::mem::take(&mut self.running) {
            if entry.sequence.is_finished() {
                self.release(&[slot]);
                self.finish(entry);
            } else {
                self.running.push(Running { slot, entry });
            }
        }
    }

    fn finish(&mut self, Entry { sequence, mut reply, span }: Entry) {
        reply.advance(&sequence);
        self.counters.add_answer(sequence.n_prompt(), sequence.n_drawn());
        let generation = sequence.into_generation(self.version);
        span.in_scope(|| trace!(finish = ?generation.finish, "answered"));
        reply.finish(Ok(generation));
    }
}

impl Entry {
    fn draw(&mut self, logits: &HostLogits, row: usize) {
        self.sequence.draw_next(logits, row);
        self.reply.advance(&self.sequence);
    }
}

fn columns_of(prompts: &[Prompt]) -> Option<Vec<u32>> {
    allowed_columns(prompts.iter().flat_map(|prompt| &prompt.members).map(|entry| &entry.sequence))
}

/// Takes out the items at ascending indices.
fn extract<T>(items: &mut Vec<T>, indices: &[usize]) -> Vec<T> {
    let mut wanted = indices.iter().copied().peekable();
    let mut at = 0;
    let (taken, kept) = std::mem::take(items).into_iter().partition(|_| {
        at += 1;
        wanted.next_if_eq(&(at - 1)).is_some()
    });
    *items = kept;
    taken
}

/// Which rows go through the model together: the first, and those after it that are about as long, as many as
/// `max_tokens` allows with padding. A row that is longer counts as so long: it is read in pieces.
fn like_lengths(rows: impl Iterator<Item = (usize, usize)>, max_tokens: usize) -> Vec<usize> {
    let mut chosen = Vec::new();
    let (mut narrowest, mut widest) = (usize::MAX, 0);
    for (row, length) in rows {
        let length = length.min(max_tokens);
        let (low, high) = (narrowest.min(length), widest.max(length));
        let is_like = high <= NARROW || high <= 2 * low;
        if chosen.is_empty() || (is_like && high * (chosen.len() + 1) <= max_tokens) {
            (narrowest, widest) = (low, high);
            chosen.push(row);
        }
    }
    chosen
}

#[cfg(test)]
mod tests;
