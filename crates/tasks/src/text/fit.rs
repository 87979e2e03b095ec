//! The main phase: steps until the planned share of the time or of the examples is used up.

use std::time::Instant;

use anyhow::Result;
use games::rng::FastRng;
use train::{Learner, Progress, Schedule, ScoreSettings, Shape, Warmup};

use super::best::Gate;
use super::examples::{Example, Goal};
use crate::events::{Event, Observer, TextStepEvent};
use model::LanguageModel;
use tokio_util::sync::CancellationToken;

/// Evaluations of a run.
const EVALUATIONS: u64 = 8;
/// Share of the planned length in which the learning rate rises.
const WARMUP: f64 = 0.03;
/// What the learning rate falls to.
const LR_FLOOR: f64 = 0.1;
/// Evaluations in a row that are worse than the best by [`OVERFIT`] before the run ends.
const PATIENCE: u32 = 3;
const OVERFIT: f64 = 0.05;
/// Steps that are not finite before the run ends with what it has.
const STRIKES: u64 = 3;

/// What the main phase is to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length {
    /// Examples of a step.
    pub(super) batch: usize,
    /// Optimizer steps, if the clock does not end it first.
    pub(super) n_steps: u64,
    /// When it must be over.
    pub(super) until: Instant,
    /// Seconds of a step, as measured so far.
    pub(super) step_s: f64,
    /// Peak learning rate.
    pub(super) lr: f64,
    /// Order of the examples.
    pub(super) seed: u64,
}

/// Examples in an order of their own for each pass.
pub(crate) struct Shuffled {
    order: Vec<usize>,
    next: usize,
    rng: FastRng,
}

impl Shuffled {
    pub(crate) fn new(n: usize, seed: u64) -> Self {
        Self { order: (0..n).collect(), next: n, rng: FastRng::new(seed) }
    }

    /// The next `n` indices, over the ends of passes.
    pub(crate) fn take(&mut self, n: usize) -> Vec<usize> {
        (0..n).map(|_| self.one()).collect()
    }

    fn one(&mut self) -> usize {
        if self.next == self.order.len() {
            self.next = 0;
            for idx in (1..self.order.len()).rev() {
                self.order.swap(idx, self.rng.below(idx + 1));
            }
        }
        self.next += 1;
        self.order[self.next - 1]
    }
}

/// Trains and lets `gate` publish. Gives the number of steps.
///
/// # Errors
/// If a step fails; what was published stays.
pub(super) fn fit(
    mut learner: Learner<LanguageModel>,
    goal: &Goal,
    examples: &mut [Example],
    length: Length,
    gate: &mut Gate<'_>,
    observer: &mut dyn Observer,
    cancel: &CancellationToken,
) -> Result<u64> {
    let started = Instant::now();
    let seconds = length.until.saturating_duration_since(started).as_secs_f64();
    let schedule =
        Schedule { peak: length.lr, warmup: Warmup::Share(WARMUP), shape: Shape::Cosine, floor: LR_FLOOR };
    let mut order = Shuffled::new(examples.len(), length.seed);
    let (mut step, mut judged, mut evaluated, mut worse) = (0, 0, 0, 0);
    let mut step_s = length.step_s;
    while step < length.n_steps && !cancel.is_cancelled() {
        // A step, an evaluation and a publication must still fit.
        let needed = 1.5 * step_s + gate.eval_s + gate.publish_s;
        if Instant::now() + std::time::Duration::from_secs_f64(needed) >= length.until {
            break;
        }
        let elapsed = started.elapsed().as_secs_f64();
        let by_steps = step as f64 / length.n_steps as f64;
        let fraction = by_steps.max(elapsed / seconds.max(1e-9));
        let begun = Instant::now();
        let chosen = order.take(length.batch.min(examples.len()));
        let batch = goal.prepared(chosen.iter().map(|idx| examples[*idx].clone()).collect());
        // References are kept for the next pass.
        for (idx, example) in chosen.iter().zip(&batch) {
            examples[*idx].clone_from(example);
        }
        let (parts, objective) = goal.step(batch);
        let lr = schedule.lr(Progress { step, fraction });
        let report = learner.step(&parts, objective.as_ref(), &ScoreSettings::default(), lr)?;
        step += 1;
        let wall = begun.elapsed().as_secs_f64();
        step_s = 0.8 * step_s + 0.2 * wall;
        observer.event(&Event::TextStep(TextStepEvent {
            step,
            steps: length.n_steps,
            loss: report.loss,
            lr,
            grad_norm: report.grad_norm,
            fraction,
            tokens_per_second: report.n_input_tokens as f64 / wall.max(1e-9),
            skipped: report.skipped,
        }));
        if report.n_skipped >= STRIKES {
            let message = format!("{} steps were not finite; the best so far is kept", report.n_skipped);
            observer.event(&Event::Warning { message });
            break;
        }
        let due = (fraction * EVALUATIONS as f64) as u64;
        if due > evaluated && step < length.n_steps {
            evaluated = due;
            let best = gate.best_loss();
            let loss = gate.consider(learner.model(), step, observer);
            judged = step;
            worse = if loss > best + OVERFIT * best.abs() { worse + 1 } else { 0 };
            if worse >= PATIENCE {
                break;
            }
        }
    }
    if step > judged {
        gate.consider(learner.model(), step, observer);
    }
    Ok(step)
}

#[cfg(test)]
mod tests;
