//! One exchange with a model's server: deadline, bounded answer, tries again where that may help.
//!
//! A completion has no effect on the server and a seed of its own, so that asking twice is safe.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tracing::debug;
use url::Url;

use super::OpenAiConfig;

/// For a connection; it is this network's, or there is no server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer; 64 thousand tokens with their texts need a tenth.
const MAX_ANSWER: usize = 32 << 20;
/// Of a server's complaint, this much is passed on.
const MAX_COMPLAINT_CHARS: usize = 500;
/// Between two tries at most, whatever the server asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// Another try may do better, after the pause that the server asks for.
    Passing { reason: String, pause: Option<Duration> },
    /// It will not.
    Lasting(String),
}

impl Failure {
    fn passing(reason: impl Into<String>) -> Self {
        Self::Passing { reason: reason.into(), pause: None }
    }

    pub(super) fn into_reason(self) -> String {
        match self {
            Self::Passing { reason, .. } | Self::Lasting(reason) => reason,
        }
    }
}

/// The client.
pub(super) struct Http {
    client: reqwest::Client,
    base: Url,
    api_key: Option<String>,
    timeout: Duration,
    retries: u32,
    first_pause: Duration,
}

impl Http {
    pub(super) fn new(config: OpenAiConfig) -> Self {
        let OpenAiConfig { mut url, api_key, timeout, retries, first_pause, .. } = config;
        // `join` replaces what follows the last slash.
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()
            .expect("no TLS, no proxy and no resolver that could fail");
        Self { client, base: url, api_key, timeout, retries, first_pause }
    }

    /// The JSON that the server answers. Cancel safe: nothing there depends on it.
    pub(super) async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let mut pause = self.first_pause;
        let mut n_left = self.retries;
        loop {
            let attempt = self.attempt(self.request(method.clone(), path, body)?);
            let failure = match tokio::time::timeout(self.timeout, attempt).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::passing(format!("no answer within {:?}", self.timeout)),
            };
            let Failure::Passing { reason, pause: asked } = &failure else { return Err(failure) };
            if n_left == 0 {
                let reason = format!("{reason} (after {} tries)", self.retries + 1);
                return Err(Failure::passing(reason));
            }
            debug!(path, reason, n_left, "the model's server did not answer");
            tokio::time::sleep(asked.unwrap_or_default().max(pause).min(LONGEST_PAUSE)).await;
            (pause, n_left) = (pause * 2, n_left - 1);
        }
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Result<RequestBuilder, Failure> {
        let url = self.base.join(path).map_err(|error| Failure::Lasting(error.to_string()))?;
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(match &self.api_key {
            Some(key) => request.bearer_auth(key),
            None => request,
        })
    }

    async fn attempt(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let lost = |error: reqwest::Error| Failure::passing(innermost(&error));
        let response = request.send().await.map_err(lost)?;
        let status = response.status();
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = read(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|error| Failure::Lasting(format!("the answer cannot be read: {error}")));
        }
        let complaint: String =
            String::from_utf8_lossy(&body).trim().chars().take(MAX_COMPLAINT_CHARS).collect();
        let reason = format!("the server says {}: {complaint}", status.as_u16());
        let passes = status.is_server_error()
            || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
        if passes {
            return Err(Failure::Passing { reason, pause: asked.map(Duration::from_secs) });
        }
        Err(Failure::Lasting(reason))
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure::passing(innermost(&error)))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Failure::Lasting(format!("the answer is longer than {MAX_ANSWER} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The outer layers of an HTTP error only repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
