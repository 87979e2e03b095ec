//! Counters of an engine, written by its thread and read by anyone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What an engine has done since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EngineStats {
    /// Completions delivered.
    pub requests: u64,
    /// Rounds of at most one pass over prompts and one over running sequences.
    pub steps: u64,
    /// Prompt tokens that the requests had.
    pub prompt_tokens: u64,
    /// Prompt tokens that went through the model: the same prompt goes once.
    pub prefill_tokens: u64,
    /// Prompt tokens that did not, because an earlier prompt had left their keys and values, or its logits.
    pub cached_tokens: u64,
    /// Tokens of the completions, forced ones included.
    pub completion_tokens: u64,
    /// Time in passes over prompts.
    pub prefill_time: Duration,
    /// Time in passes over running sequences.
    pub decode_time: Duration,
    /// Time spent on commands of any kind; the rest is waiting.
    pub busy_time: Duration,
}

impl EngineStats {
    /// Prompt tokens computed per second of prefill.
    pub fn prefill_tokens_per_second(&self) -> f64 {
        rate(self.prefill_tokens, self.prefill_time)
    }

    /// Completion tokens per second of all computing.
    pub fn completion_tokens_per_second(&self) -> f64 {
        rate(self.completion_tokens, self.busy_time)
    }
}

fn rate(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    steps: AtomicU64,
    prompt_tokens: AtomicU64,
    prefill_tokens: AtomicU64,
    cached_tokens: AtomicU64,
    completion_tokens: AtomicU64,
    prefill_ns: AtomicU64,
    decode_ns: AtomicU64,
    busy_ns: AtomicU64,
}

impl Counters {
    /// A request is answered.
    pub(super) fn add_answer(&self, prompt_tokens: usize, completion_tokens: usize) {
        add(&self.requests, 1);
        add(&self.prompt_tokens, prompt_tokens);
        add(&self.completion_tokens, completion_tokens);
    }

    /// Tokens of prompts went through the model.
    pub(super) fn add_prefill(&self, tokens: usize) {
        add(&self.prefill_tokens, tokens);
    }

    /// Tokens of a prompt were found in the cache.
    pub(super) fn add_cached(&self, tokens: usize) {
        add(&self.cached_tokens, tokens);
    }

    pub(super) fn add_step(&self, prefill: Duration, decode: Duration) {
        add(&self.steps, 1);
        add_time(&self.prefill_ns, prefill);
        add_time(&self.decode_ns, decode);
    }

    pub(super) fn add_busy(&self, time: Duration) {
        add_time(&self.busy_ns, time);
    }

    pub(super) fn snapshot(&self) -> EngineStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let time = |counter: &AtomicU64| Duration::from_nanos(count(counter));
        EngineStats {
            requests: count(&self.requests),
            steps: count(&self.steps),
            prompt_tokens: count(&self.prompt_tokens),
            prefill_tokens: count(&self.prefill_tokens),
            cached_tokens: count(&self.cached_tokens),
            completion_tokens: count(&self.completion_tokens),
            prefill_time: time(&self.prefill_ns),
            decode_time: time(&self.decode_ns),
            busy_time: time(&self.busy_ns),
        }
    }
}

fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Ordering::Relaxed);
}

fn add_time(counter: &AtomicU64, time: Duration) {
    counter.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
}
