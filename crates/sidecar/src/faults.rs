//! Injected faults: latency, failing answers, closed connections, answers that never come.
//!
//! The fate of a request depends only on the fault seed and on (task_id, seed, number of the call in its episode), so
//! that a rerun meets the same ones whatever the order of arrival.

use std::str::FromStr;
use std::time::Duration;

use games::rng::FastRng;

use crate::{Error, chance};

/// Longest injected delay; the tails of the distributions have no end of their own.
const MAX_DELAY_MS: f64 = 600_000.0;

/// Distribution of the time that is added to every reply.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Latency {
    /// Nothing is added.
    #[default]
    None,
    /// Always the same, in milliseconds.
    Constant(f64),
    /// Exponential with this mean in milliseconds.
    Exponential(f64),
    /// Log-normal.
    LogNormal {
        /// Median in milliseconds.
        median: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
}

impl FromStr for Latency {
    type Err = Error;

    /// Reads `const:MS`, `exp:MS` or `lognormal:MEDIAN_MS,SIGMA`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Latency(text.to_owned());
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        let values: Vec<f64> =
            rest.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
        if values.iter().any(|value| !(value.is_finite() && *value >= 0.0)) {
            return Err(wrong());
        }
        match (kind, values.as_slice()) {
            ("const", &[ms]) => Ok(Self::Constant(ms)),
            ("exp", &[mean]) => Ok(Self::Exponential(mean)),
            ("lognormal", &[median, sigma]) => Ok(Self::LogNormal { median, sigma }),
            _ => Err(wrong()),
        }
    }
}

impl Latency {
    fn draw(self, random: &mut FastRng) -> Duration {
        let ms = match self {
            Self::None => 0.0,
            Self::Constant(ms) => ms,
            Self::Exponential(mean) => -mean * (1.0 - random.unit()).ln(),
            Self::LogNormal { median, sigma } => median * (sigma * normal(random)).exp(),
        };
        Duration::from_secs_f64(ms.min(MAX_DELAY_MS) / 1000.0)
    }
}

/// What happens to requests. The rates are shares of all requests, see [`Faults::check`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Added to every reply.
    pub latency: Latency,
    /// Answered with HTTP 500; the game does not move.
    pub error_rate: f64,
    /// Connection closed without a reply; every other time the game has moved all the same.
    pub drop_rate: f64,
    /// Never answered; the game does not move.
    pub hang_rate: f64,
    /// Other seed, other requests.
    pub seed: u64,
}

/// Fate of one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fate {
    /// Waits this long first.
    pub delay: Duration,
    /// Then this happens.
    pub outcome: Outcome,
}

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is answered.
    Serve,
    /// It is refused with HTTP 500.
    Fail,
    /// The connection closes before the game moves.
    DropBefore,
    /// The game moves, then the connection closes.
    DropAfter,
    /// Nothing happens any more.
    Hang,
}

impl Faults {
    /// Does nothing if the rates can be met. [`crate::serve`] asks it too.
    ///
    /// # Errors
    /// [`Error::FaultRates`] if one is no number from 0 to 1, or if they sum to more than 1.
    pub fn check(&self) -> Result<(), Error> {
        let rates = [self.error_rate, self.drop_rate, self.hang_rate];
        let are_shares = rates.iter().all(|rate| (0.0..=1.0).contains(rate));
        // Three decimal fractions that make 1 on paper may exceed it by rounding.
        if are_shares && rates.iter().sum::<f64>() <= 1.0 + f64::EPSILON {
            Ok(())
        } else {
            Err(Error::FaultRates(*self))
        }
    }

    /// Fate of call number `turn` (0 is the reset) of an episode.
    pub fn fate(&self, task_id: u64, seed: u64, turn: u64) -> Fate {
        let mut random = FastRng::new(chance::mix_all(&[self.seed, task_id, seed, turn]));
        let (which, side) = (random.unit(), random.unit());
        let outcome = if which < self.hang_rate {
            Outcome::Hang
        } else if which < self.hang_rate + self.error_rate {
            Outcome::Fail
        } else if which < self.hang_rate + self.error_rate + self.drop_rate {
            if side < 0.5 { Outcome::DropBefore } else { Outcome::DropAfter }
        } else {
            Outcome::Serve
        };
        Fate { delay: self.latency.draw(&mut random), outcome }
    }
}

/// Standard normal, by Box and Muller.
fn normal(random: &mut FastRng) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.unit()).cos()
}

#[cfg(test)]
mod tests;
