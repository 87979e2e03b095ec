//! Pauses between repeats: doubling, with jitter, so that episodes that failed together do not come back together.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A bounded series of pauses.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    left: u32,
}

impl Backoff {
    /// At most `retries` pauses; the first is `mean` ± 50 %.
    pub(crate) fn new(mean: Duration, retries: u32) -> Self {
        Self { next: mean, left: retries }
    }

    /// The next pause, or `None` when the repeats are used up.
    pub(crate) fn next_pause(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let pause = self.next.mul_f64(0.5 + random_share());
        self.next *= 2;
        Some(pause)
    }
}

/// Uniform in [0, 1), from the entropy that std keys its hash maps with. Jitter need not be reproducible: it changes
/// when something is asked, never what is asked.
fn random_share() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
