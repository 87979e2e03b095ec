//! What is answered where.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::refusal::Refusal;
use crate::{ServeConfig, Served, chat, completions};

/// What all requests share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) served: Served,
    pub(crate) config: ServeConfig,
    in_flight: Arc<Semaphore>,
    started: Instant,
}

impl App {
    pub(crate) fn new(config: ServeConfig, served: Served) -> Self {
        let in_flight = Arc::new(Semaphore::new(config.max_in_flight));
        Self { served, config, in_flight, started: Instant::now() }
    }

    /// The right to `n` completions, to be kept until they are finished.
    pub(crate) fn admit(&self, n: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        if n > self.config.max_in_flight {
            let most = self.config.max_in_flight;
            return Err(Refusal::invalid("n", format!("{n} completions of one request (at most {most})")));
        }
        let permits = u32::try_from(n).unwrap_or(u32::MAX);
        Arc::clone(&self.in_flight).try_acquire_many_owned(permits).map_err(|_| Refusal::busy())
    }

    /// Refuses another model than the one that is served; a request without a name means that one.
    pub(crate) fn check_model(&self, name: Option<&str>) -> Result<(), Refusal> {
        match name {
            Some(name) if name != self.served.name => Err(Refusal::no_model(name)),
            _ => Ok(()),
        }
    }

    /// The time as answers state it, in seconds since 1970 UTC.
    pub(crate) fn unix_seconds(&self) -> u64 {
        self.served.started + self.started.elapsed().as_secs()
    }

    fn model(&self) -> Value {
        json!({"id": self.served.name, "object": "model", "created": self.served.started, "owned_by": "croupier",
               "max_model_len": self.served.max_context})
    }
}

pub(crate) fn router(app: Arc<App>) -> axum::Router {
    let max_body = app.config.max_body;
    axum::Router::new()
        .route("/healthz", get(health))
        .route("/v1/models", get(models))
        .route("/v1/models/{name}", get(model))
        .route("/v1/chat/completions", post(chat_completions))
        .route("/v1/completions", post(plain_completions))
        .fallback(async || Refusal::no_route())
        .method_not_allowed_fallback(async || Refusal::method())
        .layer(DefaultBodyLimit::max(max_body))
        .with_state(app)
}

async fn health(State(app): State<Arc<App>>) -> Response {
    let stats = app.served.engine.stats();
    let status = if app.served.engine.is_running() { "ok" } else { "stopped" };
    let code = if status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({"status": status, "requests": stats.requests, "prompt_tokens": stats.prompt_tokens,
                      "cached_tokens": stats.cached_tokens, "completion_tokens": stats.completion_tokens});
    (code, Json(body)).into_response()
}

async fn models(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({"object": "list", "data": [app.model()]}))
}

async fn model(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    app.check_model(Some(&name))?;
    Ok(Json(app.model()))
}

async fn chat_completions(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let request = parse(&app, body)?;
    chat::complete(app, request).await
}

async fn plain_completions(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let request = parse(&app, body)?;
    completions::complete(app, request).await
}

fn parse<T: DeserializeOwned>(app: &App, body: Result<Bytes, BytesRejection>) -> Result<T, Refusal> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::too_large(app.config.max_body),
        _ => Refusal::body(rejection.body_text()),
    })?;
    serde_json::from_slice(&body).map_err(|error| Refusal::body(format!("the body cannot be read: {error}")))
}
