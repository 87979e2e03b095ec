//! Errors as OpenAI's clients expect them: a status and `{"error": {message, type, param, code}}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A request that is not answered.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    message: String,
    param: Option<&'static str>,
    code: Option<&'static str>,
}

/// Seconds after which a refused client may try again: about the length of a short completion.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), param: None, code: None }
    }

    /// The request cannot be answered as it is.
    pub(crate) fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        Self { param: Some(param), ..Self::new(StatusCode::BAD_REQUEST, message) }
    }

    /// The body is not what the endpoint takes.
    pub(crate) fn body(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The prompt, or what is to follow it, is longer than the context.
    pub(crate) fn too_long(param: &'static str, message: impl Into<String>) -> Self {
        Self { code: Some("context_length_exceeded"), ..Self::invalid(param, message) }
    }

    /// Another model is asked for.
    pub(crate) fn no_model(name: &str) -> Self {
        let message = format!("the model `{name}` does not exist");
        let (param, code) = (Some("model"), Some("model_not_found"));
        Self { param, code, ..Self::new(StatusCode::NOT_FOUND, message) }
    }

    /// There is nothing at this address.
    pub(crate) fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such endpoint")
    }

    /// The endpoint does not take this method.
    pub(crate) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "the endpoint does not take this method")
    }

    /// The body is too large.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"))
    }

    /// Too much is waiting already.
    pub(crate) fn busy() -> Self {
        let code = Some("overloaded");
        Self { code, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests are waiting") }
    }

    /// The error as JSON, for a stream that has begun.
    pub(crate) fn to_json(&self) -> Value {
        let kind = if self.status.is_server_error() { "server_error" } else { "invalid_request_error" };
        json!({"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}})
    }
}

impl From<model::Error> for Refusal {
    fn from(error: model::Error) -> Self {
        match error {
            model::Error::Refused { .. } => Self::body(error.to_string()),
            other => Self::new(StatusCode::SERVICE_UNAVAILABLE, other.to_string()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.to_json())).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}
