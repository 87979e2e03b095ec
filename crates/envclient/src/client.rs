//! One sidecar, one request at a time: deadlines and types, no repeats, no policy.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use schema::env_api::{EnvResult, Envelope, EpisodeRequest, ResetRequest, StepRequest, StopResult};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{ClientConfig, Error, Method};

/// Longest answer that is read: the longest observations are a few KiB.
const MAX_ANSWER: usize = 4 << 20;
/// Part of an error's body that is kept.
const MAX_DETAIL: usize = 300;

/// HTTP client of one sidecar. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    name: Arc<str>,
    endpoints: Arc<[Url; Method::ALL.len()]>,
    http: reqwest::Client,
    config: ClientConfig,
}

impl Client {
    /// A client of the sidecar at `url`.
    ///
    /// # Errors
    /// [`Error::BadUrl`] if paths cannot be put behind `url`.
    pub fn new(url: &Url, config: ClientConfig) -> Result<Self, Error> {
        Self::with_http(url, config.clone(), http_client(&config))
    }

    pub(crate) fn with_http(url: &Url, config: ClientConfig, http: reqwest::Client) -> Result<Self, Error> {
        if url.cannot_be_a_base() {
            return Err(Error::BadUrl { text: url.to_string(), reason: "it cannot be a base".to_owned() });
        }
        let endpoints = Method::ALL.map(|method| {
            let mut endpoint = url.clone();
            let mut path = endpoint.path_segments_mut().expect("it can be a base");
            path.pop_if_empty().push(method.as_str());
            drop(path);
            endpoint
        });
        let name = Arc::from(url.as_str().trim_end_matches('/'));
        Ok(Self { name, endpoints: Arc::new(endpoints), http, config })
    }

    /// URL of the sidecar, without a slash at its end.
    pub fn url(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether it answers. Slow is not dead: the original answers `/health` after what it is busy with.
    ///
    /// # Errors
    /// As every request: [`Error::Unreachable`], [`Error::Timeout`], [`Error::Lost`], [`Error::Rejected`],
    /// [`Error::Malformed`].
    pub async fn health(&self) -> Result<(), Error> {
        let answer = self.send(Method::Health, None, self.config.read_timeout).await?;
        self.decode::<serde_json::Value>(Method::Health, &answer).map(drop)
    }

    /// Starts an episode. If the answer is lost, an episode may be left open on the sidecar.
    ///
    /// # Errors
    /// As [`Client::health`].
    pub async fn reset(&self, request: &ResetRequest) -> Result<EnvResult, Error> {
        self.post(Method::Reset, request, self.config.read_timeout).await
    }

    /// Plays an action. Not idempotent: [`crate::Session::step`] knows how to repeat it.
    ///
    /// # Errors
    /// As [`Client::health`], and [`Error::EpisodeGone`].
    pub async fn step(&self, episode: &str, action: &str) -> Result<EnvResult, Error> {
        let request = StepRequest { action: action.to_owned(), episode_id: episode.to_owned() };
        let answer = self.post(Method::Step, &request, self.config.step_timeout).await;
        self.or_gone(episode, answer)
    }

    /// Reads the episode again without playing.
    ///
    /// # Errors
    /// As [`Client::step`].
    pub async fn state(&self, episode: &str) -> Result<EnvResult, Error> {
        let request = EpisodeRequest { episode_id: episode.to_owned() };
        let answer = self.post(Method::State, &request, self.config.read_timeout).await;
        self.or_gone(episode, answer)
    }

    /// Frees the episode; true if there was one.
    ///
    /// # Errors
    /// As [`Client::health`].
    pub async fn stop(&self, episode: &str) -> Result<bool, Error> {
        let request = EpisodeRequest { episode_id: episode.to_owned() };
        let answer: StopResult = self.post(Method::Stop, &request, self.config.stop_timeout).await?;
        Ok(answer.stopped)
    }

    async fn post<B, T>(&self, method: Method, body: &B, within: Duration) -> Result<T, Error>
    where
        B: serde::Serialize,
        T: DeserializeOwned,
    {
        let body = serde_json::to_vec(body).expect("requests are plain data");
        let answer = self.send(method, Some(body), within).await?;
        self.decode::<Envelope<T>>(method, &answer).map(|envelope| envelope.result)
    }

    /// An answer in full, or why there is none.
    async fn send(&self, method: Method, body: Option<Vec<u8>>, within: Duration) -> Result<Vec<u8>, Error> {
        let verb = if body.is_some() { reqwest::Method::POST } else { reqwest::Method::GET };
        let mut request = reqwest::Request::new(verb, self.endpoints[method as usize].clone());
        if let Some(body) = body {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.into());
        }
        let exchange = async {
            let response = self.http.execute(request).await?;
            let status = response.status();
            read_limited(response).await.map(|answer| (status, answer))
        };
        match tokio::time::timeout(within, exchange).await {
            Err(_) => Err(Error::Timeout { url: self.name.clone(), method, after: within }),
            Ok(Err(error)) => Err(self.broken(method, &error)),
            Ok(Ok((_, None))) => Err(self.malformed(method, format!("it is longer than {MAX_ANSWER} bytes"))),
            Ok(Ok((status, Some(answer)))) if status.is_success() => Ok(answer),
            Ok(Ok((status, Some(answer)))) => {
                let detail = shorten(&answer);
                Err(Error::Rejected { url: self.name.clone(), method, status: status.as_u16(), detail })
            }
        }
    }

    fn decode<T: DeserializeOwned>(&self, method: Method, answer: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(answer).map_err(|error| self.malformed(method, error.to_string()))
    }

    /// Both ways of saying that there is no such episode: in `info.error` (the original), or with 404.
    fn or_gone(&self, episode: &str, answer: Result<EnvResult, Error>) -> Result<EnvResult, Error> {
        let gone = match &answer {
            Ok(result) => result.info.error.as_ref().is_some_and(|error| error.kind == "episode_not_found"),
            Err(Error::Rejected { status, .. }) => *status == 404,
            Err(_) => false,
        };
        if gone {
            Err(Error::EpisodeGone { url: self.name.clone(), episode: episode.to_owned() })
        } else {
            answer
        }
    }

    fn malformed(&self, method: Method, reason: String) -> Error {
        Error::Malformed { url: self.name.clone(), method, reason }
    }

    fn broken(&self, method: Method, error: &reqwest::Error) -> Error {
        let (url, reason) = (self.name.clone(), innermost(error));
        if error.is_connect() {
            Error::Unreachable { url, method, reason }
        } else {
            Error::Lost { url, method, reason }
        }
    }
}

/// One HTTP client serves all sidecars: it keeps connections per host.
pub(crate) fn http_client(config: &ClientConfig) -> reqwest::Client {
    reqwest::Client::builder()
        .connect_timeout(config.connect_timeout)
        .tcp_nodelay(true)
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .build()
        .expect("no TLS, no proxy and no resolver that could fail")
}

/// The body, or `None` if it is too long.
async fn read_limited(mut response: reqwest::Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    match response.content_length() {
        Some(length) if length > MAX_ANSWER as u64 => return Ok(None),
        Some(_) => return response.bytes().await.map(|body| Some(body.into())),
        None => {}
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

fn shorten(body: &[u8]) -> String {
    String::from_utf8_lossy(body).trim().chars().take(MAX_DETAIL).collect()
}

/// The outer layers of an HTTP error only repeat the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
