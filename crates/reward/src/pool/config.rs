//! Settings of a pool.

use std::path::PathBuf;
use std::time::Duration;

use crate::Tier;

/// How many workers there are, and what they may use.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// The interpreter.
    pub python: PathBuf,
    /// Processes. Native functions use all cores.
    pub n_workers: usize,
    /// Time for one function's call on its slice of a batch.
    pub time_limit: Duration,
    /// Time for running a function's source once; imports of large packages are part of it.
    pub load_limit: Duration,
    /// Address space of a worker.
    pub memory_bytes: u64,
    /// Largest file that a function may write.
    pub file_bytes: u64,
    /// The strongest isolation to ask for; what the kernel refuses is left out.
    pub strongest_tier: Tier,
    /// Whether stock functions are computed without Python.
    pub native: bool,
    /// Scores to remember; 0 for functions that do not judge each completion for itself.
    pub cache_capacity: usize,
    /// Python's seed of string hashes: the same order of sets in every worker.
    pub hash_seed: u32,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            python: PathBuf::from("python3"),
            n_workers: 2,
            time_limit: Duration::from_secs(10),
            load_limit: Duration::from_secs(60),
            memory_bytes: 8 << 30,
            file_bytes: 16 << 20,
            strongest_tier: Tier::Namespaces,
            native: true,
            cache_capacity: 0,
            hash_seed: 0,
        }
    }
}
