//! One optimizer step, blind to the algorithm: rows → [`Batch`] → [`StepReport`].
//!
//! What a batch is worth is said by an [`Objective`]; SFT and DPO are here, the GRPO family is in `grpo`. Everything
//! is synchronous and runs on the thread that owns the model. Not here: playing, advantages, time budgets.

mod adamw;
mod average;
mod batch;
mod causal_lm;
mod divergence;
pub mod dpo;
mod gradient;
mod learner;
mod memory;
mod microbatch;
mod objective;
mod plan;
mod report;
mod row;
mod schedule;
mod score;
pub mod sft;
#[cfg(test)]
mod test_support;
pub mod twin;

pub use adamw::{AdamW, AdamWConfig};
pub use average::WeightAverage;
pub use batch::Batch;
pub use causal_lm::CausalLm;
pub use divergence::{Direction, Tie, row_divergences, sequence_divergences};
pub use gradient::{NamedTensor, clip_factor, global_norm, n_trained, named_gradients, named_parameters};
pub use kernels::EntropyGradient;
pub use learner::{Activations, Learner, LearnerConfig};
pub use memory::StepMemory;
pub use microbatch::{RowUnit, micro_batches};
pub use objective::{Fold, LossTerms, Metric, Objective};
pub use report::StepReport;
pub use row::Row;
pub use schedule::{Progress, Schedule, Shape, Warmup};
pub use score::{ScoreSettings, TokenStats, row_logprobs, token_stats};

/// What can go wrong while preparing a step; shapes that do not fit are programming errors and panic instead.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Nothing in the step is trained on.
    #[error("none of {n_rows} rows has a token to learn from")]
    NothingToLearn {
        /// Rows given.
        n_rows: usize,
    },
    /// The smallest part of a step does not fit on the device.
    #[error(
        "out of memory in a part of {n_tokens} tokens in {n_rows} rows, which cannot be divided: {reason}"
    )]
    OutOfMemory {
        /// Rows of the part.
        n_rows: usize,
        /// Their tokens.
        n_tokens: usize,
        /// What the device said.
        reason: String,
    },
    /// A name that is none of the known ones.
    #[error("unknown {what} `{value}`: expected {expected}")]
    UnknownName {
        /// Which setting.
        what: &'static str,
        /// The value given.
        value: String,
        /// The known names.
        expected: &'static str,
    },
}
