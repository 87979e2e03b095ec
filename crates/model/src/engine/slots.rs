//! Which slot of the cache holds which tokens: who uses it, and what is left in it for the next prompt.
//!
//! A slot that is given back keeps its tokens until it is needed, the longest unused first, so that a prompt which
//! begins as another one did continues where that one was. All of it belongs to one version of the weights.

/// A shorter beginning is sooner read again than found and copied.
const MIN_SHARED: usize = 8;

/// The slots of one cache.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    clock: u64,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    /// Tokens whose keys and values it holds.
    held: Vec<u32>,
    in_use: bool,
    used_at: u64,
}

/// Where a prompt is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) slot: usize,
    /// The slot that its beginning is to be copied from.
    pub(super) copy_from: Option<usize>,
    /// Tokens of that beginning.
    pub(super) n_shared: usize,
}

impl Slots {
    pub(super) fn new(n_slots: usize) -> Self {
        Self { slots: vec![Slot::default(); n_slots], clock: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Tokens that a slot holds.
    pub(super) fn held(&self, slot: usize) -> &[u32] {
        &self.slots[slot].held
    }

    /// Notes that a slot holds more tokens.
    pub(super) fn extend(&mut self, slot: usize, tokens: &[u32]) {
        self.slots[slot].held.extend_from_slice(tokens);
    }

    /// Slots that can be taken.
    pub(super) fn n_free(&self) -> usize {
        self.slots.iter().filter(|slot| !slot.in_use).count()
    }

    /// The longest beginning of a prompt that a slot holds, and the slot; not its last token, which has always to be
    /// read, because the first draw needs its logits.
    fn shared(&self, prompt: &[u32]) -> (usize, usize) {
        let beginning = &prompt[..prompt.len() - 1];
        let shared = |slot: &Slot| slot.held.iter().zip(beginning).take_while(|(a, b)| a == b).count();
        let all = (0..self.len()).map(|slot| (shared(&self.slots[slot]), slot));
        all.max_by_key(|&(n_shared, slot)| (n_shared, usize::MAX - slot)).unwrap_or_default()
    }

    /// True if a slot holds a prompt but for a few tokens.
    pub(super) fn holds(&self, prompt: &[u32]) -> bool {
        self.shared(prompt).0 + MIN_SHARED >= prompt.len()
    }

    /// Takes a slot for a prompt, with as much of its beginning as any slot holds. `None` if all slots are in use.
    pub(super) fn take(&mut self, prompt: &[u32]) -> Option<Place> {
        let best = Some(self.shared(prompt)).filter(|&(n_shared, _)| n_shared >= MIN_SHARED);
        let Some((n_shared, source)) = best else {
            let slot = self.oldest(None)?;
            return Some(self.occupy(Place { slot, copy_from: None, n_shared: 0 }, &[]));
        };
        let continues = !self.slots[source].in_use && self.slots[source].held.len() == n_shared;
        let slot =
            if continues { source } else { self.oldest(Some(source)).or_else(|| self.oldest(None))? };
        let copy_from = (slot != source).then_some(source);
        Some(self.occupy(Place { slot, copy_from, n_shared }, &prompt[..n_shared]))
    }

    /// Takes a slot whose contents do not matter.
    pub(super) fn take_any(&mut self) -> Option<usize> {
        let slot = self.oldest(None)?;
        Some(self.occupy(Place { slot, copy_from: None, n_shared: 0 }, &[]).slot)
    }

    fn occupy(&mut self, place: Place, held: &[u32]) -> Place {
        self.slots[place.slot] = Slot { held: held.to_vec(), in_use: true, used_at: self.tick() };
        place
    }

    /// Notes that one slot now holds what another does.
    pub(super) fn copy(&mut self, from: usize, to: usize) {
        self.slots[to].held = self.slots[from].held.clone();
    }

    /// Gives a slot back with what it holds.
    pub(super) fn release(&mut self, slot: usize) {
        let used_at = self.tick();
        let slot = &mut self.slots[slot];
        assert!(slot.in_use, "a slot is given back once");
        (slot.in_use, slot.used_at) = (false, used_at);
    }

    /// The free slot that has been unused for longest; an empty one before all others.
    fn oldest(&self, except: Option<usize>) -> Option<usize> {
        let free = (0..self.len()).filter(|&slot| !self.slots[slot].in_use && Some(slot) != except);
        free.min_by_key(|&slot| (!self.slots[slot].held.is_empty(), self.slots[slot].used_at))
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }
}

#[cfg(test)]
mod tests;
