//! Learning rate over a run, on steps or on a share of time.

use std::str::FromStr;

use crate::Error;

/// Course after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Stays at the peak.
    Constant,
    /// Falls evenly to the floor.
    Linear,
    /// Falls along half a cosine to the floor.
    Cosine,
}

impl FromStr for Shape {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "constant" => Self::Constant,
            "linear" => Self::Linear,
            "cosine" => Self::Cosine,
            _ => {
                let expected = "constant, linear or cosine";
                return Err(Error::UnknownName { what: "schedule", value: text.to_owned(), expected });
            }
        })
    }
}

/// Length of the warm-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Warmup {
    /// Optimizer steps.
    Steps(u64),
    /// Share of the run.
    Share(f64),
}

impl Warmup {
    /// As in `[optimizer] warmup`: a share of the run below 1, steps from 1 on.
    pub fn from_setting(value: f64) -> Self {
        if value < 1.0 { Self::Share(value) } else { Self::Steps(value as u64) }
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Share of the run that is over, by steps or by time, from 0 to 1.
    pub fraction: f64,
}

impl Progress {
    /// Progress of a run of known length.
    pub fn of_steps(step: u64, n_steps: u64) -> Self {
        Self { step, fraction: step as f64 / n_steps.max(1) as f64 }
    }
}

/// A learning rate that rises evenly to its peak and then follows a [`Shape`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Highest learning rate.
    pub peak: f64,
    /// Rise to it.
    pub warmup: Warmup,
    /// Course after it.
    pub shape: Shape,
    /// Where the fall ends, as a share of the peak.
    pub floor: f64,
}

impl Schedule {
    /// The same learning rate from the first step to the last.
    pub fn constant(lr: f64) -> Self {
        Self { peak: lr, warmup: Warmup::Steps(0), shape: Shape::Constant, floor: 0.0 }
    }

    /// Learning rate of the step that follows `progress`.
    ///
    /// The warm-up is `(step + 1) / n` at steps, so that the first step already learns.
    pub fn lr(&self, progress: Progress) -> f64 {
        let fraction = progress.fraction.clamp(0.0, 1.0);
        let rise = match self.warmup {
            Warmup::Steps(n) if progress.step < n => (progress.step + 1) as f64 / n as f64,
            Warmup::Share(share) if fraction < share => (fraction / share).max(1e-2),
            _ => 1.0,
        };
        let start = match self.warmup {
            Warmup::Share(share) => share,
            Warmup::Steps(_) => 0.0,
        };
        let fallen = ((fraction - start) / (1.0 - start).max(1e-9)).clamp(0.0, 1.0);
        let height = match self.shape {
            Shape::Constant => 1.0,
            Shape::Linear => 1.0 - fallen,
            Shape::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * fallen).cos()),
        };
        self.peak * rise.min(self.floor + (1.0 - self.floor) * height)
    }
}

#[cfg(test)]
mod tests;
