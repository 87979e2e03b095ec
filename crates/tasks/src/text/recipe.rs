//! What is tried first for a model, a task and a device: the seam that a fork changes.
//!
//! The learning rates, batches and adapters of [`Table`] are near those of public tournament entries (spec/recipes.md §2);
//! the learning-rate search then looks around them.

mod explain;

use std::fmt;

use train::{Activations, StepMemory};

pub use self::explain::explain;

/// What a recipe may look at. Never a model's name: in the tournament it is a hash.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The model's shape.
    pub config: &'a model::DecoderConfig,
    /// What is minimised.
    pub objective: ObjectiveKind,
    /// Examples to learn from.
    pub n_examples: usize,
    /// Tokens of the longest one.
    pub longest: usize,
    /// Bytes that the run may use.
    pub memory: u64,
}

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ObjectiveKind {
    /// Cross-entropy of responses.
    Sft,
    /// The same with a pull towards the base, of this weight.
    SftWithKl(f64),
    /// Preferences.
    Dpo,
    /// Rewards.
    Grpo,
}

/// What changes of the model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Every weight; the output is a whole model.
    Full,
    /// An adapter on all linear maps.
    Lora {
        /// Its rank.
        rank: usize,
        /// Its alpha.
        alpha: f32,
    },
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("every weight"),
            Self::Lora { rank, alpha } => write!(f, "an adapter of rank {rank}, alpha {alpha}"),
        }
    }
}

/// Choices that a fork makes differently. Every method has the default of [`Table`].
pub trait Recipe: fmt::Debug + Send + Sync {
    /// What is trained; asked before the rows are read, for the floor artifact.
    fn method(&self, facts: &Facts<'_>) -> Method {
        Table::method_of(facts)
    }

    /// The learning rate that the search starts from.
    fn learning_rate(&self, facts: &Facts<'_>, method: Method) -> f64 {
        Table::learning_rate_of(facts, method)
    }

    /// Examples of an optimizer step, if there is time for many steps.
    fn batch(&self, facts: &Facts<'_>) -> usize {
        Table::batch_of(facts)
    }

    /// How often an example may be seen. Few examples may be seen often: what they are worth is measured on the way, and
    /// the run ends where that gets worse.
    fn max_epochs(&self, facts: &Facts<'_>) -> f64 {
        (MANY_EXAMPLES / facts.n_examples.max(1) as f64).clamp(3.0, 20.0)
    }
}

/// The built-in recipe.
#[derive(Clone, Copy, Debug, Default)]
pub struct Table;

impl Recipe for Table {}

/// Examples that are seen in a run, if the clock allows, before any is seen more than three times.
const MANY_EXAMPLES: f64 = 40_000.0;
/// Largest model that is trained whole, in parameters.
const FULL_UP_TO: f64 = 4.5e9;
/// Largest for preferences and rewards: they need less change.
const FULL_DPO_UP_TO: f64 = 2e9;
/// Share of the memory that the plan may use: the rest is candidates, fragmentation and what was not foreseen.
pub(super) const USABLE: f64 = 0.7;
/// Learning rate up to so many billion parameters: whole models, adapters, preferences, rewards.
const RATES: [(f64, [f64; 4]); 6] = [
    (1.0, [1e-4, 2e-4, 1.35e-5, 8e-6]),
    (2.0, [1e-4, 2e-4, 1e-5, 8e-6]),
    (4.5, [7.25e-5, 1.5e-4, 6.25e-6, 8e-6]),
    (9.0, [3.5e-5, 1e-4, 7.5e-6, 6e-6]),
    (15.0, [3e-5, 1e-4, 8e-6, 5e-6]),
    (f64::INFINITY, [2e-5, 8e-5, 8e-6, 3e-6]),
];
/// An adapter learns preferences and rewards at this multiple of the rate of a whole model.
const ADAPTER_FACTOR: f64 = 5.0;

impl Table {
    fn method_of(facts: &Facts<'_>) -> Method {
        let n_params = facts.config.n_params();
        let bound = match facts.objective {
            ObjectiveKind::Sft => FULL_UP_TO,
            ObjectiveKind::Dpo | ObjectiveKind::Grpo => FULL_DPO_UP_TO,
            // The base is then the model without its adapter, at no cost.
            ObjectiveKind::SftWithKl(_) => 0.0,
        };
        let memory = StepMemory::estimate(facts.config, 4, n_params, Activations::Kept);
        // Beside what a step needs stand the base, and what is read back after it was written.
        let copies = 2 * 4 * n_params as u64;
        let fits = memory.token_budget(((USABLE * facts.memory as f64) as u64).saturating_sub(copies));
        if n_params as f64 <= bound && fits.is_some_and(|budget| budget >= facts.longest) {
            return Method::Full;
        }
        Method::Lora { rank: 128, alpha: 256.0 }
    }

    fn learning_rate_of(facts: &Facts<'_>, method: Method) -> f64 {
        let (_, [full, adapter, dpo, grpo]) = rates(facts.config);
        let factor = if method == Method::Full { 1.0 } else { ADAPTER_FACTOR };
        match facts.objective {
            ObjectiveKind::Sft | ObjectiveKind::SftWithKl(_) if method == Method::Full => full,
            ObjectiveKind::Sft | ObjectiveKind::SftWithKl(_) => adapter,
            ObjectiveKind::Dpo => factor * dpo,
            ObjectiveKind::Grpo => factor * grpo,
        }
    }

    fn batch_of(facts: &Facts<'_>) -> usize {
        match facts.objective {
            ObjectiveKind::Sft | ObjectiveKind::SftWithKl(_) => 64,
            ObjectiveKind::Dpo => 64,
            // Completions.
            ObjectiveKind::Grpo => 64,
        }
    }
}

/// The row for a model: its bound in billions of parameters, and its rates.
fn rates(config: &model::DecoderConfig) -> (f64, [f64; 4]) {
    let billions = config.n_params() as f64 / 1e9;
    RATES.into_iter().find(|(up_to, _)| billions <= *up_to).unwrap_or(RATES[RATES.len() - 1])
}

#[cfg(test)]
mod tests;
