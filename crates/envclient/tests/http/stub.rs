//! A sidecar of thirty lines of rules on a raw socket, so that a test can decide the fate of every request.
//!
//! The game counts: an episode ends with its third step, as a won hand of leduc poker (+2 chips).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use url::Url;

/// What happens to a request. The next request of a method without a fate is answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    Fail(u16),
    CloseBefore,
    CloseAfter,
    HangAfter,
    /// Answered when the test adds a permit to [`Stub::gate`].
    Hold,
    Garbage,
    Forget,
}

#[derive(Default)]
struct Inner {
    fates: HashMap<String, VecDeque<Fate>>,
    log: Vec<String>,
    steps: HashMap<String, u64>,
    started: u64,
}

pub(crate) struct Stub {
    pub(crate) url: Url,
    pub(crate) gate: Arc<Semaphore>,
    in_flight: watch::Sender<usize>,
    peak: Mutex<usize>,
    inner: Mutex<Inner>,
    server: Mutex<Option<JoinHandle<()>>>,
    /// Leaves `step_count` out.
    pub(crate) vague: bool,
}

impl Stub {
    pub(crate) async fn start() -> Arc<Self> {
        Self::start_with(false).await
    }

    pub(crate) async fn start_with(vague: bool) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let stub = Arc::new(Self {
            url: Url::parse(&url).expect("a URL"),
            gate: Arc::new(Semaphore::new(0)),
            in_flight: watch::Sender::new(0),
            peak: Mutex::new(0),
            inner: Mutex::default(),
            server: Mutex::new(None),
            vague,
        });
        let weak = Arc::downgrade(&stub);
        let server = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let (Ok((socket, _)), Some(stub)) = (listener.accept().await, weak.upgrade()) {
                connections.spawn(async move { drop(stub.serve(socket).await) });
            }
        });
        *stub.server.lock().expect("server") = Some(server);
        stub
    }

    /// Closes the port and all connections.
    pub(crate) async fn kill(&self) {
        let server = self.server.lock().expect("server").take().expect("killed once");
        server.abort();
        assert!(server.await.is_err());
    }

    pub(crate) fn plan(&self, method: &str, fates: &[Fate]) {
        self.inner().fates.entry(method.to_owned()).or_default().extend(fates);
    }

    /// Requests so far but `/health`, by method.
    pub(crate) fn log(&self) -> String {
        self.inner().log.join(" ")
    }

    pub(crate) fn open_episodes(&self) -> usize {
        self.inner().steps.len()
    }

    pub(crate) fn peak_in_flight(&self) -> usize {
        *self.peak.lock().expect("peak")
    }

    pub(crate) async fn until_in_flight(&self, n: usize) {
        self.in_flight.subscribe().wait_for(|now| *now >= n).await.expect("the sender lives");
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("inner")
    }

    async fn serve(&self, socket: TcpStream) -> std::io::Result<()> {
        let mut socket = BufReader::new(socket);
        loop {
            let (mut line, mut length) = (String::new(), 0);
            socket.read_line(&mut line).await?;
            let Some(path) = line.split(' ').nth(1) else {
                return Ok(());
            };
            let method = path.trim_start_matches('/').to_owned();
            loop {
                let mut header = String::new();
                socket.read_line(&mut header).await?;
                match header.to_ascii_lowercase().split_once(':') {
                    Some(("content-length", value)) => length = value.trim().parse().expect("a length"),
                    Some(_) => {}
                    None => break,
                }
            }
            let mut body = vec![0; length];
            socket.read_exact(&mut body).await?;
            self.in_flight.send_modify(|now| *now += 1);
            let peak = *self.in_flight.borrow();
            {
                let mut known = self.peak.lock().expect("peak");
                *known = (*known).max(peak);
            }
            let answer = self.answer(&method, serde_json::from_slice(&body).unwrap_or(Value::Null)).await;
            self.in_flight.send_modify(|now| *now -= 1);
            let Some((status, text)) = answer else {
                return Ok(());
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                text.len()
            );
            socket.write_all((head + &text).as_bytes()).await?;
        }
    }

    async fn answer(&self, method: &str, body: Value) -> Option<(u16, String)> {
        let fate = {
            let mut inner = self.inner();
            if method != "health" {
                inner.log.push(method.to_owned());
            }
            inner.fates.get_mut(method).and_then(VecDeque::pop_front)
        };
        match fate {
            Some(Fate::Fail(status)) => return Some((status, json!({"detail": "planned"}).to_string())),
            Some(Fate::CloseBefore) => return None,
            Some(Fate::Garbage) => return Some((200, "<html>".to_owned())),
            Some(Fate::Forget) => self.inner().steps.clear(),
            Some(Fate::Hold) => self.gate.acquire().await.expect("open").forget(),
            _ => {}
        }
        let result = self.play(method, body["episode_id"].as_str().unwrap_or_default());
        match fate {
            Some(Fate::CloseAfter) => None,
            Some(Fate::HangAfter) => std::future::pending().await,
            _ => Some((200, json!({"status": "success", "result": result, "error": null}).to_string())),
        }
    }

    fn play(&self, method: &str, episode: &str) -> Value {
        let mut inner = self.inner();
        match method {
            "reset" => {
                inner.started += 1;
                let episode = format!("e{}", inner.started);
                inner.steps.insert(episode.clone(), 0);
                self.result(&episode, Some(0), false)
            }
            "step" | "state" => {
                let steps = inner.steps.get_mut(episode);
                let steps = steps.map(|steps| {
                    *steps += u64::from(method == "step");
                    *steps
                });
                self.result(episode, steps, method == "step")
            }
            "stop" => json!({"status": "ok", "stopped": inner.steps.remove(episode).is_some()}),
            _ => json!({"status": "ok"}),
        }
    }

    fn result(&self, episode: &str, steps: Option<u64>, with_reward: bool) -> Value {
        let Some(steps) = steps else {
            let error = json!({"type": "episode_not_found", "message": "gone", "retryable": true});
            return json!({"observation": "gone", "reward": 0.0, "done": true, "truncated": true,
                "episode_id": episode, "info": {"error": error, "step_count": 0}});
        };
        let done = steps >= 3;
        let observation =
            if done { "Game Over: leduc_poker\nYour Return: 2.0\nNormalized Score: 0.577" } else { "go on" };
        let mut info = json!({"game_name": "leduc_poker", "seed": 7});
        if !self.vague {
            info["step_count"] = steps.into();
        }
        let reward = if done && with_reward { 15.0 / 26.0 } else { 0.0 };
        json!({"observation": observation, "reward": reward, "done": done, "truncated": false, "episode_id": episode, "info": info})
    }
}
