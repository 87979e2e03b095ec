//! The sampling engine: one thread owns the weights, async code asks it by commands.
//!
//! A request joins those that are being completed at any step, and leaves them as soon as it is finished. Each draws
//! from its own counter-based generator, so that a request's tokens and log-probs do not depend on its neighbours, on
//! when they came, or on what is in the cache. [`generate_batch`] and [`candidate_logprobs`] are the same computations
//! for callers that own a model and a thread.
//!
//! It knows no text: who wants a completion to end at a string reads its [`TokenStream`] and drops it there.

mod generate;
mod logits;
mod reply;
mod request;
mod sampler;
mod scheduler;
mod score;
mod seen;
mod sequence;
mod slab;
mod slots;
mod stats;
mod thread;
mod trie;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tracing::Span;

pub use generate::generate_batch;
pub use reply::{Event, Token, TokenStream};
pub use request::{Finish, GenerateRequest, Generation, Sampling, ScoreRequest};
pub use score::candidate_logprobs;
pub use stats::EngineStats;

use crate::decoder::LanguageModel;
use crate::{Error, Result};
use reply::Reply;
use stats::Counters;

/// Limits of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Requests that wait to be read by the thread; senders wait beyond that.
    pub queue: usize,
    /// Sequences that are completed together.
    pub max_rows: usize,
    /// Prompt tokens, padding included, that go through the model between two draws of the running sequences; bounds
    /// their wait and the memory of a prefill.
    pub max_prefill_tokens: usize,
    /// Memory of the keys and values in bytes: of running sequences, and of what earlier prompts have left.
    pub kv_memory: usize,
    /// The longest that a request waits for others to join it, while there is nothing to do.
    pub max_wait: Duration,
    /// Fold an adapter into the weights when a model is handed over: the same function up to rounding, and faster.
    pub merge_adapter: bool,
}

impl Default for EngineConfig {
    /// 2 ms is well under an environment step; 256 rows are all episodes of a default training step; 4 GiB are 80
    /// sequences of 2,048 tokens of a model with half a billion weights.
    fn default() -> Self {
        Self {
            queue: 1024,
            max_rows: 256,
            max_prefill_tokens: 32_768,
            kv_memory: 4 << 30,
            max_wait: Duration::from_millis(2),
            merge_adapter: true,
        }
    }
}

/// A handle on the engine's thread. The thread ends when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Engine {
    commands: mpsc::Sender<Command>,
    counters: Arc<Counters>,
}

#[derive(Debug)]
enum Command {
    Generate { request: GenerateRequest, reply: Reply, span: Span },
    Score { requests: Vec<ScoreRequest>, reply: oneshot::Sender<Result<Vec<Vec<f32>>>>, span: Span },
    SetModel { model: Box<LanguageModel>, version: u64, reply: oneshot::Sender<()> },
}

impl Engine {
    /// Starts the thread with a model; its weights are used without autodiff.
    ///
    /// # Panics
    /// If the operating system cannot start a thread.
    pub fn spawn(model: LanguageModel, version: u64, config: EngineConfig) -> (Self, JoinHandle<()>) {
        let (commands, inbox) = mpsc::channel(config.queue);
        let counters = Arc::new(Counters::default());
        let thread = thread::EngineThread::new(model, version, config, inbox, counters.clone());
        let handle = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || thread.run())
            .expect("a thread can be started at startup");
        (Self { commands, counters }, handle)
    }

    /// Completes a prompt.
    ///
    /// Cancel safe: dropping the future withdraws the request.
    ///
    /// # Errors
    /// [`Error::Refused`] for this request, [`Error::EngineStopped`] for good.
    pub async fn generate(&self, request: GenerateRequest) -> Result<Generation> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Generate { request, reply: Reply::Whole(reply), span: Span::current() }).await?;
        answer.await.map_err(|_| Error::EngineStopped)?
    }

    /// Completes a prompt token by token; the stream gives each token as it is drawn.
    ///
    /// Cancel safe: dropping the future or the stream withdraws the request.
    ///
    /// # Errors
    /// [`Error::EngineStopped`]; the stream gives the rest.
    pub async fn stream(&self, request: GenerateRequest) -> Result<TokenStream> {
        let (reply, stream) = Reply::stream(request.longest());
        self.send(Command::Generate { request, reply, span: Span::current() }).await?;
        Ok(stream)
    }

    /// Log-probabilities of whole candidates under constrained decoding; see [`candidate_logprobs`].
    ///
    /// Cancel safe: dropping the future withdraws the request.
    ///
    /// # Errors
    /// As [`Engine::generate`].
    pub async fn candidate_logprobs(&self, requests: Vec<ScoreRequest>) -> Result<Vec<Vec<f32>>> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Score { requests, reply, span: Span::current() }).await?;
        answer.await.map_err(|_| Error::EngineStopped)?
    }

    /// Hands over new weights. Requests sent before are answered by the old ones, requests sent after by the new ones.
    ///
    /// Weights are shared, not copied; only an adapter that is to be merged makes new ones.
    ///
    /// # Errors
    /// [`Error::EngineStopped`].
    pub async fn set_model(&self, model: LanguageModel, version: u64) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::SetModel { model: Box::new(model), version, reply }).await?;
        answer.await.map_err(|_| Error::EngineStopped)
    }

    /// True while the thread answers.
    pub fn is_running(&self) -> bool {
        !self.commands.is_closed()
    }

    /// What the engine has done so far.
    pub fn stats(&self) -> EngineStats {
        self.counters.snapshot()
    }

    async fn send(&self, command: Command) -> Result<()> {
        self.commands.send(command).await.map_err(|_| Error::EngineStopped)
    }
}

#[cfg(test)]
mod tests;
