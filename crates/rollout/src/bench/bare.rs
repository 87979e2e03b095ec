//! The yardstick: a bare reqwest loop against a bare axum handler, with bodies of a given size.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use tokio::task::JoinSet;

use crate::Error;

/// The handler does nothing that could take longer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Size of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BareConfig {
    /// Requests to send.
    pub requests: u64,
    /// Requests at once.
    pub concurrency: usize,
    /// Bytes of a request's body.
    pub request_bytes: usize,
    /// Bytes of an answer's body.
    pub answer_bytes: usize,
}

/// Requests a second of the loop; client and server share this process.
///
/// # Errors
/// [`Error::Bench`] if no port is free or a request fails.
pub async fn bare_loop(config: BareConfig) -> Result<f64, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Bench(error.to_string());
    let answer = vec![b'x'; config.answer_bytes];
    let server = sidecar::bare::serve(answer.into()).await.map_err(|error| failed(&error))?;
    let url: url::Url = format!("{}/step", server.url()).parse().map_err(|error| failed(&error))?;
    let builder = reqwest::Client::builder().no_proxy().http1_only().tcp_nodelay(true).timeout(TIMEOUT);
    let client = builder.build().map_err(|error| failed(&error))?;
    let (left, started) = (Arc::new(AtomicU64::new(config.requests)), Instant::now());
    let mut senders = JoinSet::new();
    for _ in 0..config.concurrency.max(1) {
        senders.spawn(send_share(client.clone(), url.clone(), config.request_bytes, left.clone()));
    }
    while let Some(ended) = senders.join_next().await {
        ended.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    }
    Ok(config.requests as f64 / started.elapsed().as_secs_f64())
}

/// Sends requests until none is left.
async fn send_share(
    client: reqwest::Client,
    url: url::Url,
    request_bytes: usize,
    left: Arc<AtomicU64>,
) -> Result<(), reqwest::Error> {
    while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
        let mut request = reqwest::Request::new(reqwest::Method::POST, url.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(vec![b'x'; request_bytes].into());
        client.execute(request).await?.error_for_status()?.bytes().await?;
    }
    Ok(())
}
