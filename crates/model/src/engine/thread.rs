//! The thread that owns the model: takes commands in the order of their arrival, between forward passes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::module::Module;
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;
use tracing::debug;

use super::scheduler::{Limits, Scheduler};
use super::score::candidate_logprobs;
use super::stats::Counters;
use super::{Command, EngineConfig};
use crate::decoder::LanguageModel;

/// How long the queue must have been silent for the batch to be taken as complete.
const QUIET: Duration = Duration::from_micros(300);
/// Between looks at the queue while others are expected.
const POLL: Duration = Duration::from_micros(50);

pub(super) struct EngineThread {
    model: LanguageModel,
    config: EngineConfig,
    inbox: Receiver<Command>,
    counters: Arc<Counters>,
    scheduler: Scheduler,
    /// Requests of the last batch: about as many are expected to come back together.
    expected: usize,
}

impl EngineThread {
    pub(super) fn new(
        model: LanguageModel,
        version: u64,
        config: EngineConfig,
        inbox: Receiver<Command>,
        counters: Arc<Counters>,
    ) -> Self {
        let limits = Limits {
            max_sequences: config.max_rows,
            max_prefill_tokens: config.max_prefill_tokens,
            kv_memory: config.kv_memory,
        };
        let scheduler = Scheduler::new(limits, version, counters.clone());
        Self { model: prepared(model, &config), config, inbox, counters, scheduler, expected: 1 }
    }

    /// Runs until every handle is gone and everything asked is answered.
    pub(super) fn run(mut self) {
        while let Some(command) = self.inbox.blocking_recv() {
            let mut next = match command {
                Command::Generate { .. } => self.gather(command),
                other => Some(other),
            };
            // New weights wait until what was asked before them is answered, and what comes after them waits for them.
            while !self.scheduler.is_idle() || next.is_some() {
                match next.take() {
                    Some(command @ Command::SetModel { .. }) if !self.scheduler.is_idle() => {
                        next = Some(command)
                    }
                    Some(command) => self.timed(|this| this.handle(command)),
                    None => {}
                }
                if !self.scheduler.is_idle() {
                    self.timed(|this| this.scheduler.step(&this.model));
                }
                while next.is_none() && self.scheduler.n_waiting() < self.config.max_rows {
                    match self.inbox.try_recv() {
                        Ok(command @ Command::Generate { .. }) if !self.scheduler.is_idle() => {
                            self.handle(command)
                        }
                        Ok(command @ Command::Generate { .. }) => next = self.gather(command),
                        Ok(other) => next = Some(other),
                        Err(_) => break,
                    }
                }
            }
        }
    }

    fn timed(&mut self, work: impl FnOnce(&mut Self)) {
        let started = Instant::now();
        work(self);
        self.counters.add_busy(started.elapsed());
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Generate { request, reply, span } => {
                if !reply.is_closed() {
                    self.scheduler.submit(&self.model, request, reply, span);
                }
            }
            Command::Score { requests, reply, span } => {
                if !reply.is_closed() {
                    let max_tokens = self.config.max_prefill_tokens;
                    let scores = span.in_scope(|| candidate_logprobs(&self.model, &requests, max_tokens));
                    let _ = reply.send(scores);
                }
            }
            Command::SetModel { model, version, reply } => {
                self.model = prepared(*model, &self.config);
                self.scheduler.set_version(&self.model, version);
                debug!(version, "new weights");
                let _ = reply.send(());
            }
        }
    }

    /// Takes in the requests that are queued, and waits a little for those that are about to come: the passes over
    /// many prompts cost less than many passes. The first command of another kind ends the batch and is returned.
    fn gather(&mut self, first: Command) -> Option<Command> {
        let started = Instant::now();
        let mut last_arrival = started;
        let mut n_taken = 0;
        let mut next = Some(first);
        while n_taken < self.config.max_rows {
            match next.take().map_or_else(|| self.inbox.try_recv(), Ok) {
                Ok(command @ Command::Generate { .. }) => {
                    self.handle(command);
                    n_taken += 1;
                    last_arrival = Instant::now();
                }
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    let waited = started.elapsed();
                    if n_taken >= self.expected
                        || waited >= self.config.max_wait
                        || last_arrival.elapsed() >= QUIET
                    {
                        break;
                    }
                    std::thread::sleep(POLL.min(self.config.max_wait - waited));
                }
            }
        }
        self.expected = n_taken;
        next
    }
}

/// The model as the engine runs it: without autodiff, and merged if configured.
fn prepared(model: LanguageModel, config: &EngineConfig) -> LanguageModel {
    let model = model.valid();
    if config.merge_adapter && model.lora().is_some() { model.merged() } else { model }
}
