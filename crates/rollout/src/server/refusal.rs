//! Errors as clients of the rollout server get them: a status and `{"error": {"message", "hint"}}`.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Seconds after which a refused client may try again: about the length of a small group.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// A request that is not answered.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    hint: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: hint.into() }
    }

    /// A value that cannot be used.
    pub(super) fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message, hint)
    }

    /// There is no such job.
    pub(super) fn no_job(id: &str) -> Self {
        let hint = "it was deleted, or it belonged to another run of the server: post the job again; \
                    the same seed plays the same deals";
        Self::new(StatusCode::NOT_FOUND, format!("no job `{id}`"), hint)
    }

    /// There is nothing at this address.
    pub(super) fn no_route() -> Self {
        let hint = "POST /v1/jobs, GET /v1/jobs/ID, GET /v1/jobs/ID/groups?after=N, DELETE /v1/jobs/ID, GET /healthz";
        Self::new(StatusCode::NOT_FOUND, "there is no such endpoint", hint)
    }

    /// The endpoint does not take this method.
    pub(super) fn method() -> Self {
        let hint = "jobs are posted, read with GET, and ended with DELETE";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "the endpoint does not take this method", hint)
    }

    /// The body is too large.
    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("the body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message, "a job is a small JSON object")
    }

    /// The request did not come in time.
    pub(super) fn late(limit: Duration) -> Self {
        let message = format!("the request was not read and answered within {limit:?}");
        Self::new(StatusCode::REQUEST_TIMEOUT, message, "send the whole body at once")
    }

    /// What is asked for has been acknowledged, and freed.
    pub(super) fn freed(after: u64, acknowledged: u64) -> Self {
        let message =
            format!("groups after {after} are asked for, but all up to {acknowledged} were acknowledged");
        Self::new(
            StatusCode::GONE,
            message,
            "a cursor that was once sent as `after` is the oldest to go on from",
        )
    }

    /// There are enough of these already.
    pub(super) fn busy(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message, hint)
    }

    /// The server failed.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        let hint = "look at the server's log and at the room on its disk";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message, hint)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"error": {"message": self.message, "hint": self.hint}});
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}
