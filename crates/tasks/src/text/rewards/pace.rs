//! The learning rate of rewards, by how far a step moves the policy.
//!
//! Rewards are too noisy to tell rates apart in short trials, and a recipe knows pretrained models only: for others its
//! rate may be a hundred times too low. How far a step moves the policy is seen at once and with little noise, and what
//! is a good distance depends little on the model: policies that move further between two draws learn from what they no
//! longer do.

/// Nats a token that all steps of a run together should move the policy at the highest rate, and bounds of one step's:
/// where there are few steps, each has to go further.
const RUN_NATS: f64 = 5.0;
const STEP_NATS: (f64, f64) = (0.002, 0.1);
/// The most that one step changes the rate by.
const MOST: f64 = 4.0;
/// How far the rate may come from the recipe's, down and up.
const BOUNDS: (f64, f64) = (0.1, 1000.0);

/// The peak of the schedule, corrected after every step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    recipe: f64,
    peak: f64,
}

impl Pace {
    pub(super) fn new(recipe: f64) -> Self {
        Self { recipe, peak: recipe }
    }

    pub(super) fn peak(&self) -> f64 {
        self.peak
    }

    /// A step at the rate `lr` has moved the policy by `nats` a token, in a run of about `n_steps`. The divergence grows with
    /// the square of the rate.
    pub(super) fn moved(&mut self, nats: f64, lr: f64, n_steps: f64) {
        let wanted = (RUN_NATS / n_steps).clamp(STEP_NATS.0, STEP_NATS.1);
        let nats = if nats.is_finite() { nats } else { f64::INFINITY };
        let at_peak = nats * (self.peak / lr).powi(2);
        let factor = (wanted / at_peak.max(f64::MIN_POSITIVE)).sqrt();
        let (low, high) = BOUNDS;
        self.peak = (self.peak * factor.clamp(1.0 / MOST, MOST)).clamp(low * self.recipe, high * self.recipe);
    }
}

#[cfg(test)]
mod tests;
