//! One sidecar of a pool: its client behind an in-flight limit, a breaker and counters.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::breaker::Breaker;
use crate::stats::{Counters, SidecarStats, count};
use crate::{BreakerState, Client, Error, PoolConfig};

/// Which requests a sidecar that is not used still gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// None of this kind: new episodes, and `/stop`, which would only hold up the reaper.
    IfUsed,
    /// This one: an open episode has nowhere else to go, and its success is the best sign of life.
    Always,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) client: Client,
    pub(crate) counters: Counters,
    in_flight: Semaphore,
    breaker: Mutex<Breaker>,
    /// Wakes the prober when the breaker opens.
    tripped: Notify,
    /// Wakes those who wait for a place whenever the sidecar becomes usable or stops being it.
    changed: Arc<Notify>,
}

impl Member {
    pub(crate) fn new(client: Client, config: &PoolConfig, changed: Arc<Notify>) -> Self {
        let now = Instant::now();
        let mut breaker = Breaker::new(config.trip_after.max(1), config.cool_down, config.max_cool_down, now);
        let is_blocked = |url: &url::Url| url.as_str().trim_end_matches('/') == client.url().as_ref();
        if config.blocked.iter().any(is_blocked) {
            breaker.block(Some("it is on the block list".to_owned()));
        }
        Self {
            counters: Counters::default(),
            in_flight: Semaphore::new(config.in_flight.max(1)),
            breaker: Mutex::new(breaker),
            tripped: Notify::new(),
            changed,
            client,
        }
    }

    /// Sends one request when the in-flight limit lets it. Dropping the future closes the connection.
    ///
    /// The deadline of `call` starts when it is sent: what it waits for before are requests with deadlines.
    pub(crate) async fn request<T>(
        &self,
        gate: Gate,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let permit = self.in_flight.acquire().await.expect("never closed");
        if let (Gate::IfUsed, Some(reason)) = (gate, self.refusal()) {
            let error = Error::NotUsed { url: self.client.url().clone(), reason };
            self.counters.error(&error);
            return Err(error);
        }
        count(&self.counters.requests);
        let started = Instant::now();
        let answer = call.await;
        drop(permit);
        self.settle(answer.as_ref().err(), started.elapsed());
        answer
    }

    /// `None` if it can be used, else why not.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.breaker().refusal().map(str::to_owned)
    }

    pub(crate) fn is_usable(&self) -> bool {
        self.breaker().refusal().is_none()
    }

    pub(crate) fn block(&self, reason: Option<String>) {
        self.breaker().block(reason);
        self.changed.notify_waiters();
    }

    /// Waits until a probe is due and marks it as on its way.
    pub(crate) async fn probe_due(&self) {
        loop {
            let probe_at = self.breaker().probe_at();
            match probe_at {
                Some(at) => {
                    tokio::time::sleep_until(at).await;
                    if self.breaker().start_probe(Instant::now()) {
                        return;
                    }
                }
                None => self.tripped.notified().await,
            }
        }
    }

    pub(crate) fn probed(&self, answer: Result<(), Error>) {
        match answer {
            Ok(()) => {
                info!(url = %self.client.url(), "sidecar is used");
                self.breaker().probe_succeeded();
            }
            Err(error) => self.breaker().probe_failed(error.to_string(), Instant::now()),
        }
        self.changed.notify_waiters();
    }

    pub(crate) fn stats(&self, open_episodes: usize) -> SidecarStats {
        use std::sync::atomic::Ordering::Relaxed;
        let (state, trips) = {
            let breaker = self.breaker();
            (breaker.snapshot(), breaker.trips())
        };
        let counters = &self.counters;
        let quantile_ms = |q| counters.latency.quantile(q).map(|latency| latency.as_secs_f64() * 1e3);
        SidecarStats {
            url: self.client.url().to_string(),
            state,
            open_episodes,
            requests: counters.requests.load(Relaxed),
            errors: counters.errors(),
            retries: counters.retries.load(Relaxed),
            recovered_steps: counters.recovered_steps.load(Relaxed),
            trips,
            p50_ms: quantile_ms(0.5),
            p99_ms: quantile_ms(0.99),
            stopped: counters.stopped.load(Relaxed),
            stops_failed: counters.stops_failed.load(Relaxed),
            stops_dropped: counters.stops_dropped.load(Relaxed),
        }
    }

    pub(crate) fn state(&self) -> BreakerState {
        self.breaker().snapshot()
    }

    fn settle(&self, error: Option<&Error>, elapsed: Duration) {
        let Some(error) = error else {
            self.counters.latency.record(elapsed);
            if self.breaker().succeeded() {
                self.changed.notify_waiters();
            }
            return;
        };
        self.counters.error(error);
        if error.blames_sidecar() && self.breaker().failed(&error.to_string(), Instant::now()) {
            warn!(url = %self.client.url(), reason = %error, "sidecar is not used until it answers a probe");
            self.tripped.notify_one();
            self.changed.notify_waiters();
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().expect("no panic while it is held")
    }
}
