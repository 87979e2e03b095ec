//! Random choices of a task, all from one seed.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// The choices of one task.
pub(super) struct Draw {
    rng: ChaCha8Rng,
}

impl Draw {
    /// The choices of task `id` of set `seed`.
    pub(super) fn new(seed: u64, id: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&id.to_le_bytes());
        Self { rng: ChaCha8Rng::from_seed(key) }
    }

    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.rng.random_range(low..=high)
    }

    /// True in `percent` of a hundred.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of `items`.
    ///
    /// # Panics
    /// If there are none.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.between(0, items.len() as u64 - 1) as usize]
    }

    /// One of `items`, if there are any.
    pub(super) fn maybe_pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        (!items.is_empty()).then(|| self.pick(items))
    }

    /// One of a few wordings.
    pub(super) fn wording<const N: usize>(&mut self, texts: [String; N]) -> String {
        self.pick(&texts).clone()
    }

    /// One of `items` by its share.
    pub(super) fn weighted<T: Copy>(&mut self, items: &[(T, u32)]) -> T {
        let total: u32 = items.iter().map(|(_, share)| share).sum();
        let mut at = self.between(0, u64::from(total) - 1);
        for (item, share) in items {
            match at.checked_sub(u64::from(*share)) {
                Some(rest) => at = rest,
                None => return *item,
            }
        }
        unreachable!("the draw is below the sum of all shares")
    }
}
