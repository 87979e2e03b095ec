//! A small OpenAI-compatible server for tests: answers requests in order of arrival, and keeps their bodies.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::StreamExt;
use serde_json::{Value, json};

/// What a request is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A stream of this text, a character an event.
    Text(String),
    /// This object, not streamed.
    Whole(Value),
    /// A refusal.
    Status(u16),
    /// This after a while.
    Slow(Duration, String),
    /// Half a stream, then nothing any more.
    Stuck,
}

type Script = dyn Fn(usize) -> Answer + Send + Sync;

#[derive(Clone)]
struct Desk {
    script: Arc<Script>,
    requests: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

/// The server; dropping it stops it.
pub(crate) struct Stub {
    url: String,
    desk: Desk,
    serving: tokio::task::JoinHandle<()>,
}

impl Stub {
    /// `script` maps the number of a request, from 0, to its answer.
    pub(crate) async fn start(script: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let desk = Desk { script: Arc::new(script), requests: Arc::default() };
        let routes =
            axum::Router::new().route("/v1/chat/completions", post(complete)).with_state(desk.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, desk, serving }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Heads and bodies so far.
    pub(crate) fn requests(&self) -> Vec<(HeaderMap, Value)> {
        self.desk.requests.lock().unwrap().clone()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn complete(State(desk): State<Desk>, head: HeaderMap, Json(body): Json<Value>) -> Response {
    let number = {
        let mut requests = desk.requests.lock().unwrap();
        requests.push((head, body));
        requests.len() - 1
    };
    match (desk.script)(number) {
        Answer::Text(text) => stream(&text).into_response(),
        Answer::Whole(value) => Json(value).into_response(),
        Answer::Status(status) => (StatusCode::from_u16(status).unwrap(), "no").into_response(),
        Answer::Slow(delay, text) => {
            tokio::time::sleep(delay).await;
            stream(&text).into_response()
        }
        Answer::Stuck => {
            let first =
                futures::stream::once(async { Ok::<_, std::io::Error>("data: {\"choices\":[]}\n\n") });
            Body::from_stream(first.chain(futures::stream::pending())).into_response()
        }
    }
}

fn stream(text: &str) -> String {
    let event = |value: Value| format!("data: {value}\n\n");
    let tokens = text.chars().map(|token| event(json!({ "choices": [{ "delta": { "content": token } }] })));
    let usage =
        json!({ "choices": [], "usage": { "prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8 } });
    tokens.collect::<String>() + &event(usage) + "data: [DONE]\n\n"
}
