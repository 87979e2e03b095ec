//! The thread that owns the model: forms batches from what is queued, in the order of arrival.

use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::module::Module;
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::oneshot;
use tracing::{Span, debug, trace};

use super::generate::{Sequence, complete};
use super::score::candidate_logprobs;
use super::stats::Counters;
use super::{Command, EngineConfig, GenerateRequest, Generation};
use crate::Result;
use crate::decoder::LanguageModel;

/// How long the queue must have been silent for the batch to be taken as complete.
const QUIET: Duration = Duration::from_micros(300);
/// Between looks at the queue while others are expected.
const POLL: Duration = Duration::from_micros(50);

pub(super) struct EngineThread {
    model: LanguageModel,
    version: u64,
    config: EngineConfig,
    inbox: Receiver<Command>,
    counters: Arc<Counters>,
    /// Rows of the last batch: about as many are expected to come back together.
    expected_rows: usize,
}

/// A request with its way back.
struct Queued {
    request: GenerateRequest,
    reply: oneshot::Sender<Result<Generation>>,
    span: Span,
}

impl EngineThread {
    pub(super) fn new(
        model: LanguageModel,
        version: u64,
        config: EngineConfig,
        inbox: Receiver<Command>,
        counters: Arc<Counters>,
    ) -> Self {
        let model = prepared(model, &config);
        Self { model, version, config, inbox, counters, expected_rows: 1 }
    }

    /// Runs until every handle is gone.
    pub(super) fn run(mut self) {
        let mut carried = None;
        while let Some(command) = carried.take().or_else(|| self.inbox.blocking_recv()) {
            match command {
                Command::Generate { request, reply, span } => {
                    let first = Queued { request, reply, span };
                    let (batch, next) = self.gather(first);
                    carried = next;
                    self.timed(|this| this.answer(batch));
                }
                Command::Score { requests, reply, span } => self.timed(|this| {
                    if !reply.is_closed() {
                        let max_tokens = this.config.max_prefill_tokens;
                        let scores = span.in_scope(|| candidate_logprobs(&this.model, &requests, max_tokens));
                        let _ = reply.send(scores);
                    }
                }),
                Command::SetModel { model, version, reply } => self.timed(|this| {
                    this.model = prepared(*model, &this.config);
                    this.version = version;
                    debug!(version, "new weights");
                    let _ = reply.send(());
                }),
            }
        }
    }

    fn timed(&mut self, work: impl FnOnce(&mut Self)) {
        let started = Instant::now();
        work(self);
        self.counters.add_busy(started.elapsed());
    }

    /// Takes the requests that are queued, and waits a little for those that are about to come. The first command of
    /// another kind ends the batch and is returned: what came before a hand-over is answered before it.
    fn gather(&mut self, first: Queued) -> (Vec<Queued>, Option<Command>) {
        let started = Instant::now();
        let mut last_arrival = started;
        let mut widest = first.request.prompt.len();
        let mut batch = vec![first];
        while batch.len() < self.config.max_rows {
            match self.inbox.try_recv() {
                Ok(Command::Generate { request, reply, span }) => {
                    let next = Queued { request, reply, span };
                    widest = widest.max(next.request.prompt.len());
                    if widest * (batch.len() + 1) > self.config.max_prefill_tokens {
                        let Queued { request, reply, span } = next;
                        return (batch, Some(Command::Generate { request, reply, span }));
                    }
                    batch.push(next);
                    last_arrival = Instant::now();
                }
                Ok(other) => return (batch, Some(other)),
                Err(TryRecvError::Disconnected) => break,
                Err(TryRecvError::Empty) => {
                    let waited = started.elapsed();
                    if batch.len() >= self.expected_rows
                        || waited >= self.config.max_wait
                        || last_arrival.elapsed() >= QUIET
                    {
                        break;
                    }
                    std::thread::sleep(POLL.min(self.config.max_wait - waited));
                }
            }
        }
        (batch, None)
    }

    fn answer(&mut self, batch: Vec<Queued>) {
        let mut replies = Vec::with_capacity(batch.len());
        let mut requests = Vec::with_capacity(batch.len());
        for Queued { request, reply, span } in batch {
            if !reply.is_closed() {
                requests.push(request);
                replies.push(Some((reply, span)));
            }
        }
        self.expected_rows = requests.len().max(1);
        let mut owners = Vec::with_capacity(requests.len());
        let mut sequences = Vec::with_capacity(requests.len());
        for (idx, request) in requests.iter().enumerate() {
            match Sequence::new(request, &self.model) {
                Ok(sequence) => {
                    owners.push(idx);
                    sequences.push(sequence);
                }
                Err(error) => send(&mut replies[idx], Err(error)),
            }
        }
        let is_closed = |idx: usize| replies[owners[idx]].as_ref().is_none_or(|(reply, _)| reply.is_closed());
        let cost = complete(&self.model, &mut sequences, &mut { is_closed });
        self.counters.add_batch(&cost);
        trace!(rows = sequences.len(), prefill_tokens = cost.prefill_tokens, "batch");
        for (idx, sequence) in owners.into_iter().zip(sequences) {
            let generation = sequence.into_generation(self.version);
            self.counters.add_request(requests[idx].prompt.len(), generation.token_ids.len());
            send(&mut replies[idx], Ok(generation));
        }
    }
}

/// Sends an answer once; a caller that has gone is not an error.
fn send(slot: &mut Option<(oneshot::Sender<Result<Generation>>, Span)>, result: Result<Generation>) {
    if let Some((reply, span)) = slot.take() {
        span.in_scope(|| trace!(ok = result.is_ok(), "answered"));
        let _ = reply.send(result);
    }
}

/// The model as the engine runs it: without autodiff, and merged if configured.
fn prepared(model: LanguageModel, config: &EngineConfig) -> LanguageModel {
    let model = model.valid();
    if config.merge_adapter && model.lora().is_some() { model.merged() } else { model }
}
