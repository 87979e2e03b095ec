//! The KV cache with the account of its slots, within a budget of memory.

use burn::tensor::{DType, Tensor};

use super::slots::{Place, Slots};
use crate::config::DecoderConfig;
use crate::decoder::{KvCache, LanguageModel, TokenBatch};

/// Columns of a slot grow by doubling from here.
const MIN_COLUMNS: usize = 128;

/// Room for sequences of up to `n_columns` tokens.
#[derive(Debug)]
pub(super) struct Slab {
    cache: KvCache,
    slots: Slots,
    /// What the cache was made for.
    config: DecoderConfig,
    dtype: DType,
}

impl Slab {
    /// Slots for `n_columns` tokens or somewhat more, `max_slots` of them or as many as the budget has room for.
    pub(super) fn new(model: &LanguageModel, n_columns: usize, max_slots: usize, bytes: usize) -> Self {
        let most = model.config().max_position_embeddings.max(n_columns);
        let per_token = KvCache::bytes_per_token(model);
        let doubled = n_columns.next_power_of_two().clamp(MIN_COLUMNS.min(most), most);
        let n_columns = if doubled * per_token <= bytes { doubled } else { n_columns };
        let n_slots = (bytes / (n_columns * per_token)).clamp(1, max_slots.max(1));
        Self {
            cache: KvCache::new(model, n_slots, n_columns),
            slots: Slots::new(n_slots),
            config: model.config().clone(),
            dtype: model.dtype(),
        }
    }

    /// The same memory without any tokens, if other weights can use it.
    pub(super) fn emptied(mut self, model: &LanguageModel) -> Option<Self> {
        if self.config != *model.config() || self.dtype != model.dtype() {
            return None;
        }
        (0..self.n_slots()).for_each(|slot| self.cache.clear(slot));
        self.slots = Slots::new(self.n_slots());
        Some(self)
    }

    /// Tokens that a slot has room for.
    pub(super) fn n_columns(&self) -> usize {
        self.cache.capacity()
    }

    pub(super) fn n_slots(&self) -> usize {
        self.slots.len()
    }

    /// Slots that can be taken.
    pub(super) fn n_free(&self) -> usize {
        self.slots.n_free()
    }

    /// True if a slot holds a prompt but for a few tokens.
    pub(super) fn holds(&self, prompt: &[u32]) -> bool {
        self.slots.holds(prompt)
    }

    /// Takes a slot for a prompt; its beginning is in the cache already as far as any slot has it.
    pub(super) fn take(&mut self, prompt: &[u32]) -> Option<usize> {
        let Place { slot, copy_from, n_shared } = self.slots.take(prompt)?;
        match copy_from {
            Some(from) => self.cache.copy(from, slot, n_shared),
            None => self.cache.truncate(slot, n_shared),
        }
        Some(slot)
    }

    /// Takes a slot that will be the copy of another.
    pub(super) fn take_any(&mut self) -> Option<usize> {
        let slot = self.slots.take_any()?;
        self.cache.clear(slot);
        Some(slot)
    }

    /// Makes a taken slot hold what another one does.
    pub(super) fn copy(&mut self, from: usize, to: usize) {
        self.cache.copy(from, to, self.n_held(from));
        self.slots.copy(from, to);
    }

    /// Gives a slot back; what it holds stays until the slot is needed.
    pub(super) fn release(&mut self, slot: usize) {
        self.slots.release(slot);
    }

    /// Tokens that a slot holds.
    pub(super) fn n_held(&self, slot: usize) -> usize {
        self.slots.held(slot).len()
    }

    /// Reads tokens, each row into its slot.
    ///
    /// # Shapes
    /// → `[B, T, D]`
    pub(super) fn extend(&mut self, model: &LanguageModel, slots: &[usize], rows: &[&[u32]]) -> Tensor<3> {
        let hidden = model.extend(&TokenBatch::right_padded(rows), slots, &mut self.cache);
        for (&slot, row) in slots.iter().zip(rows) {
            self.slots.extend(slot, row);
        }
        hidden
    }
}
