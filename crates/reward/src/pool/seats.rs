//! Places of workers: taken by one thread at a time, filled when they are needed.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};

use crate::worker::Worker;
use crate::{Error, Isolation, PoolConfig};

/// All places of a pool.
#[derive(Debug)]
pub(super) struct Seats {
    free: Mutex<Vec<Option<Worker>>>,
    given_back: Condvar,
    n_restarts: AtomicU64,
}

/// A place that is taken; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    seats: &'a Seats,
    worker: Option<Worker>,
}

impl Seats {
    /// Places with one worker in them, and what it says about its isolation.
    pub(super) fn start(config: &PoolConfig) -> Result<(Self, Isolation), Error> {
        let first = Worker::start(config)?;
        let isolation = first.isolation().clone();
        let mut free: Vec<Option<Worker>> = (1..config.n_workers.max(1)).map(|_| None).collect();
        free.push(Some(first));
        let seats =
            Self { free: Mutex::new(free), given_back: Condvar::new(), n_restarts: AtomicU64::new(0) };
        Ok((seats, isolation))
    }

    /// A free place; waits for one.
    pub(super) fn take(&self) -> Seat<'_> {
        let mut free = self.free.lock().expect("no panic while it is held");
        loop {
            if let ControlFlow::Break(worker) = pop(&mut free) {
                return Seat { seats: self, worker };
            }
            free = self.given_back.wait(free).expect("no panic while it is held");
        }
    }

    /// Workers that had to be started again.
    pub(super) fn n_restarts(&self) -> u64 {
        self.n_restarts.load(Ordering::Relaxed)
    }
}

/// A place with a worker in it if there is one.
fn pop(free: &mut Vec<Option<Worker>>) -> ControlFlow<Option<Worker>> {
    let filled = free.iter().position(Option::is_some);
    match filled.or(free.len().checked_sub(1)) {
        Some(idx) => ControlFlow::Break(free.swap_remove(idx)),
        None => ControlFlow::Continue(()),
    }
}

impl Seat<'_> {
    /// The worker in this place, started if need be.
    pub(super) fn worker(&mut self, config: &PoolConfig) -> Result<&mut Worker, Error> {
        match &mut self.worker {
            Some(worker) => Ok(worker),
            empty => Ok(empty.insert(Worker::start(config)?)),
        }
    }

    /// Ends the worker in this place.
    pub(super) fn clear(&mut self) {
        self.worker = None;
        self.seats.n_restarts.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let worker = self.worker.take();
        self.seats.free.lock().expect("no panic while it is held").push(worker);
        self.seats.given_back.notify_one();
    }
}
