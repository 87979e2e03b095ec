//! The in-process engine as a player of episodes.

use futures::future::BoxFuture;
use model::{Engine, Finish, GenerateRequest, Generation};
use rollout::{Completion, Decoding, Policy, PolicyError, Request};
use schema::TurnFinish;

/// Plays with the weights that the engine holds at the moment.
#[derive(Clone, Debug)]
pub struct EnginePolicy {
    engine: Engine,
    name: String,
}

impl EnginePolicy {
    /// A policy that is called `engine:NAME` in trajectories.
    pub fn new(engine: Engine, name: &str) -> Self {
        Self { engine, name: format!("engine:{name}") }
    }

    /// The engine, to hand new weights to.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl Policy for EnginePolicy {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>> {
        Box::pin(async move {
            let answer = self.engine.generate(engine_request(request)).await;
            answer.map(completion).map_err(policy_error)
        })
    }
}

fn engine_request(request: Request) -> GenerateRequest {
    let Request { prompt, candidates, decoding, sampling, stop_tokens, seed, .. } = request;
    let candidates = match decoding {
        Decoding::Free => None,
        Decoding::Constrained => Some(candidates.into_iter().map(|candidate| candidate.tokens).collect()),
    };
    let sampling = model::Sampling {
        temperature: sampling.temperature,
        top_k: sampling.top_k,
        top_p: sampling.top_p,
        min_p: 0.0,
        max_new_tokens: sampling.max_new_tokens,
    };
    GenerateRequest { candidates, stop_tokens, ..GenerateRequest::new(prompt, sampling, seed) }
}

fn completion(generation: Generation) -> Completion {
    Completion {
        token_ids: generation.token_ids,
        logprobs: generation.logprobs,
        loss_mask: generation.loss_mask,
        allowed_tokens: generation.allowed_tokens,
        finish: if generation.finish == Finish::Stop { TurnFinish::Stop } else { TurnFinish::Length },
        policy_version: generation.version,
    }
}

fn policy_error(error: model::Error) -> PolicyError {
    match error {
        model::Error::Refused { n_tokens, reason } => PolicyError::Refused { n_tokens, reason },
        other => PolicyError::Stopped(other.to_string()),
    }
}
