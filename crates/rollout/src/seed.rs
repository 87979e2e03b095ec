//! Keys of the counter-based generators: a draw depends on where it is made, never on when.

/// Key of one turn's sampling: a function of the run's seed, the group, the rollout and the turn. The position within
/// the completion is the counter of the generator that the policy runs under this key.
pub fn turn_key(run_seed: u64, group: u64, rollout: u32, turn: u32) -> u64 {
    let place = u64::from(rollout) << 32 | u64::from(turn);
    [group, place].into_iter().fold(mix(run_seed), |key, part| mix(key.wrapping_add(part)))
}

/// A uniform integer below `n` from a key, without bias worth a thought (`n` is far below 2³²).
pub(crate) fn below(key: u64, n: usize) -> usize {
    ((u128::from(mix(key)) * n as u128) >> 64) as usize
}

/// SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
