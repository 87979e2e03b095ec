//! Small deterministic hashing for what is no part of a game: episode ids, faults, probes.
//!
//! Not for deals: those come from `games::rng`.

use std::hash::{BuildHasher, RandomState};

use games::rng::FastRng;

/// Distinct inputs give distinct, well mixed outputs.
pub(crate) fn mix(value: u64) -> u64 {
    FastRng::new(value).next_u64()
}

/// One number out of several, order included.
pub(crate) fn mix_all(values: &[u64]) -> u64 {
    values.iter().fold(0, |hash, &value| mix(hash ^ mix(value)))
}

/// Differs between processes.
pub(crate) fn process_random() -> u64 {
    RandomState::new().hash_one("sidecar")
}

/// 32 hex digits in the form of a random UUID without dashes.
pub(crate) fn hex_id(high: u64, low: u64) -> String {
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 1 << 63;
    format!("{high:016x}{low:016x}")
}
