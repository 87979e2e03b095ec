//! Policies without a model: random, scripted. For tests, baselines and traffic.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use schema::TurnFinish;

use crate::seed::below;
use crate::{Candidate, Codec, Completion, Decoding, Error, Policy, PolicyError, Request};

/// Uniform over the legal actions; the draw is a function of the request's seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomPolicy;

impl Policy for RandomPolicy {
    fn name(&self) -> String {
        "random".to_owned()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>> {
        let n = request.candidates.len();
        answer(&request, |request| (n > 0).then(|| uniform(request, below(request.seed, n))))
    }
}

/// Always the same answer to the same prompt.
#[derive(Clone)]
pub struct ScriptedPolicy {
    name: String,
    script: Script,
}

/// Text of a prompt → text of a completion.
type Speech = Arc<dyn Fn(&str) -> String + Send + Sync>;

#[derive(Clone)]
enum Script {
    First,
    Last,
    Prefer(Vec<u32>),
    Says(Speech, Arc<dyn Codec>),
}

impl ScriptedPolicy {
    /// The legal action with the lowest id.
    pub fn first_legal() -> Self {
        Self { name: "first-legal".to_owned(), script: Script::First }
    }

    /// The legal action with the highest id.
    pub fn last_legal() -> Self {
        Self { name: "last-legal".to_owned(), script: Script::Last }
    }

    /// The first of `ids` that is legal, else the lowest legal one: `[1]` always calls in leduc_poker, `[2, 1]` always
    /// raises.
    pub fn prefer(ids: Vec<u32>) -> Self {
        let shown: Vec<String> = ids.iter().map(u32::to_string).collect();
        Self { name: format!("prefer:{}", shown.join(",")), script: Script::Prefer(ids) }
    }

    /// What `speech` makes of the prompt's text, legal or not.
    pub fn says(codec: Arc<dyn Codec>, speech: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self { name: "says".to_owned(), script: Script::Says(Arc::new(speech), codec) }
    }
}

impl Policy for ScriptedPolicy {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>> {
        let position =
            |request: &Request, id: u32| request.candidates.iter().position(|one| one.action_id == id);
        answer(&request, |request| {
            let chosen = match &self.script {
                Script::Says(speech, codec) => return Some(spoken(codec.as_ref(), &speech(&request.text))),
                Script::First => 0,
                Script::Last => request.candidates.len().checked_sub(1)?,
                Script::Prefer(ids) => ids.iter().find_map(|&id| position(request, id)).unwrap_or(0),
            };
            request.candidates.get(chosen).map(|candidate| certain(request, &candidate.tokens))
        })
    }
}

/// The policy called `random`, `first-legal`, `last-legal` or `prefer:ID,ID…`.
///
/// # Errors
/// [`Error::UnknownName`].
pub fn policy_by_name(name: &str) -> Result<Arc<dyn Policy>, Error> {
    let preferred = |ids: &str| ids.split(',').map(|id| id.trim().parse().ok()).collect::<Option<Vec<u32>>>();
    match (name, name.strip_prefix("prefer:").and_then(preferred)) {
        ("random", _) => Ok(Arc::new(RandomPolicy)),
        ("first-legal", _) => Ok(Arc::new(ScriptedPolicy::first_legal())),
        ("last-legal", _) => Ok(Arc::new(ScriptedPolicy::last_legal())),
        (_, Some(ids)) => Ok(Arc::new(ScriptedPolicy::prefer(ids))),
        _ => {
            let known = "`random`, `first-legal`, `last-legal`, `prefer:ID,ID…`";
            Err(Error::UnknownName { what: "policy without a model", name: name.to_owned(), known })
        }
    }
}

/// A policy that needs no waiting: refuses if nothing can be said.
fn answer<'a>(
    request: &Request,
    choose: impl FnOnce(&Request) -> Option<Completion>,
) -> BoxFuture<'a, Result<Completion, PolicyError>> {
    let refused = || PolicyError::Refused {
        n_tokens: request.prompt.len(),
        reason: "there is no legal action to choose from".to_owned(),
    };
    std::future::ready(choose(request).ok_or_else(refused)).boxed()
}

/// The candidate at `chosen`, with the log-probabilities that a uniform draw of a candidate has token by token.
fn uniform(request: &Request, chosen: usize) -> Completion {
    let tokens = &request.candidates[chosen].tokens;
    let mut completion = certain(request, tokens);
    for position in 0..tokens.len() {
        let with =
            |n: usize| request.candidates.iter().filter(|one| one.tokens.starts_with(&tokens[..n])).count();
        completion.logprobs[position] = (with(position + 1) as f32 / with(position) as f32).ln();
    }
    completion
}

/// `tokens` with certainty.
pub(crate) fn certain(request: &Request, tokens: &[u32]) -> Completion {
    let allowed: Vec<_> =
        (0..tokens.len()).map(|n| continuations(&request.candidates, &tokens[..n])).collect();
    Completion {
        token_ids: tokens.to_vec(),
        logprobs: vec![0.0; tokens.len()],
        loss_mask: allowed.iter().map(|allowed| u8::from(allowed.len() > 1)).collect(),
        allowed_tokens: if request.decoding == Decoding::Constrained { allowed } else { Vec::new() },
        finish: TurnFinish::Stop,
        policy_version: 0,
    }
}

/// Text outside the candidates.
fn spoken(codec: &dyn Codec, text: &str) -> Completion {
    let mut token_ids = codec.encode(text);
    token_ids.push(codec.end_of_turn());
    let n = token_ids.len();
    Completion {
        token_ids,
        logprobs: vec![0.0; n],
        loss_mask: vec![1; n],
        allowed_tokens: Vec::new(),
        finish: TurnFinish::Stop,
        policy_version: 0,
    }
}

/// Tokens that may follow `prefix`, ascending.
pub(crate) fn continuations(candidates: &[Candidate], prefix: &[u32]) -> Vec<u32> {
    let after = candidates.iter().filter_map(|one| one.tokens.strip_prefix(prefix)?.first().copied());
    let mut tokens: Vec<u32> = after.collect();
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

#[cfg(test)]
mod tests;
