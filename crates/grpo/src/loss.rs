//! The GRPO family as a function of log-probs: no model, no sampling, no state.
//!
//! Source: the papers named in [`crate::LossSettings`]; conventions (order of masks, normalisers, figures) are those of
//! TRL 1.16, against which every variant is checked. Deviations: 1. log-ratios are clamped before they are
//! exponentiated; 2. normalisers are counts of the whole step, so micro-batches add up exactly.

use burn::tensor::{Tensor, activation};
use train::{LossTerms, Metric};

use crate::{KlEstimator, KlWeight, Level, LossSettings, LossType};

/// What the loss is computed from. `B` rows, `C` cells; everything is 0 where `mask` is.
#[derive(Clone, Debug)]
pub struct LossInput {
    /// Log-probs under the trained policy, with a gradient, `[B,C]`.
    pub logprobs: Tensor<2>,
    /// Entropies under it, `[B,C]`; with a gradient if there is a bonus.
    pub entropy: Tensor<2>,
    /// Log-probs under the policy that drew the tokens, `[B,C]`.
    pub old_logprobs: Tensor<2>,
    /// Log-probs under the reference, `[B,C]`.
    pub ref_logprobs: Option<Tensor<2>>,
    /// Log-probs that the sampler reported, where its numerics differ from the trainer's, `[B,C]`.
    pub sampler_logprobs: Option<Tensor<2>>,
    /// Log-probability of drawing an allowed token, `[B,C]`.
    pub legal_logmass: Option<Tensor<2>>,
    /// Advantage of the row, `[B,1]`.
    pub advantages: Tensor<2>,
    /// 1 for tokens that count, `[B,C]`.
    pub mask: Tensor<2>,
}

/// Counts of the whole step, by which parts are divided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalisers {
    /// Rows.
    pub n_rows: f64,
    /// Tokens that count.
    pub n_tokens: f64,
    /// What `dapo` and `cispo` divide by: `n_tokens`, or the count of a larger batch that the step is a part of.
    pub n_items: f64,
    /// Longest allowed completion, for `dr_grpo`.
    pub max_completion_tokens: f64,
    /// Steps whose gradients the caller adds up.
    pub accumulation_steps: f64,
    /// Optimizer steps that share `n_items`.
    pub steps_per_generation: f64,
    /// Tokens below this entropy are left out of the policy term ([`entropy_threshold`]).
    pub entropy_threshold: Option<f64>,
}

impl Normalisers {
    /// A step of `n_rows` rows with `n_tokens` tokens that stands for itself.
    pub fn new(n_rows: usize, n_tokens: usize, max_completion_tokens: usize) -> Self {
        Self {
            n_rows: n_rows as f64,
            n_tokens: n_tokens as f64,
            n_items: n_tokens as f64,
            max_completion_tokens: max_completion_tokens as f64,
            accumulation_steps: 1.0,
            steps_per_generation: 1.0,
            entropy_threshold: None,
        }
    }
}

/// The entropy from which on a token belongs to the top share `quantile`, linearly interpolated; `None` keeps all.
pub fn entropy_threshold(entropies: &[f32], quantile: f64) -> Option<f64> {
    if quantile >= 1.0 || entropies.is_empty() {
        return None;
    }
    let mut sorted = entropies.to_vec();
    sorted.sort_by(f32::total_cmp);
    let place = (1.0 - quantile) * (sorted.len() - 1) as f64;
    let (below, above) =
        (f64::from(sorted[place.floor() as usize]), f64::from(sorted[place.ceil() as usize]));
    Some(below + (above - below) * place.fract())
}

/// The loss of a micro-batch, and figures about it.
pub fn policy_loss(input: &LossInput, settings: &LossSettings, counts: &Normalisers) -> LossTerms {
    let log_ratio = log_ratio(input, settings);
    let ratio = log_ratio.exp();
    let mut terms = policy_term(input, ratio.clone(), settings);
    if let Some(threshold) = settings.off_policy_threshold {
        terms = terms * rows_kept(input, threshold);
    }
    if let Some(threshold) = counts.entropy_threshold {
        terms = terms * input.entropy.clone().inner().greater_equal_elem(threshold).float();
    }
    if let Some(weights) = importance_weights(input, settings) {
        terms = terms * weights;
    }
    let mut metrics = clip_metrics(input, ratio.clone().inner(), settings, counts);
    if settings.beta != 0.0 {
        let kl = kl_terms(input, settings);
        let kl = if settings.kl_weight == KlWeight::Ratio { kl * ratio } else { kl };
        metrics.push(Metric::sum("kl", token_mean(kl.clone().inner(), input, counts)));
        terms = terms + kl.mul_scalar(settings.beta);
    }
    let loss = aggregate(terms, input, settings.loss_type, counts);
    add_bonuses(loss, input, settings, counts, metrics)
}

fn add_bonuses(
    loss: Tensor<1>,
    input: &LossInput,
    settings: &LossSettings,
    counts: &Normalisers,
    mut metrics: Vec<Metric>,
) -> LossTerms {
    metrics.push(Metric::sum("entropy", token_mean(input.entropy.clone().inner(), input, counts)));
    let unscaled = loss.clone().mul_scalar(counts.accumulation_steps);
    let mut loss = loss;
    if settings.entropy_coef != 0.0 {
        metrics.push(Metric::sum("policy_loss", unscaled));
        let bonus = token_mean(input.entropy.clone(), input, counts).div_scalar(counts.accumulation_steps);
        loss = loss - bonus.mul_scalar(settings.entropy_coef);
    }
    if let Some(legal) = &input.legal_logmass {
        metrics.push(Metric::sum("legal_logmass", token_mean(legal.clone().inner(), input, counts)));
        if settings.legality_coef != 0.0 {
            let term = token_mean(legal.clone(), input, counts).div_scalar(counts.accumulation_steps);
            loss = loss - term.mul_scalar(settings.legality_coef);
        }
    }
    LossTerms { loss, metrics }
}

/// `ℓ − o`, per token `[B,C]` or its masked mean per row `[B,1]`.
fn log_ratio(input: &LossInput, settings: &LossSettings) -> Tensor<2> {
    let difference = input.logprobs.clone() - input.old_logprobs.clone();
    let log_ratio = match settings.level {
        Level::Token => difference,
        Level::Sequence => row_mean(difference, &input.mask),
    };
    log_ratio.clamp(-settings.log_ratio_clamp, settings.log_ratio_clamp)
}

/// The gated policy term, `[B,C]` or `[B,1]`.
fn policy_term(input: &LossInput, ratio: Tensor<2>, settings: &LossSettings) -> Tensor<2> {
    let advantages = input.advantages.clone();
    match settings.loss_type {
        LossType::Cispo => {
            let weight = ratio.detach().clamp_max(settings.epsilon_high);
            (weight * advantages * input.logprobs.clone()).neg()
        }
        LossType::Sapo => {
            let positive = advantages.clone().greater_elem(0.0).float();
            let tau = positive.mul_scalar(settings.sapo_tau_positive - settings.sapo_tau_negative)
                + settings.sapo_tau_negative;
            let gate = activation::sigmoid(ratio.sub_scalar(1.0) * tau.clone());
            (gate * (advantages / tau)).mul_scalar(-4.0)
        }
        _ => {
            let clipped = ratio.clone().clamp(1.0 - settings.epsilon_low, 1.0 + settings.epsilon_high);
            let ratio = match settings.delta {
                Some(delta) => ratio.clamp_max(delta),
                None => ratio,
            };
            (ratio * advantages.clone()).min_pair(clipped * advantages).neg()
        }
    }
}

/// 0 for rows that a negative advantage would push although the policy has already left them, `[B,1]`.
fn rows_kept(input: &LossInput, threshold: f64) -> Tensor<2> {
    let drift = row_mean(input.old_logprobs.clone() - input.logprobs.clone().inner(), &input.mask);
    let dropped = drift.greater_elem(threshold).float() * input.advantages.clone().lower_elem(0.0).float();
    dropped.neg().add_scalar(1.0)
}

fn importance_weights(input: &LossInput, settings: &LossSettings) -> Option<Tensor<2>> {
    let correction = settings.importance?;
    let sampler = input.sampler_logprobs.clone()?;
    let log_weight = (input.old_logprobs.clone() - sampler) * input.mask.clone();
    let log_weight = match correction.level {
        Level::Token => log_weight,
        Level::Sequence => log_weight.sum_dim(1),
    };
    Some(log_weight.clamp_max(correction.cap.ln()).exp())
}

/// The divergence from the reference, `[B,C]`.
///
/// # Panics
/// If there is no reference.
fn kl_terms(input: &LossInput, settings: &LossSettings) -> Tensor<2> {
    let reference = input.ref_logprobs.clone().expect("a KL term needs reference log-probs in every row");
    let d = reference - input.logprobs.clone();
    match settings.kl {
        KlEstimator::K1 => d.neg(),
        KlEstimator::K2 => d.square().div_scalar(2.0),
        KlEstimator::K3 => {
            let clamped = d.clone().clamp_max(settings.log_ratio_clamp);
            clamped.exp() - d - 1.0
        }
    }
}

fn aggregate(terms: Tensor<2>, input: &LossInput, loss_type: LossType, counts: &Normalisers) -> Tensor<1> {
    let mask = input.mask.clone();
    let acc = counts.accumulation_steps;
    let sum = |weights: Tensor<2>| (terms * weights).sum();
    match loss_type {
        LossType::Grpo | LossType::Sapo => {
            let lengths = mask.clone().sum_dim(1).clamp_min(1.0);
            sum(mask / lengths).div_scalar(counts.n_rows * acc)
        }
        LossType::Bnpo => sum(mask).div_scalar(counts.n_tokens * acc),
        LossType::DrGrpo => sum(mask).div_scalar(counts.n_rows * counts.max_completion_tokens * acc),
        LossType::Dapo | LossType::Cispo => {
            sum(mask).div_scalar(counts.n_items * acc / counts.steps_per_generation)
        }
        LossType::Luspo => sum(mask).div_scalar(counts.n_rows * acc),
    }
}

/// Shares of tokens (or rows, at sequence level) that the gate holds back.
fn clip_metrics(
    input: &LossInput,
    ratio: Tensor<2>,
    settings: &LossSettings,
    counts: &Normalisers,
) -> Vec<Metric> {
    let positive = input.advantages.clone().greater_elem(0.0).float();
    let ratio = settings.delta.map_or(ratio.clone(), |delta| ratio.clamp_max(delta));
    let above = |bound: f64| ratio.clone().greater_elem(bound).float() * positive.clone();
    let share = |flags: Tensor<2>| match settings.level {
        Level::Token => token_mean(flags, input, counts),
        Level::Sequence => flags.sum().div_scalar(counts.n_rows),
    };
    match settings.loss_type {
        LossType::Sapo => Vec::new(),
        LossType::Cispo => {
            vec![Metric::sum("cispo_clip_ratio", share(above(settings.epsilon_high)))]
        }
        _ => {
            let negative = input.advantages.clone().lower_elem(0.0).float();
            let low = ratio.clone().lower_elem(1.0 - settings.epsilon_low).float() * negative;
            let high = above(1.0 + settings.epsilon_high);
            let per_row = |flags: Tensor<2>| match settings.level {
                Level::Token => row_mean(flags, &input.mask),
                Level::Sequence => flags,
            };
            vec![
                Metric::min("clip_ratio/low_min", per_row(low.clone()).min()),
                Metric::max("clip_ratio/high_max", per_row(high.clone()).max()),
                Metric::sum("clip_ratio/region_mean", share(low.clone() + high.clone())),
                Metric::sum("clip_ratio/low_mean", share(low)),
                Metric::sum("clip_ratio/high_mean", share(high)),
            ]
        }
    }
}

/// `ΣM·x / ΣM` of the step; this micro-batch's part.
fn token_mean(values: Tensor<2>, input: &LossInput, counts: &Normalisers) -> Tensor<1> {
    (values * input.mask.clone()).sum().div_scalar(counts.n_tokens)
}

/// `ΣM·x / max(ΣM, 1)` per row, `[B,1]`.
fn row_mean(values: Tensor<2>, mask: &Tensor<2>) -> Tensor<2> {
    (values * mask.clone()).sum_dim(1) / mask.clone().sum_dim(1).clamp_min(1.0)
}

#[cfg(test)]
mod tests;
