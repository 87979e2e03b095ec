//! Completing a batch of prompts in the caller's thread.

use std::sync::Arc;

use tokio::sync::oneshot;
use tracing::Span;

use super::reply::Reply;
use super::scheduler::{Limits, Scheduler};
use super::{EngineConfig, GenerateRequest, Generation};
use crate::decoder::LanguageModel;
use crate::{Error, Result};

/// Completes prompts together, in the caller's thread. A request that cannot be answered does not hinder the others.
///
/// The model must not track gradients: pass `&model.valid()`.
pub fn generate_batch(
    model: &LanguageModel,
    requests: &[GenerateRequest],
    version: u64,
) -> Vec<Result<Generation>> {
    let limits = Limits {
        max_sequences: requests.len(),
        max_prefill_tokens: EngineConfig::default().max_prefill_tokens,
        kv_memory: usize::MAX,
    };
    let mut scheduler = Scheduler::new(limits, version, Arc::default());
    let submit = |request: &GenerateRequest| {
        let (reply, answer) = oneshot::channel();
        scheduler.submit(model, request.clone(), Reply::Whole(reply), Span::none());
        answer
    };
    let answers: Vec<_> = requests.iter().map(submit).collect();
    while !scheduler.is_idle() {
        scheduler.step(model);
    }
    answers.into_iter().map(|mut answer| answer.try_recv().unwrap_or(Err(Error::EngineStopped))).collect()
}
