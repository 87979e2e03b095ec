//! Settings of the clipped objectives, with their sources.

use std::str::FromStr;

use crate::Error;

/// Gate and normalisation of the policy term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossType {
    /// Mean over rows of token means (arXiv 2402.03300 eq. 3).
    Grpo,
    /// Mean over the tokens of the batch.
    Bnpo,
    /// Divided by rows × the longest allowed completion, a constant (arXiv 2503.20783).
    DrGrpo,
    /// Divided by the tokens of the whole step (arXiv 2503.14476 eq. 8).
    Dapo,
    /// Clipped, detached ratio as a weight of log-probs (arXiv 2506.13585 eq. 4).
    Cispo,
    /// A sigmoid in place of the clip (arXiv 2511.20347).
    Sapo,
    /// Sequence ratio, row sums not divided by their lengths (arXiv 2602.05261).
    Luspo,
}

impl FromStr for LossType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "grpo" => Self::Grpo,
            "bnpo" => Self::Bnpo,
            "dr_grpo" => Self::DrGrpo,
            "dapo" => Self::Dapo,
            "cispo" => Self::Cispo,
            "sapo" => Self::Sapo,
            "luspo" => Self::Luspo,
            _ => {
                let expected = "grpo, bnpo, dr_grpo, dapo, cispo, sapo or luspo";
                return Err(Error::UnknownName { what: "loss_type", value: text.to_owned(), expected });
            }
        })
    }
}

/// What a ratio is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Each token has its own.
    Token,
    /// One per row: the geometric mean of its tokens' ratios (GSPO, arXiv 2507.18071 eq. 7).
    Sequence,
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "token" => Ok(Self::Token),
            "sequence" => Ok(Self::Sequence),
            _ => Err(Error::UnknownName {
                what: "level",
                value: text.to_owned(),
                expected: "token or sequence",
            }),
        }
    }
}

/// Estimator of the divergence from the reference, with d = reference − policy log-prob of a drawn token
/// (Schulman, "Approximating KL divergence", 2020).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KlEstimator {
    /// `−d`: unbiased as a value; its gradient under the loss is zero in expectation, so it is for reports.
    K1,
    /// `d²/2`: its gradient is that of the reverse KL on policy.
    K2,
    /// `e^d − d − 1`: never negative, low variance.
    K3,
}

impl FromStr for KlEstimator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "k1" => Ok(Self::K1),
            "k2" => Ok(Self::K2),
            "k3" => Ok(Self::K3),
            _ => Err(Error::UnknownName { what: "kl", value: text.to_owned(), expected: "k1, k2 or k3" }),
        }
    }
}

/// Whether the KL term is corrected for tokens drawn from an older policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KlWeight {
    /// As if drawn from the current policy.
    Plain,
    /// Multiplied by the ratio (arXiv 2512.02556 §3.1).
    Ratio,
}

/// Weights `min(p_trainer / p_sampler, cap)` of tokens whose sampler computes other log-probs than the trainer.
///
/// # Source
/// Truncated importance sampling: Yao et al., "Your efficient RL framework secretly brings you off-policy RL", 2025.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TruncatedImportance {
    /// One weight per token, or the product over the row.
    pub level: Level,
    /// Largest weight.
    pub cap: f64,
}

/// Settings of [`crate::policy_loss`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossSettings {
    /// Gate and normalisation.
    pub loss_type: LossType,
    /// What the ratio is taken over; `luspo` wants `Sequence`.
    pub level: Level,
    /// The ratio is clipped at `1 − epsilon_low` (PPO, arXiv 1707.06347).
    pub epsilon_low: f64,
    /// The ratio is clipped at `1 + epsilon_high` (DAPO's clip-higher); for `cispo` the bound of the ratio itself.
    pub epsilon_high: f64,
    /// Bound of the unclipped ratio, which negative advantages need (dual clip, arXiv 1912.09729).
    pub delta: Option<f64>,
    /// Weight of the KL term; 0 needs no reference.
    pub beta: f64,
    /// Its estimator.
    pub kl: KlEstimator,
    /// Its correction.
    pub kl_weight: KlWeight,
    /// Weight of the entropy bonus.
    pub entropy_coef: f64,
    /// Share of tokens, highest entropy first, that the policy term keeps (arXiv 2506.01939); 1 keeps all.
    pub top_entropy_quantile: f64,
    /// Rows with a negative advantage are dropped if `mean(old − new)` exceeds this (arXiv 2512.02556 §3.1).
    pub off_policy_threshold: Option<f64>,
    /// Correction for a sampler with other numerics.
    pub importance: Option<TruncatedImportance>,
    /// Log-ratios are clamped to ± this before they are exponentiated (verl's 20).
    pub log_ratio_clamp: f64,
    /// Steepness of `sapo` at positive advantages.
    pub sapo_tau_positive: f64,
    /// Steepness of `sapo` at other advantages.
    pub sapo_tau_negative: f64,
    /// Weight of `−log P(allowed)`: keeps play legal where the sampler was restricted and the judge is not.
    pub legality_coef: f64,
}

impl Default for LossSettings {
    /// DAPO on tokens with clip-higher, without KL and bonus: what on-policy games need.
    fn default() -> Self {
        Self {
            loss_type: LossType::Dapo,
            level: Level::Token,
            epsilon_low: 0.2,
            epsilon_high: 0.28,
            delta: None,
            beta: 0.0,
            kl: KlEstimator::K3,
            kl_weight: KlWeight::Plain,
            entropy_coef: 0.0,
            top_entropy_quantile: 1.0,
            off_policy_threshold: None,
            importance: None,
            log_ratio_clamp: 20.0,
            sapo_tau_positive: 1.0,
            sapo_tau_negative: 1.05,
            legality_coef: 0.0,
        }
    }
}

/// Entropy bonus over a run: constant at first, then in a straight line to its end.
///
/// The bonus has to outlast the first gains, which a small model makes without looking at its cards, and must then give
/// way to what it has learnt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EntropySchedule {
    /// Coefficient at the start.
    pub start: f64,
    /// Coefficient at the end.
    pub end: f64,
    /// Share of the run at the start's value.
    pub hold: f64,
}

impl EntropySchedule {
    /// The same coefficient throughout.
    pub fn constant(coef: f64) -> Self {
        Self { start: coef, end: coef, hold: 1.0 }
    }

    /// The coefficient when `fraction` of the run is over.
    pub fn coef(&self, fraction: f64) -> f64 {
        let fallen = ((fraction - self.hold) / (1.0 - self.hold).max(1e-9)).clamp(0.0, 1.0);
        self.start + (self.end - self.start) * fallen
    }
}

#[cfg(test)]
mod tests;
