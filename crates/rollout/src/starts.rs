//! Which deals a run plays: a function of its seed and the group's number, never a deal that is kept for evaluation.

use schema::EnvName;

/// First seed of the evaluation's deals; training stays below.
pub const EVALUATION_SEED: u64 = 900_000_000;

/// Task id and seed of a group's start.
pub fn start_seed(env: EnvName, run_seed: u64, group: u64) -> (u64, u64) {
    let ids = env.start_ids();
    let task = crate::turn_key(run_seed, group, 0, TASK_STREAM);
    let seed = crate::turn_key(run_seed, group, 0, SEED_STREAM);
    (ids.start + task % (ids.end - ids.start), seed % EVALUATION_SEED)
}

/// Task id and seed of the evaluation's game number `index`. Seats alternate with the seed.
pub fn evaluation_start(env: EnvName, index: u64) -> (u64, u64) {
    let ids = env.start_ids();
    (ids.start + index % (ids.end - ids.start), EVALUATION_SEED + index)
}

/// Streams that no turn of an episode uses: episodes are bounded far below.
const TASK_STREAM: u32 = u32::MAX;
const SEED_STREAM: u32 = u32::MAX - 1;

#[cfg(test)]
mod tests;
