//! The one clock of a run. It starts with the process and is never extended.

use std::time::{Duration, Instant};

use crate::BadInput;

/// Share of the time that is kept for the last publication, unless `[budget] reserve` says otherwise.
const RESERVE_SHARE: f64 = 0.05;
/// Bounds of that reserve in seconds: writing a small adapter takes a moment, a large one minutes on a slow disk.
const RESERVE_BOUNDS_S: (f64, f64) = (3.0, 180.0);

/// When a run has to be over, and how much of that is kept for handing over.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    start: Instant,
    total: Option<Duration>,
    reserve: Duration,
}

impl Deadline {
    /// `hours` from `start`, with a reserve for the last publication.
    ///
    /// # Errors
    /// [`BadInput`] unless `hours` is positive and finite.
    pub fn after_hours(start: Instant, hours: f64, reserve_s: Option<f64>) -> Result<Self, BadInput> {
        if !(hours.is_finite() && hours > 0.0) {
            return Err(BadInput::new(
                format!("the time to train is {hours} hours"),
                "--hours-to-complete takes a positive number, e.g. 0.75",
            ));
        }
        let seconds = hours * 3600.0;
        let reserve =
            reserve_s.unwrap_or((seconds * RESERVE_SHARE).clamp(RESERVE_BOUNDS_S.0, RESERVE_BOUNDS_S.1));
        let reserve = Duration::from_secs_f64(reserve.clamp(0.0, seconds * 0.5));
        Ok(Self { start, total: Some(Duration::from_secs_f64(seconds)), reserve })
    }

    /// No deadline: the number of steps ends the run.
    pub fn none(start: Instant) -> Self {
        Self { start, total: None, reserve: Duration::ZERO }
    }

    /// Since the start of the process.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// When training has to stop so that the reserve is left; `None` without a deadline.
    pub fn stop_training_at(&self) -> Option<Instant> {
        self.total.map(|total| self.start + total.saturating_sub(self.reserve))
    }

    /// Share of the time for training that is gone, 0 to 1; `None` without a deadline.
    pub fn fraction(&self) -> Option<f64> {
        let usable = self.total?.saturating_sub(self.reserve).as_secs_f64();
        Some((self.elapsed().as_secs_f64() / usable.max(1e-9)).min(1.0))
    }

    /// True once only the reserve is left.
    pub fn is_over(&self) -> bool {
        self.stop_training_at().is_some_and(|at| Instant::now() >= at)
    }
}

#[cfg(test)]
mod tests;
