//! Reward functions: Python sources run in isolated workers, stock ones natively, and a lab to try them in.
//!
//! A [`Function`] is Python source as the tournament delivers it; a [`Batch`] holds completions and the keyword
//! arguments that belong to them. A [`Pool`] gives [`Scores`], one number per completion, whatever a function does:
//! what raises, hangs, exits or returns nonsense scores 0, is counted and has a name. [`lab`] checks functions, re-scores
//! recorded rollouts and compares two functions on them.
//!
//! Everything here is synchronous and blocks; call it from a thread of its own. Not here: how rewards become advantages.

mod batch;
mod cache;
mod error;
mod function;
pub mod lab;
mod native;
mod pool;
mod scores;
mod tier;
mod worker;

pub use batch::Batch;
pub use error::Error;
pub use function::{Function, FunctionDigest, RewardSpec, WeightedFunction};
pub use pool::{Observation, Pool, PoolConfig, PoolStats};
pub use scores::{Fault, FaultKind, ScoredBy, Scores, weighted_sum};
pub use tier::{Isolation, Tier};
