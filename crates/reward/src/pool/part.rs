//! One slice of a batch in one worker: every function in turn, faults as values.

use std::ops::Range;
use std::time::Duration;

use super::seats::Seat;
use super::{Pool, fault_of};
use crate::worker::{Lost, Reply};
use crate::{Batch, Fault, FaultKind, Function, ScoredBy, Scores};

/// What a single observed call brought; for the lab.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// The scores.
    pub scores: Scores,
    /// Characters that the function printed.
    pub n_printed: u64,
    /// What it tried: `forks`, `network`.
    pub attempts: Vec<String>,
    /// Whether it changed its arguments.
    pub mutated: bool,
}

impl Pool {
    /// Calls one function on the whole batch in one worker and watches it.
    pub fn observe(&self, function: &Function, batch: &Batch) -> Observation {
        let mut seat = self.seats.take();
        let mut has_batch = false;
        match self.call(&mut seat, &mut has_batch, function, (batch, 0..batch.len()), true) {
            Ok(reply) => Observation {
                n_printed: reply.printed,
                attempts: reply.events.clone(),
                mutated: reply.mutated,
                scores: scores(reply, batch.len()),
            },
            Err((fault, by)) => {
                Observation { scores: Scores::failed(batch.len(), fault, by), ..Observation::default() }
            }
        }
    }

    /// The scores of each function for the rows.
    pub(super) fn run_part(&self, functions: &[&Function], batch: &Batch, rows: Range<usize>) -> Vec<Scores> {
        let mut seat = self.seats.take();
        let mut has_batch = false;
        let mut score = |function: &&Function| match self.call(
            &mut seat,
            &mut has_batch,
            function,
            (batch, rows.clone()),
            false,
        ) {
            Ok(reply) => scores(reply, rows.len()),
            Err((fault, by)) => Scores::failed(rows.len(), fault, by),
        };
        functions.iter().map(&mut score).collect()
    }

    /// One call, with all that must come before it.
    fn call(
        &self,
        seat: &mut Seat<'_>,
        has_batch: &mut bool,
        function: &Function,
        (batch, rows): (&Batch, Range<usize>),
        probe: bool,
    ) -> Result<Reply, (Fault, ScoredBy)> {
        if let Some(fault) = self.final_fault(function) {
            return Err((fault, ScoredBy::Nobody));
        }
        let worker = seat.worker(&self.config).map_err(|error| {
            (Fault { kind: FaultKind::Dies, detail: error.to_string() }, ScoredBy::Nobody)
        })?;
        let (load_limit, time_limit) = (self.config.load_limit, self.config.time_limit);
        match worker.load(function, load_limit) {
            Ok(None) => {}
            Ok(Some(fault)) => {
                self.never_again(function, &fault);
                return Err((fault, ScoredBy::Python));
            }
            Err(lost) => return Err(self.lost(seat, has_batch, function, (lost, load_limit))),
        }
        if !*has_batch && worker.set_batch(batch, rows).is_ok() {
            *has_batch = true;
        }
        worker
            .call(function, probe, time_limit)
            .map_err(|lost| self.lost(seat, has_batch, function, (lost, time_limit)))
    }

    /// Ends a worker that is of no more use, and blames the function that ran in it.
    fn lost(
        &self,
        seat: &mut Seat<'_>,
        has_batch: &mut bool,
        function: &Function,
        (lost, limit): (Lost, Duration),
    ) -> (Fault, ScoredBy) {
        seat.clear();
        *has_batch = false;
        let fault = fault_of(lost, limit);
        self.never_again(function, &fault);
        (fault, ScoredBy::Python)
    }
}

/// A reply as scores of `n` completions.
fn scores(reply: Reply, n: usize) -> Scores {
    let busy = Duration::try_from_secs_f64(reply.seconds).unwrap_or_default();
    if let Some(fault) = reply.fault {
        return Scores { busy, ..Scores::failed(n, fault, ScoredBy::Python) };
    }
    if reply.values.len() != n {
        let detail = format!("the worker gave {} scores for {n} completions", reply.values.len());
        return Scores::failed(n, Fault { kind: FaultKind::Dies, detail }, ScoredBy::Python);
    }
    let missing = (0..n).filter(|&row| reply.values[row].is_none()).collect();
    let values = reply.values.into_iter().map(Option::unwrap_or_default).collect();
    Scores { values, missing, busy, ..Scores::default() }
}
