//! Requests to the sidecar under test, with the time they took, and a reader of its texts.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use games::rng::FastRng;
use schema::EnvName;
use schema::env_api::{EnvResult, Envelope};
use serde_json::{Value, json};

use super::{CheckOptions, Problem};
use crate::text::legal_ids;
use crate::{Error, chance};

/// An answer: status and body.
pub(super) type Answer = (u16, Value);

/// A client that remembers how long each request took.
#[derive(Debug)]
pub(super) struct Probe {
    client: reqwest::Client,
    url: String,
    timeout: Duration,
    times: Mutex<Vec<Duration>>,
}

impl Probe {
    pub(super) fn new(url: &str, timeout: Duration) -> Self {
        let url = url.trim().trim_end_matches('/').to_owned();
        Self { client: reqwest::Client::new(), url, timeout, times: Mutex::default() }
    }

    pub(super) async fn get(&self, route: &str) -> Result<Answer, Error> {
        self.send(route, self.client.get(format!("{}/{route}", self.url))).await
    }

    pub(super) async fn post(&self, route: &str, body: &Value) -> Result<Answer, Error> {
        let started = Instant::now();
        let answer = self.send(route, self.client.post(format!("{}/{route}", self.url)).json(body)).await?;
        self.times.lock().unwrap_or_else(PoisonError::into_inner).push(started.elapsed());
        Ok(answer)
    }

    /// Times of all posts so far.
    pub(super) fn times(&self) -> Vec<Duration> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The result of a method that should succeed.
    pub(super) async fn result(&self, method: &str, body: &Value) -> Result<EnvResult, Problem> {
        let (status, answer) = self.post(method, body).await?;
        let envelope: Envelope<EnvResult> = serde_json::from_value(answer)
            .map_err(|error| Problem::Fail(format!("{method} {body} was answered with {status}: {error}")))?;
        Ok(envelope.result)
    }

    pub(super) async fn reset(&self, start: &Start) -> Result<EnvResult, Problem> {
        self.result("reset", &start.body()).await
    }

    pub(super) async fn step(&self, episode: &EnvResult, action: &str) -> Result<EnvResult, Problem> {
        self.result("step", &json!({ "action": action, "episode_id": episode.episode_id })).await
    }

    pub(super) async fn state(&self, episode: &EnvResult) -> Result<EnvResult, Problem> {
        self.result("state", &json!({ "episode_id": episode.episode_id })).await
    }

    pub(super) async fn stop(&self, episode: &EnvResult) -> Result<Value, Problem> {
        let (_, answer) = self.post("stop", &json!({ "episode_id": episode.episode_id })).await?;
        Ok(answer["result"].clone())
    }

    async fn send(&self, route: &str, request: reqwest::RequestBuilder) -> Result<Answer, Error> {
        let unreachable =
            |source| Error::Unreachable { url: self.url.clone(), what: route.to_owned(), source };
        let response = request.timeout(self.timeout).send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(unreachable)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }
}

/// What starts an episode.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) task_id: u64,
    pub(super) seed: u64,
    opponent: &'static str,
}

impl Start {
    /// Start number `index` of a game; even numbers seat the agent first. All against the random opponent.
    pub(super) fn new(options: &CheckOptions, game: EnvName, index: usize) -> Self {
        let bits = chance::mix_all(&[options.seed, game as u64, index as u64]);
        let ids = game.task_ids().unwrap_or(0..1);
        let seed = (bits >> 40) * 2 + (index % 2) as u64;
        Self { task_id: ids.start + bits % (ids.end - ids.start), seed, opponent: "random" }
    }

    /// The same start against a cheap MCTS.
    pub(super) fn against_mcts(self) -> Self {
        Self { opponent: "mcts", ..self }
    }

    pub(super) fn body(&self) -> Value {
        let mut body = json!({ "task_id": self.task_id, "seed": self.seed, "opponent": self.opponent });
        if self.opponent == "mcts" {
            body["mcts_max_simulations"] = json!(25);
            body["mcts_num_rollouts"] = json!(1);
        }
        body
    }
}

/// An observation without the rules in front of it.
pub(super) fn body(observation: &str) -> &str {
    observation.split_once("# Current Game State\n").map_or(observation, |(_, body)| body)
}

/// Plays an episode with moves that depend only on `seed`; every reply, the reset's first.
pub(super) async fn play(probe: &Probe, start: &Start, seed: u64) -> Result<Vec<EnvResult>, Problem> {
    /// The longest recorded game has 226 decisions.
    const MAX_TURNS: usize = 300;
    let mut random = FastRng::new(seed);
    let mut replies = vec![probe.reset(start).await?];
    for _ in 0..MAX_TURNS {
        let last = &replies[replies.len() - 1];
        if last.done {
            break;
        }
        let legal = legal_ids(&last.observation);
        if legal.is_empty() {
            return Err(Problem::Fail(format!("no legal actions are listed in {:?}", last.observation)));
        }
        let action = legal[random.below(legal.len())].to_string();
        replies.push(probe.step(&replies[0], &action).await?);
    }
    probe.stop(&replies[0]).await?;
    Ok(replies)
}
