//! Settings of the trainer, and how they are read from `run.toml`.

use schema::RunConfig;
use train::{AdamWConfig, LearnerConfig, Schedule, Warmup};

use crate::advantage::AdvantageKind;
use crate::{EntropySchedule, Error, LossSettings};

/// An entropy bonus ends at this share of its start: 0.3 → 0.045 is what learns leduc_poker in spec/rl.md §6.2.
const ENTROPY_END: f64 = 0.15;
/// Share of the run that the bonus holds; same source.
const ENTROPY_HOLD: f64 = 0.5;

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
        }
    }
}

impl GrpoConfig {
    /// The settings of `run`; `[objective] entropy_coef` is the bonus at the start, which is held for half the run and
    /// then falls to 15 %.
    ///
    /// # Errors
    /// A name that is none of the known ones.
    pub fn from_run(run: &RunConfig) -> Result<Self, Error> {
        let (objective, optimizer) = (&run.objective, &run.optimizer);
        let loss = LossSettings {
            loss_type: objective.loss_type.parse()?,
            epsilon_low: objective.epsilon_low,
            epsilon_high: objective.epsilon_high,
            beta: objective.beta,
            kl: objective.kl.parse()?,
            ..LossSettings::default()
        };
        let start = objective.entropy_coef;
        Ok(Self {
            loss,
            advantages: objective.advantages.parse()?,
            entropy: EntropySchedule { start, end: ENTROPY_END * start, hold: ENTROPY_HOLD },
            schedule: Schedule {
                peak: optimizer.lr,
                warmup: Warmup::from_setting(optimizer.warmup),
                shape: optimizer.schedule.parse()?,
                floor: 0.0,
            },
            learner: LearnerConfig {
                adamw: AdamWConfig { weight_decay: optimizer.weight_decay, ..AdamWConfig::default() },
                max_grad_norm: optimizer.clip,
            },
            temperature: f64::from(run.rollout.temperature),
            max_completion_tokens: run.rollout.max_completion_tokens as usize,
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests;
