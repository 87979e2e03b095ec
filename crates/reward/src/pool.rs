//! The worker pool: functions in, scores out, whatever the functions do.
//!
//! A batch is cut into as many slices as there are workers; each worker takes a slice and calls one function after the
//! other. A call that does not end in time, or ends its process, costs that worker and is the function's last one.
//! Recognised stock functions never reach a worker, except for completions about which only Python can tell.

mod config;
mod part;
mod seats;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::thread;

use tracing::{debug, warn};

pub use config::PoolConfig;
pub use part::Observation;
use seats::Seats;

use crate::cache::{Cache, row_digests};
use crate::native::{self, Column, Native};
use crate::worker::Lost;
use crate::{Batch, Error, Fault, FaultKind, Function, FunctionDigest, Isolation, ScoredBy, Scores};

/// Slices shorter than this cost more than they save.
const LEAST_PART: usize = 64;

/// Python workers, and what is known about the functions that they were given.
#[derive(Debug)]
pub struct Pool {
    config: PoolConfig,
    seats: Seats,
    known: Mutex<HashMap<FunctionDigest, Known>>,
    cache: Mutex<Cache>,
    isolation: Isolation,
}

/// What is known about a function.
#[derive(Clone, Debug, Default)]
struct Known {
    native: Option<Native>,
    fault: Option<Fault>,
}

/// Counts since the pool was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Workers that had to be started again.
    pub n_restarts: u64,
    /// Functions that are not called any more.
    pub n_faulty_functions: usize,
    /// Scores in the cache.
    pub n_cached: usize,
}

impl Pool {
    /// Starts the first worker; the others start when there is work for them.
    ///
    /// # Errors
    /// [`Error::NoPython`].
    pub fn start(config: PoolConfig) -> Result<Self, Error> {
        let (seats, isolation) = Seats::start(&config)?;
        debug!(tier = %isolation.tier, python = isolation.python, "reward workers");
        let cache = Mutex::new(Cache::new(config.cache_capacity));
        Ok(Self { config, seats, known: Mutex::default(), cache, isolation })
    }

    /// How workers are isolated on this machine.
    pub fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// What has happened so far.
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            n_restarts: self.seats.n_restarts(),
            n_faulty_functions: self.known().values().filter(|known| known.fault.is_some()).count(),
            n_cached: self.cache().len(),
        }
    }

    /// The stock template that a function is computed as, if it is one.
    pub fn native_name(&self, function: &Function) -> Option<&'static str> {
        self.look_up(function).native.map(|native| native.name())
    }

    /// The scores of each function for each completion of the batch. Blocks; fails in no way but by [`Scores::faults`].
    pub fn score(&self, functions: &[Function], batch: &Batch) -> Vec<Scores> {
        let known: Vec<Known> = functions.iter().map(|function| self.look_up(function)).collect();
        let natives: Vec<&Native> = known.iter().filter_map(|known| known.native.as_ref()).collect();
        let mut columns = native::score(&natives, batch.completions()).into_iter();
        let mut results: Vec<Scores> = functions.iter().map(|_| Scores::default()).collect();
        let mut together = Vec::new();
        for (idx, function) in functions.iter().enumerate() {
            if known[idx].native.is_some() {
                let column = columns.next().expect("one for each native equivalent");
                results[idx] = self.complete_natively(column, function, batch);
            } else if self.config.cache_capacity > 0 {
                results[idx] = self.score_cached(function, batch);
            } else {
                together.push(idx);
            }
        }
        let chosen: Vec<&Function> = together.iter().map(|&idx| &functions[idx]).collect();
        for (idx, scores) in together.into_iter().zip(self.run(&chosen, batch)) {
            results[idx] = scores;
        }
        results
    }

    /// What is unsure in a native column goes to Python.
    fn complete_natively(&self, column: Column, function: &Function, batch: &Batch) -> Scores {
        let scores = self.complete(column.values, function, batch);
        Scores { by: ScoredBy::Native, busy: scores.busy + column.busy, ..scores }
    }

    fn score_cached(&self, function: &Function, batch: &Batch) -> Scores {
        let rows = row_digests(batch);
        let known = {
            let mut cache = self.cache();
            rows.iter().map(|row| cache.get(function.digest(), *row)).collect()
        };
        let scores = self.complete(known, function, batch);
        if scores.faults.is_empty() {
            let mut cache = self.cache();
            for (row, digest) in rows.into_iter().enumerate().filter(|(row, _)| !scores.missing.contains(row))
            {
                cache.insert(function.digest(), digest, scores.values[row]);
            }
        }
        scores
    }

    /// Has Python judge the rows without a value.
    fn complete(&self, values: Vec<Option<f64>>, function: &Function, batch: &Batch) -> Scores {
        let open: Vec<usize> = (0..values.len()).filter(|&row| values[row].is_none()).collect();
        let mut values: Vec<f64> = values.into_iter().map(Option::unwrap_or_default).collect();
        if open.is_empty() {
            return Scores { values, ..Scores::default() };
        }
        let whole = open.len() == values.len();
        let rest =
            if whole { self.run(&[function], batch) } else { self.run(&[function], &batch.select(&open)) };
        let rest = rest.into_iter().next().expect("one function, one result");
        open.iter().zip(&rest.values).for_each(|(&row, value)| values[row] = *value);
        let missing = rest.missing.iter().map(|&idx| open[idx]).collect();
        Scores { values, missing, ..rest }
    }

    /// Calls functions in workers, slice by slice.
    fn run(&self, functions: &[&Function], batch: &Batch) -> Vec<Scores> {
        if functions.is_empty() {
            return Vec::new();
        }
        let parts = batch.parts(self.config.n_workers, LEAST_PART);
        if let [part] = &parts[..] {
            return self.run_part(functions, batch, part.clone());
        }
        let mut whole: Vec<Scores> = functions.iter().map(|_| Scores::default()).collect();
        thread::scope(|scope| {
            let run = |part| scope.spawn(move || self.run_part(functions, batch, part));
            let threads: Vec<_> = parts.into_iter().map(run).collect();
            for thread in threads {
                let part = thread.join().expect("a worker's failure is a value");
                whole.iter_mut().zip(part).for_each(|(whole, part)| whole.append(part));
            }
        });
        whole
    }

    /// What is known about a function; a worker looks at its source the first time.
    fn look_up(&self, function: &Function) -> Known {
        if let Some(known) = self.known().get(&function.digest()) {
            return known.clone();
        }
        let native = if self.config.native { self.recognise(function) } else { None };
        self.known().entry(function.digest()).or_insert(Known { native, fault: None }).clone()
    }

    fn recognise(&self, function: &Function) -> Option<Native> {
        let mut seat = self.seats.take();
        let asked = seat.worker(&self.config).ok()?.recognise(function, self.config.load_limit);
        match asked {
            Ok(description) => Native::of_description(&description),
            Err(_) => {
                seat.clear();
                None
            }
        }
    }

    /// The fault that keeps a function from being called again.
    fn final_fault(&self, function: &Function) -> Option<Fault> {
        self.known().get(&function.digest()).and_then(|known| known.fault.clone())
    }

    fn never_again(&self, function: &Function, fault: &Fault) {
        warn!(function = function.name(), %fault, "the reward function is not called again; it scores 0");
        self.known().entry(function.digest()).or_default().fault = Some(fault.clone());
    }

    fn known(&self) -> MutexGuard<'_, HashMap<FunctionDigest, Known>> {
        self.known.lock().expect("no panic while it is held")
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().expect("no panic while it is held")
    }
}

/// What losing the worker says about the function that ran in it.
fn fault_of(lost: Lost, limit: std::time::Duration) -> Fault {
    match lost {
        Lost::TimedOut => {
            Fault { kind: FaultKind::Hangs, detail: format!("no end after {:.3} s", limit.as_secs_f64()) }
        }
        Lost::Died(how) => Fault { kind: FaultKind::Dies, detail: format!("its process ended: {how}") },
    }
}
