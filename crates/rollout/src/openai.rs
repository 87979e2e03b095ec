//! A model behind HTTP as a policy: token ids in, token ids and log-probs out, by OpenAI's completions endpoint.
//!
//! It needs what `croupier serve`, vLLM and SGLang add to OpenAI's fields: prompts as token ids, `stop_token_ids`, and
//! `return_token_ids`. An answer without token ids is refused: text is never encoded again, for what is trained on must
//! be what was drawn.
//!
//! Deviations to know of: 1. vLLM's log-probs are those before temperature and cuts unless it runs with
//! `--logprobs-mode processed_logprobs`; at temperature 1 without cuts they are the same. 2. Under
//! [`Decoding::Constrained`] the actions are sent as `guided_choice`, which `croupier serve` draws from exactly as the
//! engine does; another server may reach the same text by other tokens, and is refused then. 3. Versions of weights are
//! unknown here and count as 0.
//!
//! # Source
//! Fields as vLLM 0.10.2 and SGLang name them; `serve::completions` is ours.

mod answer;
mod retry;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use url::Url;

use self::answer::Answer;
use self::retry::{Failure, Http};
use crate::{Codec, Completion, Decoding, Error, Policy, PolicyError, Request};

/// Where the model is, and how long to wait for it.
#[derive(Clone)]
pub struct OpenAiConfig {
    /// Base of the addresses, e.g. `http://127.0.0.1:8000/v1`.
    pub url: Url,
    /// The model's name there; absent is the first that the server lists.
    pub model: Option<String>,
    /// Sent as a bearer token.
    pub api_key: Option<String>,
    /// Time for one try of a completion, waiting in the server's queue included.
    pub timeout: Duration,
    /// Further tries after a failure that may pass.
    pub retries: u32,
    /// Before the second try; it doubles from try to try.
    pub first_pause: Duration,
    /// Requests at once; more wait here.
    pub in_flight: usize,
}

impl OpenAiConfig {
    /// Five tries within about four seconds of pauses; each may take two minutes.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            model: None,
            api_key: None,
            timeout: Duration::from_secs(120),
            retries: 4,
            first_pause: Duration::from_millis(250),
            in_flight: 256,
        }
    }
}

/// See the module.
#[derive(Clone)]
pub struct OpenAiPolicy {
    http: Arc<Http>,
    model: String,
    max_context: Option<usize>,
    codec: Arc<dyn Codec>,
    places: Arc<Semaphore>,
}

impl OpenAiPolicy {
    /// Asks the server which models it has. `codec` is the model's tokenizer: it writes actions as text.
    ///
    /// # Errors
    /// [`Error::PolicyServer`] if it does not answer, or has no such model. Cancel safe.
    pub async fn connect(config: OpenAiConfig, codec: Arc<dyn Codec>) -> Result<Self, Error> {
        let (url, wanted, in_flight) = (config.url.clone(), config.model.clone(), config.in_flight.max(1));
        let unusable = |reason: String| Error::PolicyServer { url: url.clone(), reason };
        let http = Http::new(config);
        let listed = http.exchange(Method::GET, "models", None).await;
        let listed = listed.map_err(|failure| unusable(failure.into_reason()))?;
        let models = listed["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let name = |model: &Value| model["id"].as_str().map(str::to_owned);
        let found = models.iter().find(|model| wanted.is_none() || name(model) == wanted);
        let Some((found, model)) = found.and_then(|found| Some((found, name(found)?))) else {
            let names: Vec<String> = models.iter().filter_map(name).collect();
            let wanted = wanted.unwrap_or_else(|| "any".to_owned());
            return Err(unusable(format!("no model `{wanted}` among [{}]", names.join(", "))));
        };
        let max_context = found["max_model_len"].as_u64().map(|tokens| tokens as usize);
        let places = Arc::new(Semaphore::new(in_flight));
        Ok(Self { http: Arc::new(http), model, max_context, codec, places })
    }

    /// The model's name on its server.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Tokens of a prompt and its completion, if the server says.
    pub fn max_context(&self) -> Option<usize> {
        self.max_context
    }

    fn body(&self, request: &Request) -> Value {
        let sampling = request.sampling;
        let mut body = json!({
            "model": self.model,
            "prompt": request.prompt,
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            // Servers read it as a signed number and some refuse negative ones.
            "seed": request.seed >> 1,
            "stop_token_ids": request.stop_tokens,
            "logprobs": 1,
            "return_token_ids": true,
        });
        if sampling.top_k > 0 {
            body["top_k"] = json!(sampling.top_k);
        }
        if request.decoding == Decoding::Constrained {
            let choices = request.candidates.iter().map(|one| self.codec.decode(&one.tokens));
            body["guided_choice"] = choices.collect();
        }
        body
    }

    async fn complete(&self, request: Request) -> Result<Completion, PolicyError> {
        let n_tokens = request.prompt.len();
        if request.decoding == Decoding::Constrained && request.candidates.is_empty() {
            let reason = "there is no legal action to choose from".to_owned();
            return Err(PolicyError::Refused { n_tokens, reason });
        }
        let _place = self.places.acquire().await.expect("never closed");
        let answer = self.http.exchange(Method::POST, "completions", Some(&self.body(&request))).await;
        let answer = answer.map_err(|failure| match failure {
            Failure::Passing { reason, .. } => PolicyError::Stopped(reason),
            Failure::Lasting(reason) => PolicyError::Refused { n_tokens, reason },
        })?;
        let completion = Answer::read(answer).and_then(|answer| answer.completion(&request));
        completion.map_err(|reason| PolicyError::Refused { n_tokens, reason })
    }
}

impl Policy for OpenAiPolicy {
    fn name(&self) -> String {
        format!("openai:{}", self.model)
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>> {
        self.complete(request).boxed()
    }
}
