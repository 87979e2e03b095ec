//! A model behind HTTP, against a small stand-in.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use rollout::{
    ByteCodec, Decoding, Error, OpenAiConfig, OpenAiPolicy, Player, Policy, RunInfo, format_by_name,
    play_group,
};
use rollout::{GroupSpec, Start};
use schema::{Opponent, OpponentKind, StopReason, Trajectory};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::setup::served;

/// What the stand-in does instead of answering.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Fine,
    /// So many failures before each answer.
    Flaky(usize),
    Refuses,
    Silent,
    NoIds,
}

#[derive(Clone)]
struct Standin {
    mood: Mood,
    n_asked: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

impl Standin {
    async fn serve(mood: Mood) -> (Url, Self) {
        let standin = Self { mood, n_asked: Arc::default(), requests: Arc::default() };
        let models = json!({"data": [{"id": "other"}, {"id": "toy", "max_model_len": 512}]});
        let routes = axum::Router::new()
            .route("/v1/models", get(async || Json(models)))
            .route("/v1/completions", post(complete))
            .with_state(standin.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (format!("http://{address}/v1").parse().expect("a URL"), standin)
    }
}

/// Plays the first choice, or `1` where any text may be written.
async fn complete(State(standin): State<Standin>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let n_asked = standin.n_asked.fetch_add(1, Relaxed);
    standin.requests.lock().expect("held briefly").push((headers, body.clone()));
    match standin.mood {
        Mood::Flaky(n) if n_asked % (n + 1) < n => {
            return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")], "busy").into_response();
        }
        Mood::Refuses => return (StatusCode::BAD_REQUEST, "no such temperature").into_response(),
        Mood::Silent => std::future::pending().await,
        _ => {}
    }
    let text = body["guided_choice"][0].as_str().unwrap_or("1");
    let mut ids: Vec<u32> = text.bytes().map(u32::from).collect();
    ids.push(ByteCodec::END_OF_TURN);
    let logprobs = vec![-0.25; ids.len()];
    let mut choice = json!({"index": 0, "text": text, "finish_reason": "stop", "token_ids": ids,
                            "logprobs": {"tokens": [], "token_logprobs": logprobs}});
    if standin.mood == Mood::NoIds {
        choice["token_ids"] = Value::Null;
    }
    Json(json!({"choices": [choice]})).into_response()
}

fn config(url: Url) -> OpenAiConfig {
    let (model, api_key) = (Some("toy".to_owned()), Some("secret".to_owned()));
    let (timeout, first_pause) = (Duration::from_secs(20), Duration::from_millis(1));
    OpenAiConfig { model, api_key, timeout, first_pause, ..OpenAiConfig::new(url) }
}

async fn play(config: OpenAiConfig, decoding: Decoding) -> Trajectory {
    let policy = OpenAiPolicy::connect(config, Arc::new(ByteCodec)).await.expect("it lists its models");
    assert_eq!((policy.name().as_str(), policy.max_context()), ("openai:toy", Some(512)));
    let format = format_by_name("compact", Arc::new(ByteCodec)).expect("a format");
    let mut player = Player::new(Arc::new(policy), format, RunInfo::new("test", 1));
    player.decoding = decoding;
    let opponent = Opponent::plain(OpponentKind::Random);
    let start = Start { task_id: 200_000_000, seed: 4, opponent };
    let spec = GroupSpec { group: 0, start, size: 1, over_sample: 0 };
    let source = served(Arc::new(rollout::RandomPolicy)).source;
    let mut group = play_group(&player, &source, spec, &CancellationToken::new()).await;
    group.trajectories.pop().expect("one episode")
}

#[tokio::test]
async fn an_episode_is_played_by_token_ids() {
    let (url, standin) = Standin::serve(Mood::Fine).await;
    let free = play(config(url), Decoding::Free).await;
    assert_eq!((free.stop_reason, free.policy.as_str()), (StopReason::Done, "openai:toy"), "{}", free.error);
    let turn = &free.turns[0];
    assert_eq!((turn.completion.as_str(), turn.completion_tokens.as_slice()), ("1", &[49, 256][..]));
    assert_eq!((turn.logprobs.as_slice(), turn.loss_mask.as_slice()), (&[-0.25, -0.25][..], &[1, 1][..]));
    let (headers, body) = standin.requests.lock().expect("held briefly")[0].clone();
    assert_eq!(headers["authorization"], "Bearer secret");
    assert_eq!(body["prompt"], json!(turn.prompt_tokens));
    assert_eq!(
        (&body["model"], &body["max_tokens"], &body["logprobs"]),
        (&json!("toy"), &json!(16), &json!(1))
    );
    assert_eq!((&body["stop_token_ids"], &body["return_token_ids"]), (&json!([256]), &json!(true)));
    assert!(body["seed"].as_i64().is_some_and(|seed| seed >= 0) && body["guided_choice"].is_null());
}

#[tokio::test]
async fn constrained_turns_send_the_legal_actions_and_get_their_masks() {
    let (url, standin) = Standin::serve(Mood::Fine).await;
    let played = play(config(url), Decoding::Constrained).await;
    assert_eq!(played.stop_reason, StopReason::Done, "{}", played.error);
    let turn = &played.turns[0];
    let choices: Vec<String> = turn.legal_ids.iter().map(u32::to_string).collect();
    assert_eq!(standin.requests.lock().expect("held briefly")[0].1["guided_choice"], json!(choices));
    assert_eq!((turn.action_id, turn.loss_mask.as_slice()), (Some(turn.legal_ids[0]), &[1, 0][..]));
    assert_eq!(turn.allowed_tokens[1], [ByteCodec::END_OF_TURN]);
}

#[tokio::test]
async fn passing_failures_are_tried_again_and_lasting_ones_are_not() {
    let (url, standin) = Standin::serve(Mood::Flaky(2)).await;
    let played = play(config(url), Decoding::Free).await;
    assert_eq!(played.stop_reason, StopReason::Done, "{}", played.error);
    assert_eq!(standin.n_asked.load(Relaxed), 3 * played.turns.len());
    let (url, standin) = Standin::serve(Mood::Flaky(100)).await;
    let played = play(config(url), Decoding::Free).await;
    assert_eq!((played.stop_reason, standin.n_asked.load(Relaxed)), (StopReason::PolicyError, 5));
    assert!(played.error.contains("503: busy (after 5 tries)"), "{}", played.error);
    let (url, standin) = Standin::serve(Mood::Refuses).await;
    let played = play(config(url), Decoding::Free).await;
    assert_eq!((played.stop_reason, standin.n_asked.load(Relaxed)), (StopReason::PolicyError, 1));
    assert!(played.error.contains("400: no such temperature"), "{}", played.error);
}

#[tokio::test]
async fn silence_and_missing_ids_are_said_clearly() {
    let (url, _) = Standin::serve(Mood::Silent).await;
    let impatient = OpenAiConfig { timeout: Duration::from_millis(200), retries: 1, ..config(url) };
    let played = play(impatient, Decoding::Free).await;
    assert!(played.error.contains("no answer within 200ms (after 2 tries)"), "{}", played.error);
    let (url, _) = Standin::serve(Mood::NoIds).await;
    let played = play(config(url), Decoding::Free).await;
    assert!(played.error.contains("gives no token ids"), "{}", played.error);
}

#[tokio::test]
async fn a_server_without_the_model_or_no_server_cannot_be_connected_to() {
    let (url, _) = Standin::serve(Mood::Fine).await;
    let connect = async |config| OpenAiPolicy::connect(config, Arc::new(ByteCodec)).await;
    let missing = OpenAiConfig { model: Some("huge".to_owned()), ..config(url.clone()) };
    let error = connect(missing).await.err().expect("it is not there");
    assert!(
        matches!(error, Error::PolicyServer { .. }) && error.to_string().contains("[other, toy]"),
        "{error}"
    );
    let any = OpenAiConfig { model: None, ..config(url) };
    assert!(connect(any).await.is_ok_and(|first| first.model() == "other"), "the first that is listed");
    let nobody: Url = "http://127.0.0.1:9/v1".parse().expect("a URL");
    assert!(connect(OpenAiConfig { retries: 1, ..config(nobody) }).await.is_err());
}
