//! Servers of games in this process, a policy that can be held up, and a plain client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::StatusCode;
use rollout::server::{JobState, JobStatus, Served, Server, ServerConfig, serve};
use rollout::{
    ByteCodec, Completion, InProcessSource, Policy, PolicyError, RandomPolicy, Request, format_by_name,
};
use schema::{EnvName, Trajectory};
use serde_json::{Value, json};
use sidecar::{Actor, ActorConfig};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Random, but only so many turns until it is allowed more.
pub(crate) struct Gated {
    allowed: watch::Receiver<u64>,
    asked: AtomicU64,
}

impl Gated {
    /// The policy, and what opens its gate.
    pub(crate) fn new(allowed: u64) -> (Arc<Self>, watch::Sender<u64>) {
        let (open, allowed) = watch::channel(allowed);
        (Arc::new(Self { allowed, asked: AtomicU64::new(0) }), open)
    }
}

impl Policy for Gated {
    fn name(&self) -> String {
        "gated".to_owned()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>> {
        let (number, mut allowed) = (self.asked.fetch_add(1, Relaxed), self.allowed.clone());
        async move {
            allowed.wait_for(|allowed| number < *allowed).await.expect("the test holds the gate");
            RandomPolicy.generate(request).await
        }
        .boxed()
    }
}

/// A policy that fails.
pub(crate) struct Broken;

impl Policy for Broken {
    fn name(&self) -> String {
        "broken".to_owned()
    }

    fn generate(&self, _request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>> {
        std::future::ready(Err(PolicyError::Stopped("no weights".to_owned()))).boxed()
    }
}

/// A running server with a client.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) spool: TempDir,
    client: reqwest::Client,
}

pub(crate) fn served(policy: Arc<dyn Policy>) -> Served {
    let envs = vec![EnvName::LeducPoker, EnvName::KuhnPoker, EnvName::LiarsDice];
    let actor = Actor::new(&ActorConfig { games: envs.clone(), ..ActorConfig::default() });
    let source = InProcessSource::new(Arc::new(actor.expect("known games")), 16);
    Served {
        policy,
        formats: Arc::new(|name| format_by_name(name, Arc::new(ByteCodec))),
        source: Arc::new(source),
        envs,
        capacity: 16,
        max_context: None,
    }
}

impl House {
    pub(crate) async fn open(policy: Arc<dyn Policy>) -> Self {
        Self::with(policy, |_| {}).await
    }

    pub(crate) async fn with(policy: Arc<dyn Policy>, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let spool = tempfile::tempdir().expect("a folder");
        let mut config = ServerConfig::new(spool.path());
        change(&mut config);
        let server = serve(config, served(policy), &CancellationToken::new()).await.expect("a port");
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build();
        Self { server, spool, client: client.expect("a client") }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    pub(crate) async fn post(&self, body: &Value) -> (StatusCode, Value) {
        let request = self.client.post(self.url("/v1/jobs")).json(body);
        answer(request.send().await.expect("an answer")).await
    }

    /// Posts a small job with some fields changed; its id.
    pub(crate) async fn start(&self, change: Value) -> String {
        let mut job = json!({"envs": ["leduc_poker"], "groups": 10, "group_size": 4, "seed": 3,
                             "opponent": {"kind": "random"}});
        job.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        let (status, answer) = self.post(&job).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.client.get(self.url(path)).send().await.expect("an answer")).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (StatusCode, Value) {
        answer(self.client.delete(self.url(path)).send().await.expect("an answer")).await
    }

    pub(crate) async fn status(&self, id: &str) -> JobStatus {
        serde_json::from_value(self.get(&format!("/v1/jobs/{id}")).await.1).expect("a status")
    }

    /// The status once the job is over.
    pub(crate) async fn end(&self, id: &str) -> JobStatus {
        until(async || Some(self.status(id).await).filter(|status| status.state != JobState::Running)).await
    }

    /// Everything after a cursor until the stream ends.
    pub(crate) async fn pull(&self, id: &str, after: u64) -> Vec<(u64, Vec<Trajectory>)> {
        let path = format!("/v1/jobs/{id}/groups?after={after}");
        let body = self.client.get(self.url(&path)).send().await.expect("an answer").text().await;
        body.expect("a whole stream").lines().map(line).collect()
    }

    /// An open stream of groups.
    pub(crate) async fn stream(&self, id: &str, after: u64) -> reqwest::Response {
        let path = format!("/v1/jobs/{id}/groups?after={after}");
        self.client.get(self.url(&path)).send().await.expect("an answer")
    }
}

/// A cursor and its group.
pub(crate) fn line(text: &str) -> (u64, Vec<Trajectory>) {
    let mut line: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(line.as_object().map(serde_json::Map::len), Some(2), "a cursor and a group");
    let cursor = line["cursor"].as_u64().expect("a cursor");
    (cursor, serde_json::from_value(line["group"].take()).expect("trajectories"))
}

async fn answer(response: reqwest::Response) -> (StatusCode, Value) {
    let status = response.status();
    (status, response.json().await.expect("every answer is JSON"))
}

/// What `ask` gives, asked again until it gives something.
pub(crate) async fn until<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking).await.expect("it comes within a minute")
}
