//! A request's choices as server-sent events, in whatever order they grow.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use crate::refusal::Refusal;

/// How often a waiting client hears that the connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Chunks of JSON, one event each; a failure is the last of them. The permit is kept until the end, or until the client
/// has gone and the stream is dropped.
pub(crate) fn respond(
    chunks: BoxStream<'static, Result<Value, Refusal>>,
    permit: OwnedSemaphorePermit,
) -> Response {
    let mut has_failed = false;
    let events = chunks
        .take_while(move |chunk| {
            let goes_on = !has_failed;
            has_failed = chunk.is_err();
            std::future::ready(goes_on)
        })
        .map(|chunk| chunk.unwrap_or_else(|refusal| refusal.to_json()).to_string())
        .chain(stream::once(async { "[DONE]".to_owned() }))
        .map(move |data| {
            let _kept = &permit;
            Ok::<_, Infallible>(Event::default().data(data))
        });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}
