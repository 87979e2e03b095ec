//! The learning rate: short trials on the same batches from the same weights.

use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use model::{DecoderConfig, LanguageModel};
use tokio_util::sync::CancellationToken;
use train::ScoreSettings;

use super::examples::{Example, Goal, mean_and_error};
use super::{ObjectiveKind, learner};

/// From one rate to the next, outward from the first as long as it gets better; then half of that around the best.
const STRIDE: f64 = 3.0;
/// Steps of a trial.
const STEPS: (usize, usize) = (6, 24);
/// Rates as good as the best but for this share are as good, and the highest of them wins: it has further to go.
const AS_GOOD: f64 = 0.025;
/// A trial whose loss is so much above where it began is over.
const DIVERGED: f64 = 1.75;
/// How far from the first rate the search may go.
const FARTHEST: f64 = 128.0;

/// A base whose loss is above this share of a uniform guess's has learnt no language yet, and what rate its training
/// begins with: recipes are for those that have, and the search has no time to come from so far.
const KNOWS_NOTHING: f64 = 0.6;
const RATE_FROM_NOTHING: f64 = 1e-3;

/// Whether a base with this loss, in nats a token, has learnt no language yet.
pub(crate) fn knows_nothing(base_loss: f64, config: &DecoderConfig) -> bool {
    base_loss > KNOWS_NOTHING * (config.vocab_size as f64).ln()
}

/// The rate that the search begins at, for a base with this loss.
pub(crate) fn first_rate(recipe: f64, base_loss: f64, config: &DecoderConfig) -> f64 {
    if knows_nothing(base_loss, config) { recipe.max(RATE_FROM_NOTHING) } else { recipe }
}

/// What was tried and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trial {
    pub(crate) lr: f64,
    pub(crate) loss: f64,
}

/// The best learning rate found until `until`, with the trials; `start` if there is no time for three.
///
/// # Errors
/// If a step fails.
pub(crate) fn search(
    model: &LanguageModel,
    goal: &Goal,
    batches: &[Vec<Example>],
    held_out: &[Example],
    start: f64,
    (step_s, until): (f64, Instant),
    cancel: &CancellationToken,
) -> Result<(f64, Vec<Trial>)> {
    let left = |now: Instant| until.saturating_duration_since(now).as_secs_f64();
    // Five trials are worth more than long ones.
    let n_steps = (left(Instant::now()) / (5.0 * step_s).max(1e-9)) as usize;
    let n_steps = n_steps.min(STEPS.1).min(batches.len());
    if n_steps < STEPS.0 {
        return Ok((start, Vec::new()));
    }
    let mut trials: Vec<Trial> = Vec::new();
    loop {
        let lr = match next(&trials, start) {
            Some(lr) if left(Instant::now()) > n_steps as f64 * step_s && !cancel.is_cancelled() => lr,
            _ => break,
        };
        let loss = trial(model, goal, &batches[..n_steps], held_out, lr)?;
        trials.push(Trial { lr, loss });
    }
    Ok((chosen(&trials, goal.kind).unwrap_or(start), trials))
}

/// The next rate to try: the first, one above it, then beyond whichever edge is best, at last between.
fn next(trials: &[Trial], start: f64) -> Option<f64> {
    let (low, high) = trials
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), trial| (low.min(trial.lr), high.max(trial.lr)));
    let best = match trials {
        [] => return Some(start),
        [_] => return Some(STRIDE * start),
        _ => trials.iter().min_by(|a, b| a.loss.total_cmp(&b.loss))?.lr,
    };
    let is_near = |lr: &f64| lr / start <= FARTHEST && start / lr <= FARTHEST;
    let is_new = |lr: &f64| trials.iter().all(|trial| (trial.lr / lr).ln().abs() > 0.1);
    let outward = if best == high { Some(STRIDE * high) } else { (best == low).then_some(low / STRIDE) };
    let between = [STRIDE.sqrt() * best, best / STRIDE.sqrt()].into_iter().find(is_new);
    outward.filter(is_near).or(between)
}

/// Preferences collapse where the rate is too high while the training loss still falls: there the best wins.
fn chosen(trials: &[Trial], kind: ObjectiveKind) -> Option<f64> {
    let finite = || trials.iter().filter(|trial| trial.loss.is_finite());
    let best = finite().min_by(|a, b| a.loss.total_cmp(&b.loss))?;
    if kind == ObjectiveKind::Dpo {
        return Some(best.lr);
    }
    let bound = best.loss + AS_GOOD * best.loss.abs();
    finite().filter(|trial| trial.loss <= bound).map(|trial| trial.lr).reduce(f64::max)
}

/// The median of the last third of the losses, or for preferences the loss on held-out pairs; infinite if it diverged.
fn trial(
    model: &LanguageModel,
    goal: &Goal,
    batches: &[Vec<Example>],
    held_out: &[Example],
    lr: f64,
) -> Result<f64> {
    let mut learner = learner(model.clone(), goal);
    let mut losses: Vec<f64> = Vec::new();
    for (idx, batch) in batches.iter().enumerate() {
        let (parts, objective) = goal.step(goal.prepared(batch.clone()));
        // A short rise: the optimizer knows nothing in its first steps.
        let rise = (idx + 1) as f64 / 3.0;
        let report =
            learner.step(&parts, objective.as_ref(), &ScoreSettings::default(), lr * rise.min(1.0))?;
        losses.push(report.loss);
        // The first loss is that of the untouched weights.
        if !report.loss.is_finite() || report.loss > DIVERGED * losses[0] + 0.1 {
            return Ok(f64::INFINITY);
        }
    }
    if goal.kind == ObjectiveKind::Dpo {
        return Ok(mean_and_error(&goal.losses(&learner.model().valid(), held_out)).0);
    }
    let mut tail = losses.split_off(losses.len() * 2 / 3);
    tail.sort_by(f64::total_cmp);
    Ok(tail[tail.len() / 2])
}

#[cfg(test)]
mod tests;
