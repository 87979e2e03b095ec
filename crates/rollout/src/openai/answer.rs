//! The answer of a completions endpoint as a completion of ours.

use schema::TurnFinish;
use serde::Deserialize;
use serde_json::Value;

use crate::scripted::continuations;
use crate::{Completion, Decoding, Request};

/// How vLLM writes a token's id where a text is expected (`return_tokens_as_token_ids`).
const ID_PREFIX: &str = "token_id:";

/// One choice.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    finish_reason: Option<String>,
    token_ids: Option<Vec<u32>>,
    logprobs: Option<Logprobs>,
}

#[derive(Debug, Deserialize)]
struct Logprobs {
    #[serde(default)]
    tokens: Vec<String>,
    #[serde(default)]
    token_logprobs: Vec<Option<f32>>,
}

#[derive(Debug, Deserialize)]
struct Envelope {
    choices: Vec<Answer>,
}

impl Answer {
    /// The only choice of an answer, or what is wrong with it.
    pub(super) fn read(body: Value) -> Result<Self, String> {
        let envelope: Envelope =
            serde_json::from_value(body).map_err(|error| format!("the answer is no completion: {error}"))?;
        let n = envelope.choices.len();
        let mut choices = envelope.choices.into_iter();
        choices.next().filter(|_| n == 1).ok_or_else(|| format!("one choice is asked for, {n} came"))
    }

    /// The completion, or what is missing.
    pub(super) fn completion(self, request: &Request) -> Result<Completion, String> {
        let finish = match self.finish_reason.as_deref() {
            Some("stop") => TurnFinish::Stop,
            Some("length") => TurnFinish::Length,
            other => return Err(format!("the completion ended by `{}`", other.unwrap_or("nothing"))),
        };
        let token_ids = self.ids()?;
        let logprobs = self.logprobs.map(|logprobs| logprobs.token_logprobs).unwrap_or_default();
        let logprobs: Vec<f32> = logprobs.into_iter().collect::<Option<_>>().unwrap_or_default();
        if token_ids.is_empty() || logprobs.len() != token_ids.len() {
            let (n_ids, n) = (token_ids.len(), logprobs.len());
            return Err(format!("the server gives {n_ids} token ids and {n} log-probs; it must give both"));
        }
        if let Some(bad) = logprobs.iter().find(|value| !value.is_finite() || **value > 1e-3) {
            return Err(format!("the server gives {bad} as a log-prob"));
        }
        let (loss_mask, allowed_tokens) = masks(request, &token_ids)?;
        Ok(Completion { token_ids, logprobs, loss_mask, allowed_tokens, finish, policy_version: 0 })
    }

    /// Ids as their own field, or as vLLM writes them among the log-probs.
    fn ids(&self) -> Result<Vec<u32>, String> {
        if let Some(ids) = &self.token_ids {
            return Ok(ids.clone());
        }
        let words = self.logprobs.as_ref().map(|logprobs| logprobs.tokens.as_slice()).unwrap_or_default();
        let id = |word: &String| word.strip_prefix(ID_PREFIX)?.parse().ok();
        let ids: Option<Vec<u32>> = words.iter().map(id).collect();
        ids.filter(|ids| !ids.is_empty()).ok_or_else(|| {
            "the server gives no token ids; it must know `return_token_ids` (croupier serve, vLLM from 0.10.2, SGLang)"
                .to_owned()
        })
    }
}

/// Where there was a choice, and between which tokens.
fn masks(request: &Request, token_ids: &[u32]) -> Result<(Vec<u8>, Vec<Vec<u32>>), String> {
    if request.decoding == Decoding::Free {
        return Ok((vec![1; token_ids.len()], Vec::new()));
    }
    let allowed: Vec<Vec<u32>> =
        (0..token_ids.len()).map(|n| continuations(&request.candidates, &token_ids[..n])).collect();
    let is_legal = allowed.iter().zip(token_ids).all(|(allowed, id)| allowed.contains(id));
    if !is_legal {
        let hint = "it may not know `guided_choice`; ask for free decoding";
        return Err(format!("the server drew tokens {token_ids:?}, which are no legal action: {hint}"));
    }
    Ok((allowed.iter().map(|allowed| u8::from(allowed.len() > 1)).collect(), allowed))
}

#[cfg(test)]
mod tests;
