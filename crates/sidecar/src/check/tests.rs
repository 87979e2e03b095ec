use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use schema::EnvName;
use schema::env_api::{EnvResult, Envelope};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{CheckOptions, Verdict, run};
use crate::{Actor, ActorConfig, ServeConfig, serve};

fn names(report: &super::CheckReport, verdict: Verdict) -> Vec<String> {
    let of = report.checks.iter().filter(|check| check.verdict == verdict);
    of.map(|check| format!("{} ({})", check.name, check.seen)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_sidecar_passes_every_check() {
    let games: Vec<_> = EnvName::ALL.into_iter().filter(|name| name.task_ids().is_some()).collect();
    let actor = ActorConfig { games: games.clone(), ..ActorConfig::default() };
    let server = serve(ServeConfig { actor, ..ServeConfig::default() }).await.unwrap();
    let report = run(&server.url(), &CheckOptions { games, ..CheckOptions::default() }).await.unwrap();
    assert!(report.passed(), "{:#?}", names(&report, Verdict::Fail));
    assert_eq!(report.checks.len(), 4 + 4 * 7 + 3 * 5 + 3);
    assert_eq!(server.actor().open_episodes(), 0, "every episode is stopped");
}

/// Ours, but it shows the opponent's card, forgives illegal actions, and never frees an episode.
async fn broken(
    State(actor): State<Arc<Actor>>,
    Path(method): Path<String>,
    Json(body): Json<Value>,
) -> Json<Value> {
    let id = body["episode_id"].as_str();
    let mut reply: EnvResult = match method.as_str() {
        "reset" => actor.reset(&serde_json::from_value(body).unwrap_or_default()).unwrap(),
        "step" => actor.step(body["action"].as_str().unwrap_or_default(), id),
        "state" => actor.state(id),
        _ => {
            return Json(
                json!({ "status": "success", "result": { "status": "ok", "stopped": true }, "error": null }),
            );
        }
    };
    if !reply.done {
        reply.reward = 0.0;
        reply.observation += "\nOpponent card: J♠ J♥ Q♠ Q♥ K♠ K♥";
    }
    Json(json!(Envelope { status: "success".to_owned(), result: reply, error: None }))
}

#[tokio::test]
async fn a_broken_sidecar_fails_the_checks_that_it_breaks() {
    let actor = Arc::new(Actor::new(&ActorConfig::default()).unwrap());
    let routes = axum::Router::new().route("/{method}", axum::routing::post(broken)).with_state(actor);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async { axum::serve(listener, routes).await });
    let options = CheckOptions { games: vec![EnvName::LeducPoker], ..CheckOptions::default() };
    let report = run(&url, &options).await.unwrap();
    serving.abort();
    let failed: Vec<&str> = report
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Fail)
        .map(|check| check.name.as_str())
        .collect();
    for name in [
        "health",
        "keyword arguments",
        "error replies",
        "leduc_poker: observation layout",
        "leduc_poker: hidden information",
        "leduc_poker: illegal actions",
        "episodes freed by stop",
    ] {
        assert!(failed.contains(&name), "{name} should fail: {failed:?}");
    }
    assert!(!failed.contains(&"leduc_poker: determinism"), "{failed:?}");
    assert!(!report.passed());
}

#[tokio::test]
async fn a_sidecar_that_does_not_answer_is_an_error() {
    let error = run("http://127.0.0.1:9", &CheckOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("http://127.0.0.1:9"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_shell_environment_passes_or_says_why_it_is_not_played() {
    for games in [vec![EnvName::Intercode], vec![EnvName::KuhnPoker, EnvName::Intercode]] {
        let actor = ActorConfig { games: games.clone(), ..ActorConfig::default() };
        let server = serve(ServeConfig { actor, ..ServeConfig::default() }).await.unwrap();
        let alone = CheckOptions { games: vec![EnvName::Intercode], ..CheckOptions::default() };
        let report = run(&server.url(), &alone).await.unwrap();
        assert!(report.passed(), "among {games:?}: {:#?}", names(&report, Verdict::Fail));
        let report = run(&server.url(), &CheckOptions { games, ..alone }).await.unwrap();
        assert!(report.passed(), "{:#?}", names(&report, Verdict::Fail));
        let warned = names(&report, Verdict::Warn).join("\n");
        let status = server.actor().shell_status().unwrap();
        assert_eq!(
            warned.contains("not played here"),
            status.starts_with("no episodes"),
            "{status}: {warned}"
        );
        assert_eq!(server.actor().open_episodes(), 0, "every episode is stopped");
    }
}
