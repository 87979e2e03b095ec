//! How far a run has come, by steps and by time.

use std::time::Instant;

use train::Progress;

/// Where a run ends: after so many steps, at a moment, or whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Zero of the time.
    pub started: Instant,
    /// Optimizer steps.
    pub n_steps: Option<u64>,
    /// The moment after which no step is begun.
    pub deadline: Option<Instant>,
}

impl Budget {
    /// So many steps from now.
    pub fn of_steps(n_steps: u64) -> Self {
        Self { started: Instant::now(), n_steps: Some(n_steps), deadline: None }
    }

    /// Progress after `step` steps at `now`: the larger of the shares of steps and of time.
    pub fn progress(&self, step: u64, now: Instant) -> Progress {
        let by_steps = self.n_steps.map_or(0.0, |n_steps| step as f64 / n_steps.max(1) as f64);
        let by_time = self.deadline.map_or(0.0, |deadline| {
            let whole = deadline.saturating_duration_since(self.started).as_secs_f64();
            now.saturating_duration_since(self.started).as_secs_f64() / whole.max(1e-3)
        });
        Progress { step, fraction: by_steps.max(by_time).min(1.0) }
    }

    /// True if no further step should begin.
    pub fn is_spent(&self, step: u64, now: Instant) -> bool {
        self.n_steps.is_some_and(|n_steps| step >= n_steps)
            || self.deadline.is_some_and(|deadline| now >= deadline)
    }
}

#[cfg(test)]
mod tests;
