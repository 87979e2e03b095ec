//! Circuit breaker of one sidecar: a state machine without clocks and without I/O.
//!
//! Closed → (failures in a row) → open → (cool-down over) → half open → (probe) → closed or open again. The cool-down
//! doubles until a real request succeeds, so that a sidecar whose `/health` answers while its games hang is not
//! trusted again and again. Such a success, of an episode that was open before, closes it at once.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// Whether a sidecar is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum BreakerState {
    /// It is used.
    Closed,
    /// It is not used until a probe succeeds.
    Open {
        /// Why.
        reason: String,
    },
    /// It is being probed.
    HalfOpen {
        /// Why it was opened.
        reason: String,
    },
    /// A person took it out.
    Blocked {
        /// Why.
        reason: String,
    },
}

#[derive(Debug)]
enum State {
    Closed,
    Open { probe_at: Instant },
    HalfOpen,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Breaker {
    trip_after: u32,
    cool_down: Duration,
    max_cool_down: Duration,
    state: State,
    reason: String,
    failures_in_row: u32,
    trips_in_row: u32,
    trips: u64,
    blocked: Option<String>,
}

impl Breaker {
    /// Open, and due for its first probe: a sidecar is used only after it has answered once.
    pub(crate) fn new(trip_after: u32, cool_down: Duration, max_cool_down: Duration, now: Instant) -> Self {
        Self {
            trip_after,
            cool_down,
            max_cool_down,
            state: State::Open { probe_at: now },
            reason: "it has not answered `health` yet".to_owned(),
            failures_in_row: 0,
            trips_in_row: 0,
            trips: 0,
            blocked: None,
        }
    }

    /// `None` if requests may be sent, else why not.
    pub(crate) fn refusal(&self) -> Option<&str> {
        match (&self.blocked, &self.state) {
            (Some(reason), _) => Some(reason),
            (None, State::Closed) => None,
            (None, State::Open { .. } | State::HalfOpen) => Some(&self.reason),
        }
    }

    /// When the next probe is due; `None` while it is closed or being probed.
    pub(crate) fn probe_at(&self) -> Option<Instant> {
        match self.state {
            State::Open { probe_at } => Some(probe_at),
            State::Closed | State::HalfOpen => None,
        }
    }

    /// A probe is on its way, if one is due at `now`.
    pub(crate) fn start_probe(&mut self, now: Instant) -> bool {
        let is_due = self.probe_at().is_some_and(|at| at <= now);
        if is_due {
            self.state = State::HalfOpen;
        }
        is_due
    }

    /// The probe was answered.
    pub(crate) fn probe_succeeded(&mut self) {
        self.state = State::Closed;
        self.failures_in_row = 0;
    }

    /// The probe failed: open for longer, unless a request has closed it meanwhile.
    pub(crate) fn probe_failed(&mut self, reason: String, now: Instant) {
        if matches!(self.state, State::HalfOpen) {
            self.open(reason, now);
        }
    }

    /// A request was answered. Returns true if this closes the breaker.
    pub(crate) fn succeeded(&mut self) -> bool {
        self.failures_in_row = 0;
        self.trips_in_row = 0;
        let was_closed = matches!(self.state, State::Closed);
        self.state = State::Closed;
        !was_closed
    }

    /// A request failed in a way that blames the sidecar. Returns true if this opens the breaker.
    pub(crate) fn failed(&mut self, reason: &str, now: Instant) -> bool {
        self.failures_in_row += 1;
        if !matches!(self.state, State::Closed) || self.failures_in_row < self.trip_after {
            return false;
        }
        self.trips += 1;
        self.open(format!("{} requests in a row failed, the last one: {reason}", self.failures_in_row), now);
        true
    }

    /// Takes the sidecar out, or back in with `None`.
    pub(crate) fn block(&mut self, reason: Option<String>) {
        self.blocked = reason;
    }

    /// How often it opened.
    pub(crate) fn trips(&self) -> u64 {
        self.trips
    }

    /// For people.
    pub(crate) fn snapshot(&self) -> BreakerState {
        let reason = self.reason.clone();
        match (&self.blocked, &self.state) {
            (Some(reason), _) => BreakerState::Blocked { reason: reason.clone() },
            (None, State::Closed) => BreakerState::Closed,
            (None, State::Open { .. }) => BreakerState::Open { reason },
            (None, State::HalfOpen) => BreakerState::HalfOpen { reason },
        }
    }

    fn open(&mut self, reason: String, now: Instant) {
        let doublings = self.trips_in_row.min(16);
        self.trips_in_row += 1;
        let pause = self.cool_down.saturating_mul(1 << doublings).min(self.max_cool_down);
        self.state = State::Open { probe_at: now + pause };
        self.reason = reason;
    }
}

#[cfg(test)]
mod tests;
