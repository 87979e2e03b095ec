//! Steps per second of the sidecar under random leduc_poker play, beside a bare axum handler with bodies of that size.
//!
//! Client and server share the machine, as in `croupier bench env`. Prints one JSON object per line; runs alternate.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark reports and may stop at anything")]

use std::time::Instant;

use futures::future::join_all;
use games::rng::FastRng;
use serde_json::{Value, json};
use sidecar::{ServeConfig, bare, serve, text};

const WORKERS: u64 = 16;
const EPISODES_PER_WORKER: u64 = 500;
const RUNS: usize = 5;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let server = serve(ServeConfig::default()).await.unwrap();
    let client = reqwest::Client::new();
    let step = json!({ "action": "1", "episode_id": "5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c" });
    let body = typical_reply(&client, &server.url()).await;
    let bytes = body.len();
    let bare = bare::serve(body.into()).await.unwrap();
    let mut rates = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let started = Instant::now();
        let playing = (0..WORKERS).map(|worker| tokio::spawn(play(client.clone(), server.url(), worker)));
        let requests: u64 = join_all(playing).await.into_iter().map(Result::unwrap).sum();
        rates.0.push(requests as f64 / started.elapsed().as_secs_f64());

        let started = Instant::now();
        let repeating =
            (0..WORKERS).map(|_| repeat(client.clone(), bare.url(), step.clone(), requests / WORKERS));
        join_all(repeating.map(tokio::spawn)).await;
        rates.1.push(requests as f64 / started.elapsed().as_secs_f64());
    }
    let (ours, bare) = (median(rates.0), median(rates.1));
    println!(
        "{}",
        json!({ "bench": "sidecar", "requests_s": ours, "bare_requests_s": bare, "share": ours / bare, "bytes": bytes, "runs": RUNS })
    );
    server.shutdown().await;
}

/// Plays episodes; number of requests.
async fn play(client: reqwest::Client, url: String, worker: u64) -> u64 {
    let mut random = FastRng::new(worker);
    let mut requests = 0;
    for episode in 0..EPISODES_PER_WORKER {
        let seed = worker * EPISODES_PER_WORKER + episode;
        let start = json!({ "task_id": 200_000_000 + seed, "seed": seed, "opponent": "random" });
        let mut reply = post(&client, &url, "reset", &start).await;
        requests += 2;
        while reply["done"] == false {
            let legal = text::legal_ids(reply["observation"].as_str().unwrap());
            let action = legal[random.below(legal.len())].to_string();
            let step = json!({ "action": action, "episode_id": reply["episode_id"] });
            reply = post(&client, &url, "step", &step).await;
            requests += 1;
        }
        post(&client, &url, "stop", &json!({ "episode_id": reply["episode_id"] })).await;
    }
    requests
}

async fn repeat(client: reqwest::Client, url: String, body: Value, requests: u64) {
    for _ in 0..requests {
        post(&client, &url, "step", &body).await;
    }
}

async fn post(client: &reqwest::Client, url: &str, method: &str, body: &Value) -> Value {
    let response = client.post(format!("{url}/{method}")).json(body).send().await.unwrap();
    response.json::<Value>().await.unwrap()["result"].take()
}

/// Body of a reply to a step that does not end the game.
async fn typical_reply(client: &reqwest::Client, url: &str) -> Vec<u8> {
    let start = json!({ "task_id": 200_000_000, "seed": 0, "opponent": "random" });
    let reset = post(client, url, "reset", &start).await;
    let step = json!({ "action": "1", "episode_id": reset["episode_id"] });
    let response = client.post(format!("{url}/step")).json(&step).send().await.unwrap();
    response.bytes().await.unwrap().to_vec()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}
