//! The GRPO family as an objective of `train`.

use train::{Batch, EntropyGradient, LossTerms, Objective, Row, ScoreSettings, TokenStats};

use crate::{LossInput, LossSettings, Normalisers, policy_loss};

/// A [`LossSettings`] with the counts of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyObjective {
    /// What is minimised.
    pub settings: LossSettings,
    /// What parts are divided by.
    pub counts: Normalisers,
}

impl PolicyObjective {
    /// The objective of a step over `parts`.
    pub fn new(settings: LossSettings, parts: &[Vec<Row>], max_completion_tokens: usize) -> Self {
        let n_tokens = parts.iter().flatten().map(Row::n_loss_tokens).sum();
        let counts = Normalisers::new(parts.iter().map(Vec::len).sum(), n_tokens, max_completion_tokens);
        Self { settings, counts }
    }

    /// How tokens have to be scored for it.
    pub fn score_settings(&self, temperature: f64) -> ScoreSettings {
        let tracked = self.settings.entropy_coef != 0.0;
        ScoreSettings {
            temperature,
            entropy: if tracked { EntropyGradient::Tracked } else { EntropyGradient::Detached },
            legality: self.settings.legality_coef != 0.0,
        }
    }
}

impl Objective for PolicyObjective {
    fn loss(&self, batch: &Batch, stats: &TokenStats) -> LossTerms {
        let input = LossInput {
            logprobs: stats.logprobs.clone(),
            entropy: stats.entropy.clone(),
            old_logprobs: batch.old_logprobs.clone(),
            ref_logprobs: batch.ref_logprobs.clone(),
            sampler_logprobs: batch.sampler_logprobs.clone(),
            legal_logmass: stats.legal_logmass.clone(),
            advantages: batch.advantages.clone(),
            mask: batch.loss_mask.clone(),
        };
        policy_loss(&input, &self.settings, &self.counts)
    }
}
