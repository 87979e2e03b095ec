use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};

use super::{ServeConfig, Server, serve};
use crate::evaluate::stub::{Answer, Stub};
use crate::{ActorConfig, Error, Faults, Outcome};

const LEDUC: u64 = 200_000_000;

async fn start(config: ServeConfig) -> (Server, Client) {
    let server = serve(config).await.unwrap();
    let client = Client { http: reqwest::Client::new(), url: server.url() };
    (server, client)
}

#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    async fn post(&self, route: &str, body: &Value) -> Result<(u16, Value), reqwest::Error> {
        self.send(route, serde_json::to_vec(body).unwrap()).await
    }

    async fn send(&self, route: &str, body: Vec<u8>) -> Result<(u16, Value), reqwest::Error> {
        let response = self.http.post(format!("{}/{route}", self.url)).body(body).send().await?;
        let status = response.status().as_u16();
        Ok((status, response.json().await?))
    }

    async fn reset(&self, seed: u64, opponent: &str) -> Value {
        let body = json!({ "task_id": LEDUC, "seed": seed, "opponent": opponent });
        self.post("reset", &body).await.unwrap().1["result"].clone()
    }

    /// Calls until the end; the last result.
    async fn play(&self, seed: u64) -> Value {
        let mut last = self.reset(seed, "random").await;
        let id = last["episode_id"].clone();
        while last["done"] == false {
            last = self.post("step", &json!({ "action": "1", "episode_id": id })).await.unwrap().1["result"]
                .clone();
        }
        self.post("stop", &json!({ "episode_id": id })).await.unwrap();
        last["episode_id"].take();
        last
    }
}

#[tokio::test]
async fn routes_answer_with_the_statuses_of_the_contract() {
    let (server, client) = start(ServeConfig::default()).await;
    let get = async |route: &str| {
        let response = client.http.get(format!("{}/{route}", client.url)).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    assert_eq!(get("health").await, (200, json!({ "status": "ok" })));
    assert_eq!(get("methods").await.1["methods"][1]["signature"], "(action, episode_id=None)");
    assert_eq!(get("methods").await.1["methods"][4]["endpoint"], "/evaluate");
    assert_eq!(get("reset").await.0, 405);
    assert_eq!(get("no/such/route").await, (404, json!({ "detail": "Not Found" })));

    let (status, body) =
        client.post("reset", &json!({ "task_id": LEDUC, "seed": 4, "opponent": "random" })).await.unwrap();
    assert_eq!((status, &body["status"], &body["error"]), (200, &json!("success"), &Value::Null));
    let (status, body) = client.post("reset", &json!({ "seed": u32::MAX })).await.unwrap();
    assert_eq!(status, 500);
    assert!(body["detail"].as_str().unwrap().starts_with("Seed must be between 0 and 2**32 - 1"), "{body}");
    assert_eq!(client.send("step", Vec::new()).await.unwrap().0, 500, "no body is no action");
    assert_eq!(
        client.post("create", &json!({})).await.unwrap(),
        (404, json!({ "detail": "Method not found: create" }))
    );
    assert_eq!(client.post("call", &json!({ "args": [] })).await.unwrap().0, 422);
    let (status, body) = client.post("call", &json!({ "method": "stop", "kwargs": {} })).await.unwrap();
    assert_eq!((status, &body["result"]["stopped"]), (200, &json!(false)));
    server.shutdown().await;
}

#[tokio::test]
async fn at_the_cap_a_reset_is_answered_with_503() {
    let actor = ActorConfig { max_episodes: 1, ..ActorConfig::default() };
    let (_server, client) = start(ServeConfig { actor, ..ServeConfig::default() }).await;
    client.reset(1, "random").await;
    let (status, body) =
        client.post("reset", &json!({ "task_id": LEDUC, "seed": 2, "opponent": "random" })).await.unwrap();
    assert_eq!(status, 503, "{body}");
    assert!(body["detail"].as_str().unwrap().contains("1 episodes are open"), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn episodes_at_once_go_as_they_go_alone() {
    let (server, client) = start(ServeConfig::default()).await;
    let mut alone = Vec::new();
    for seed in 0..24 {
        alone.push(client.play(seed).await);
    }
    let together = join_all((0..24).map(|seed| client.play(seed))).await;
    assert_eq!(alone, together);
    assert_eq!(server.actor().open_episodes(), 0);
}

#[tokio::test]
async fn a_search_does_not_keep_other_requests_waiting() {
    // On this runtime of one thread a search on a worker would answer before anything else is read.
    let (_server, client) = start(ServeConfig::default()).await;
    let long = json!({ "task_id": 300_000_000, "seed": 1, "opponent": "mcts", "mcts_max_simulations": 2000, "mcts_num_rollouts": 1 });
    let searching = client.post("reset", &long);
    tokio::pin!(searching);
    let health = client.http.get(format!("{}/health", client.url)).send();
    // Polls the search first, so that it is under way when the other is asked.
    tokio::select! {
        biased;
        _ = &mut searching => panic!("the search was answered first"),
        health = health => assert_eq!(health.unwrap().status(), 200),
    }
    assert_eq!(searching.await.unwrap().0, 200);
}

/// Seeds of which the reset meets `outcome` and nothing else before.
fn seed_with(faults: &Faults, outcome: Outcome) -> u64 {
    (0..10_000).find(|&seed| faults.fate(LEDUC, seed, 0).outcome == outcome).unwrap()
}

#[tokio::test]
async fn injected_faults_fail_drop_and_hang() {
    let faults = Faults { error_rate: 0.2, drop_rate: 0.4, hang_rate: 0.2, seed: 3, ..Faults::default() };
    let (server, client) = start(ServeConfig { faults: Some(faults), ..ServeConfig::default() }).await;
    let reset = |seed| json!({ "task_id": LEDUC, "seed": seed, "opponent": "random" });
    let open = || server.actor().open_episodes();

    let failed = client.post("reset", &reset(seed_with(&faults, Outcome::Fail))).await.unwrap();
    assert_eq!(failed, (500, json!({ "detail": "injected fault" })));
    assert!(client.post("reset", &reset(seed_with(&faults, Outcome::DropBefore))).await.is_err());
    assert_eq!(open(), 0);
    assert!(client.post("reset", &reset(seed_with(&faults, Outcome::DropAfter))).await.is_err());
    assert_eq!(open(), 1, "the game moved although the reply was lost");
    assert_eq!(client.post("reset", &reset(seed_with(&faults, Outcome::Serve))).await.unwrap().0, 200);

    let url = format!("{}/reset", client.url);
    let hanging = client.http.post(url).json(&reset(seed_with(&faults, Outcome::Hang)));
    let error = hanging.timeout(Duration::from_millis(50)).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(open(), 2);
}

#[tokio::test]
async fn a_killed_sidecar_closes_connections_and_its_port() {
    let faults = Faults { hang_rate: 1.0, ..Faults::default() };
    let (server, client) = start(ServeConfig { faults: Some(faults), ..ServeConfig::default() }).await;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.post("reset", &json!({ "task_id": LEDUC, "seed": 1 })).await }
    });
    assert_eq!(client.http.get(format!("{}/health", client.url)).send().await.unwrap().status(), 200);
    server.kill().await;
    assert!(waiting.await.unwrap().is_err());
    assert!(client.post("reset", &json!({})).await.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_graceful_shutdown_answers_what_has_been_asked() {
    let (server, client) = start(ServeConfig::default()).await;
    let slow = json!({ "task_id": 300_000_000, "seed": 1, "opponent": "mcts", "mcts_max_simulations": 2000, "mcts_num_rollouts": 1 });
    let searching = client.post("reset", &slow);
    tokio::pin!(searching);
    let health = client.http.get(format!("{}/health", client.url)).send();
    tokio::select! {
        biased;
        _ = &mut searching => panic!("the search was answered first"),
        health = health => assert_eq!(health.unwrap().status(), 200),
    }
    let (answer, ()) = tokio::join!(searching, server.shutdown());
    assert_eq!(answer.unwrap().0, 200);
}

#[tokio::test]
async fn a_server_evaluates_an_llm_by_route_and_by_call() {
    let stub =
        Stub::start(|turn| Answer::Text(if turn == 0 { "1" } else { "<think>?</think>1" }.to_owned())).await;
    let (server, client) = start(ServeConfig::default()).await;
    let kwargs = json!({
        "task_id": LEDUC, "seed": 6, "model": "m", "base_url": stub.url(), "opponent": "random", "timeout": 60,
    });
    let (status, direct) = client.post("evaluate", &kwargs).await.unwrap();
    assert_eq!((status, &direct["status"]), (200, &json!("success")), "{direct}");
    let result = &direct["result"];
    assert_eq!((result["task_name"].as_str(), result.get("error")), (Some("openspiel:leduc_poker"), None));
    let called = client.post("call", &json!({ "method": "evaluate", "kwargs": kwargs })).await.unwrap().1;
    assert_eq!(called["result"]["extra"]["action_history"], result["extra"]["action_history"]);
    assert_eq!(server.actor().open_episodes(), 0);

    let refused = async |key: &str, value: Value| {
        let mut kwargs = kwargs.clone();
        kwargs[key] = value;
        let (status, body) = client.post("evaluate", &kwargs).await.unwrap();
        (status, body["detail"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(
        refused("opponent", json!("alphago")).await,
        (500, "Unknown opponent type: alphago".to_owned())
    );
    assert_eq!(refused("timeout", json!(-1)).await.0, 500);
    assert_eq!(refused("top_p", json!(1)).await.0, 500);
    assert_eq!(client.post("evaluate", &json!({ "task_id": LEDUC })).await.unwrap().0, 500);
}

#[tokio::test]
async fn rates_that_are_no_shares_keep_a_server_from_starting() {
    let faults = Faults { drop_rate: 0.6, hang_rate: 0.6, ..Faults::default() };
    let error = serve(ServeConfig { faults: Some(faults), ..ServeConfig::default() }).await.unwrap_err();
    assert!(matches!(error, Error::FaultRates(_)), "{error}");
}
