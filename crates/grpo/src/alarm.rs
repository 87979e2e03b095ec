//! Signs that a run has stopped learning for good, while its mean reward still looks well.

/// What has gone wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Alarm {
    /// Nearly all groups have no spread: nothing is left to learn from.
    ZeroSignal {
        /// Share of such groups in the last step.
        share: f64,
    },
    /// The policy hardly draws any more.
    EntropyCollapse {
        /// Mean entropy of the last step, nats.
        entropy: f64,
    },
}

/// Watches a run's figures; an alarm needs `patience` steps in a row.
#[derive(Clone, Debug, PartialEq)]
pub struct CollapseWatch {
    /// Share of zero-signal groups from which on a step is bad.
    pub zero_signal_share: f64,
    /// Entropy below which a step is bad, nats.
    pub entropy_floor: f64,
    /// Bad steps in a row that make an alarm.
    pub patience: u32,
    zero_signal_steps: u32,
    entropy_steps: u32,
}

impl Default for CollapseWatch {
    /// Nine groups of ten without spread, or entropy below 0.02, for ten steps: the collapses seen in small games end so.
    fn default() -> Self {
        Self {
            zero_signal_share: 0.9,
            entropy_floor: 0.02,
            patience: 10,
            zero_signal_steps: 0,
            entropy_steps: 0,
        }
    }
}

impl CollapseWatch {
    /// Takes a step's figures; an alarm is given at every bad step from the `patience`-th on.
    pub fn observe(&mut self, zero_signal_share: f64, entropy: f64) -> Option<Alarm> {
        let count = |steps: u32, bad: bool| if bad { steps + 1 } else { 0 };
        self.zero_signal_steps = count(self.zero_signal_steps, zero_signal_share >= self.zero_signal_share);
        self.entropy_steps = count(self.entropy_steps, entropy < self.entropy_floor);
        if self.zero_signal_steps >= self.patience {
            Some(Alarm::ZeroSignal { share: zero_signal_share })
        } else if self.entropy_steps >= self.patience {
            Some(Alarm::EntropyCollapse { entropy })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
