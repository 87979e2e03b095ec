//! Tokens in, tokens out: what a player of episodes is to the rest of the system.

use futures::future::BoxFuture;
use schema::{Sampling, TurnFinish};

/// A legal action and the tokens that say it, the stop token included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The environment's id.
    pub action_id: u32,
    /// How the format writes it.
    pub tokens: Vec<u32>,
}

/// Which tokens a policy may draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoding {
    /// Any token of the vocabulary.
    Free,
    /// Only continuations of a candidate; log-probs are those of the distribution over the tokens that are left.
    Constrained,
}

/// One turn to complete.
#[derive(Clone, Debug)]
pub struct Request {
    /// The prompt. The truth for models.
    pub prompt: Vec<u32>,
    /// The same as text, for scripts and people.
    pub text: String,
    /// Legal actions with their tokens, ascending by id.
    pub candidates: Vec<Candidate>,
    /// What may be drawn.
    pub decoding: Decoding,
    /// How it is drawn.
    pub sampling: Sampling,
    /// Tokens that end the completion.
    pub stop_tokens: Vec<u32>,
    /// Key of the counter-based generator: a function of (run, group, rollout, turn). Position is the counter.
    pub seed: u64,
}

/// What a policy answers. All four lists of tokens are equally long.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// Drawn tokens, the stop token included.
    pub token_ids: Vec<u32>,
    /// Natural log-probabilities under the sampling distribution (temperature and mask applied).
    pub logprobs: Vec<f32>,
    /// 1 where there was a choice, 0 for tokens that were the only one allowed.
    pub loss_mask: Vec<u8>,
    /// Allowed tokens per position under [`Decoding::Constrained`]; empty under [`Decoding::Free`].
    pub allowed_tokens: Vec<Vec<u32>>,
    /// Why it ended.
    pub finish: TurnFinish,
    /// Weights that drew it.
    pub policy_version: u64,
}

/// A policy that cannot answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PolicyError {
    /// The engine's thread is gone; nothing will be answered any more.
    #[error("the policy has stopped: {0}")]
    Stopped(String),
    /// This request cannot be answered, others can.
    #[error("the policy refused a prompt of {n_tokens} tokens: {reason}")]
    Refused {
        /// Length of the prompt.
        n_tokens: usize,
        /// Why.
        reason: String,
    },
}

/// A player: completes prompts.
pub trait Policy: Send + Sync {
    /// Name in trajectories, e.g. `engine:nano-qwen2` or `random`.
    fn name(&self) -> String;

    /// Completes one turn. Cancel safe: dropping the future withdraws the request.
    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>>;
}
