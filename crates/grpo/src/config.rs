//! Settings of the trainer.

use train::{LearnerConfig, Schedule};

use crate::advantage::AdvantageKind;
use crate::{EntropySchedule, LossSettings};

/// Settings of a [`GrpoTrainer`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GrpoConfig {
    /// What is minimised; its entropy coefficient is taken from `entropy`.
    pub loss: LossSettings,
    /// What rewards are compared with.
    pub advantages: AdvantageKind,
    /// The entropy bonus over the run.
    pub entropy: EntropySchedule,
    /// The learning rate over the run.
    pub schedule: Schedule,
    /// Optimizer and clip.
    pub learner: LearnerConfig,
    /// Sampling temperature of the rollouts.
    pub temperature: f64,
    /// Padded tokens that go through the model at once. Does not change the result.
    pub token_budget: usize,
    /// Longest allowed completion, which `dr_grpo` divides by.
    pub max_completion_tokens: usize,
    /// Optimizer steps over the same groups; above 1 the clip starts to matter.
    pub n_epochs: u32,
    /// From this share of the run on, what is kept is the mean of the weights; at 1 it is the last step's.
    pub average_from: f64,
}

impl Default for GrpoConfig {
    fn default() -> Self {
        Self {
            loss: LossSettings::default(),
            advantages: AdvantageKind::BatchStd,
            entropy: EntropySchedule::constant(0.0),
            schedule: Schedule::constant(1e-4),
            learner: LearnerConfig::default(),
            temperature: 1.0,
            token_budget: 16_384,
            max_completion_tokens: 16,
            n_epochs: 1,
            average_from: 1.0,
        }
    }
}
