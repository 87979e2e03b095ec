//! The fields that both endpoints have, and what they ask of the engine.

use std::time::Instant;

use model::{GenerateRequest, Sampling};
use serde::Deserialize;
use serde_json::Value;

use crate::refusal::Refusal;
use crate::routes::App;

/// Alternatives of a token that can be asked for, as with OpenAI.
const MAX_TOP_LOGPROBS: usize = 20;
/// Stop strings of one request; OpenAI takes four.
const MAX_STOPS: usize = 16;

/// How a completion is drawn and ended. Absent and `null` are the same.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Fields {
    pub(crate) n: Option<usize>,
    pub(crate) temperature: Option<f32>,
    pub(crate) top_p: Option<f32>,
    pub(crate) top_k: Option<i64>,
    pub(crate) min_p: Option<f32>,
    pub(crate) seed: Option<i64>,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) max_completion_tokens: Option<u32>,
    pub(crate) stop: Option<OneOrMany>,
    pub(crate) stop_token_ids: Option<Vec<u32>>,
    pub(crate) ignore_eos: Option<bool>,
    pub(crate) guided_choice: Option<Vec<String>>,
    pub(crate) stream: Option<bool>,
    pub(crate) stream_options: Option<StreamOptions>,
    pub(crate) return_token_ids: Option<bool>,
    frequency_penalty: Option<f64>,
    presence_penalty: Option<f64>,
    repetition_penalty: Option<f64>,
    logit_bias: Option<Value>,
    best_of: Option<usize>,
    response_format: Option<Value>,
}

/// A string or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct StreamOptions {
    include_usage: Option<bool>,
}

impl Fields {
    /// Completions of each prompt.
    pub(crate) fn n(&self) -> usize {
        self.n.unwrap_or(1)
    }

    pub(crate) fn streams(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    pub(crate) fn includes_usage(&self) -> bool {
        self.stream_options.and_then(|options| options.include_usage).unwrap_or(false)
    }

    pub(crate) fn returns_token_ids(&self) -> bool {
        self.return_token_ids.unwrap_or(false)
    }

    pub(crate) fn stops(&self) -> Vec<String> {
        match &self.stop {
            None => Vec::new(),
            Some(OneOrMany::One(stop)) => vec![stop.clone()],
            Some(OneOrMany::Many(stops)) => stops.clone(),
        }
    }

    /// Refuses what this server cannot do and what makes no sense.
    pub(crate) fn check(&self, top_logprobs: usize) -> Result<(), Refusal> {
        let refuse = |param, message: &str| Err(Refusal::invalid(param, message));
        let neutral = |value: Option<f64>, neutral: f64| value.is_none_or(|value| value == neutral);
        match () {
            () if self.n() == 0 => refuse("n", "n is 0"),
            () if top_logprobs > MAX_TOP_LOGPROBS => {
                refuse("top_logprobs", "at most 20 of the most probable tokens")
            }
            () if self.stops().len() > MAX_STOPS => refuse("stop", "at most 16 stop strings"),
            () if self.stops().iter().any(String::is_empty) => refuse("stop", "a stop string is empty"),
            () if self.top_k.is_some_and(|top_k| top_k < -1) => refuse("top_k", "top_k is negative"),
            () if self.best_of.is_some_and(|best_of| best_of != self.n()) => {
                refuse("best_of", "best_of other than n is not supported")
            }
            () if !neutral(self.frequency_penalty, 0.0) => {
                refuse("frequency_penalty", "penalties are not supported")
            }
            () if !neutral(self.presence_penalty, 0.0) => {
                refuse("presence_penalty", "penalties are not supported")
            }
            () if !neutral(self.repetition_penalty, 1.0) => {
                refuse("repetition_penalty", "penalties are not supported")
            }
            () if self
                .logit_bias
                .as_ref()
                .is_some_and(|bias| bias.as_object().is_none_or(|b| !b.is_empty())) =>
            {
                refuse("logit_bias", "biases are not supported")
            }
            () if self.response_format.as_ref().is_some_and(|format| format["type"] != "text") => {
                refuse("response_format", "only text is supported; guided_choice restricts to given strings")
            }
            () => Ok(()),
        }
    }

    /// The request for a prompt's first completion.
    ///
    /// `default_max_tokens` is for when no number is given; `None` is all that the context has room for.
    pub(crate) fn request(
        &self,
        app: &App,
        prompt: Vec<u32>,
        default_max_tokens: Option<u32>,
        top_logprobs: usize,
    ) -> Result<GenerateRequest, Refusal> {
        let max_context = app.served.max_context;
        let (n_prompt, param) = (prompt.len(), "max_tokens");
        let room = max_context.saturating_sub(n_prompt);
        if room == 0 {
            let message = format!("the prompt has {n_prompt} tokens, the context {max_context}");
            return Err(Refusal::too_long("prompt", message));
        }
        let asked = self.max_completion_tokens.or(self.max_tokens);
        if let Some(asked) = asked.filter(|&asked| asked as usize > room) {
            let message =
                format!("{n_prompt} prompt tokens and {asked} more exceed the context of {max_context}");
            return Err(Refusal::too_long(param, message));
        }
        let max_new_tokens =
            asked.or(default_max_tokens).map_or(room, |tokens| room.min(tokens as usize)) as u32;
        if let Some(id) = prompt.iter().find(|&&id| id as usize >= app.served.vocab_size) {
            let message = format!("token {id} is outside the vocabulary of {}", app.served.vocab_size);
            return Err(Refusal::invalid("prompt", message));
        }
        let sampling = Sampling {
            temperature: self.temperature.unwrap_or(1.0),
            top_k: self.top_k.map_or(0, |top_k| u32::try_from(top_k).unwrap_or(0)),
            top_p: self.top_p.unwrap_or(1.0),
            min_p: self.min_p.unwrap_or(0.0),
            max_new_tokens,
        };
        let seed = self.seed.map_or_else(rand::random, |seed| seed as u64);
        let mut stop_tokens = self.stop_token_ids.clone().unwrap_or_default();
        if !self.ignore_eos.unwrap_or(false) {
            stop_tokens.extend(app.served.tokenizer.stop_tokens());
        }
        Ok(GenerateRequest {
            candidates: self.guided_choice.as_ref().map(|choices| candidates(app, choices)),
            stop_tokens,
            top_logprobs,
            deadline: Some(Instant::now() + app.config.deadline),
            ..GenerateRequest::new(prompt, sampling, seed)
        })
    }
}

/// The strings as tokens, each with an end, so that one may begin with another.
fn candidates(app: &App, choices: &[String]) -> Vec<Vec<u32>> {
    let tokenizer = &app.served.tokenizer;
    let with_end = |choice: &String| {
        let mut ids = tokenizer.encode(choice);
        ids.push(tokenizer.end_of_turn());
        ids
    };
    choices.iter().map(with_end).collect()
}

/// The request for the `index`th completion of a prompt: the first has the seed as given, so that it is the one of a
/// request for one.
pub(crate) fn nth(request: &GenerateRequest, index: usize) -> GenerateRequest {
    // The multiplier of a linear congruential generator of 64 bits (Knuth's MMIX): odd, so that seeds stay apart.
    let step = (index as u64).wrapping_mul(6_364_136_223_846_793_005);
    GenerateRequest { seed: request.seed.wrapping_add(step), ..request.clone() }
}
