//! Client of an OpenAI-compatible chat endpoint: one completion per call, with retries and deadlines.
//!
//! Plain HTTP only, as all endpoints of the tournament are.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tracing::debug;

use super::ApiKey;
use super::conversation::Message;
use super::stream::{Assemble, Completion, Reader};

/// Tokens of an answer, in a field of the gradients fork that its servers know.
const MAX_NEW_TOKENS: u32 = 20;
/// Of an endpoint's complaint, this much is passed on.
const MAX_COMPLAINT_CHARS: usize = 500;

/// How long the client waits for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For a connection.
    pub(crate) connect: Duration,
    /// For the reply's head, and then for each piece of it.
    pub(crate) piece: Duration,
    /// Before the second try; it doubles from try to try.
    pub(crate) first_pause: Duration,
    /// Between tries at most.
    pub(crate) longest_pause: Duration,
    /// Calls for one answer at most.
    pub(crate) tries: u32,
}

impl Default for Patience {
    /// The original's.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            piece: Duration::from_secs(30),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(32),
            tries: 10,
        }
    }
}

/// Who is asked, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct LlmSettings<'a> {
    pub(super) base_url: &'a str,
    pub(super) api_key: Option<&'a ApiKey>,
    pub(super) model: &'a str,
    pub(super) temperature: Option<f64>,
    pub(super) seed: u64,
}

/// The client.
#[derive(Debug)]
pub(super) struct Llm {
    http: reqwest::Client,
    patience: Patience,
}

/// Why one try gave no completion.
enum Failure {
    /// Another try may do better.
    Passing(String),
    /// It will not.
    Lasting(String),
}

impl Llm {
    pub(super) fn new(patience: Patience) -> Self {
        let http = reqwest::Client::builder()
            .connect_timeout(patience.connect)
            .build()
            .expect("a client without TLS or proxies of its own has nothing to fail at");
        Self { http, patience }
    }

    /// The answer to a conversation, streamed. Cancel safe.
    ///
    /// # Errors
    /// As [`Llm::exchange`].
    pub(super) async fn complete(
        &self,
        settings: &LlmSettings<'_>,
        messages: &[Message],
    ) -> Result<Completion, String> {
        let LlmSettings { base_url, api_key, .. } = *settings;
        self.exchange::<Reader>(base_url, api_key, &body(settings, messages)).await
    }

    /// The answer to a request, put together by `A`. Cancel safe.
    ///
    /// # Errors
    /// What went wrong at the last try, or at a try that the endpoint refused as such (4xx).
    pub(super) async fn exchange<A: Assemble>(
        &self,
        base_url: &str,
        api_key: Option<&ApiKey>,
        body: &Value,
    ) -> Result<A::Answer, String> {
        let mut pause = self.patience.first_pause;
        let mut n_tries = 1;
        loop {
            let problem = match self.attempt::<A>(self.request(base_url, api_key, body)).await {
                Ok(completion) => return Ok(completion),
                Err(Failure::Lasting(problem)) => return Err(problem),
                Err(Failure::Passing(problem)) if n_tries >= self.patience.tries => {
                    return Err(format!("API call failed after {n_tries} retries: {problem}"));
                }
                Err(Failure::Passing(problem)) => problem,
            };
            debug!(n_tries, problem, "the LLM did not answer");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.patience.longest_pause);
            n_tries += 1;
        }
    }

    async fn attempt<A: Assemble>(&self, request: RequestBuilder) -> Result<A::Answer, Failure> {
        let mut response = self.within(request.send()).await?;
        let status = response.status();
        if !status.is_success() {
            let complaint = self.within(response.text()).await.unwrap_or_default();
            return Err(refused(status, &complaint));
        }
        let mut reader = A::default();
        while !reader.is_done() {
            let Some(piece) = self.within(response.chunk()).await? else {
                break;
            };
            reader.push(&piece).map_err(|error| Failure::Passing(error.0))?;
        }
        reader.finish().map_err(|error| Failure::Passing(error.0))
    }

    fn request(&self, base_url: &str, api_key: Option<&ApiKey>, body: &Value) -> RequestBuilder {
        let url = format!("{}/chat/completions", base_url.trim_end_matches('/'));
        let request = self.http.post(url).json(body);
        match api_key {
            Some(ApiKey(key)) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Waits for a step of an exchange.
    async fn within<T>(&self, step: impl Future<Output = Result<T, reqwest::Error>>) -> Result<T, Failure> {
        match tokio::time::timeout(self.patience.piece, step).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) if error.is_builder() => Err(Failure::Lasting(chain(&error))),
            Ok(Err(error)) => Err(Failure::Passing(chain(&error))),
            Err(_) => {
                let seconds = self.patience.piece.as_secs_f64();
                Err(Failure::Passing(format!("nothing was received for {seconds} s")))
            }
        }
    }
}

fn body(settings: &LlmSettings<'_>, messages: &[Message]) -> Value {
    let mut body = json!({
        "model": settings.model,
        "messages": messages,
        "stream": true,
        "stream_options": { "include_usage": true },
        "seed": settings.seed,
        "max_new_tokens": MAX_NEW_TOKENS,
    });
    if let Some(temperature) = settings.temperature {
        body["temperature"] = json!(temperature);
    }
    body
}

fn refused(status: StatusCode, complaint: &str) -> Failure {
    let complaint: String = complaint.chars().take(MAX_COMPLAINT_CHARS).collect();
    let problem = format!("API error {}: {complaint}", status.as_u16());
    if status.is_server_error() { Failure::Passing(problem) } else { Failure::Lasting(problem) }
}

/// An error with its causes, which say what a person needs to know.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
