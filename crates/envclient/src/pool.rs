//! All sidecars of a run: who is used, where episodes go, what is left to free.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;
use url::Url;

use crate::client::http_client;
use crate::member::Member;
use crate::reaper::{self, Stop};
use crate::{BreakerState, Client, Error, PoolConfig, PoolStats, Session, prober};

/// The sidecars of `ENVIRONMENT_SERVER_URLS`. Cheap to clone; the last clone or session ends its tasks.
#[derive(Clone, Debug)]
pub struct Pool {
    shared: Arc<Shared>,
}

/// What the pool and its sessions share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: PoolConfig,
    pub(crate) stops: mpsc::Sender<Stop>,
    members: Vec<Arc<Member>>,
    /// Open episodes per member.
    open: Mutex<Vec<usize>>,
    /// A place was freed, or a member's state changed.
    changed: Arc<Notify>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// Where an episode can go now.
enum Place {
    On(usize),
    /// All usable sidecars have as many episodes as they may.
    Full,
    NoneUsable,
}

impl Pool {
    /// A pool of the sidecars at `urls`, ready as soon as one of them answers `/health`; the others join when they do.
    ///
    /// # Errors
    /// [`Error::AllDead`] if none answers for [`PoolConfig::dead_after`], [`Error::NoUrls`] or [`Error::BadUrl`].
    pub async fn connect(urls: &[Url], config: PoolConfig) -> Result<Self, Error> {
        let pool = Self::start(urls, config)?;
        pool.shared.wait_until_usable().await?;
        Ok(pool)
    }

    /// Takes a place on the least loaded sidecar; waits for one while all are full.
    ///
    /// # Errors
    /// [`Error::AllDead`] if none could be used for [`PoolConfig::dead_after`], [`Error::ShutDown`]. Cancel safe.
    pub async fn acquire(&self) -> Result<Session, Error> {
        let member = self.shared.take_place().await?;
        Ok(Session::new(self.shared.clone(), member))
    }

    /// Stops using a sidecar until [`Pool::unblock`]. False if there is no such sidecar.
    pub fn block(&self, url: &Url, reason: &str) -> bool {
        self.set_block(url, Some(reason.to_owned()))
    }

    /// Uses a blocked sidecar again. False if there is no such sidecar.
    pub fn unblock(&self, url: &Url) -> bool {
        self.set_block(url, None)
    }

    /// Number of sidecars.
    pub fn len(&self) -> usize {
        self.shared.members.len()
    }

    /// Never: a pool has at least one sidecar.
    pub fn is_empty(&self) -> bool {
        self.shared.members.is_empty()
    }

    /// Episodes that may be open at once on the sidecars in use now.
    pub fn capacity(&self) -> usize {
        let n_usable = self.shared.members.iter().filter(|member| member.is_usable()).count();
        n_usable * self.shared.config.workers.max(1)
    }

    /// Counters of all sidecars.
    pub fn stats(&self) -> PoolStats {
        let open = self.shared.open().clone();
        let members = self.shared.members.iter().zip(open);
        PoolStats { sidecars: members.map(|(member, open)| member.stats(open)).collect() }
    }

    /// Ends the pool: no more places, queued `/stop` requests are sent, for at most [`PoolConfig::drain_timeout`].
    ///
    /// Sessions that are still open go on, but what they leave open is not freed any more.
    pub async fn shutdown(&self) -> PoolStats {
        self.shared.shutdown.cancel();
        self.shared.changed.notify_waiters();
        self.shared.tasks.close();
        if tokio::time::timeout(self.shared.config.drain_timeout, self.shared.tasks.wait()).await.is_err() {
            warn!(within = ?self.shared.config.drain_timeout, "not all episodes could be freed in time");
        }
        self.stats()
    }

    fn start(urls: &[Url], config: PoolConfig) -> Result<Self, Error> {
        if urls.is_empty() {
            return Err(Error::NoUrls(String::new()));
        }
        let http = http_client(&config.client);
        let changed = Arc::new(Notify::new());
        let member = |url: &Url| {
            let client = Client::with_http(url, config.client.clone(), http.clone())?;
            Ok(Arc::new(Member::new(client, &config, changed.clone())))
        };
        let members: Vec<_> = urls.iter().map(member).collect::<Result<_, Error>>()?;
        let (stops, queue) = mpsc::channel(config.reaper_queue.max(1));
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(reaper::run(queue, shutdown.child_token()));
        for member in &members {
            tasks.spawn(prober::run(member.clone(), shutdown.child_token()));
        }
        let open = Mutex::new(vec![0; members.len()]);
        Ok(Self { shared: Arc::new(Shared { config, stops, members, open, changed, shutdown, tasks }) })
    }

    fn set_block(&self, url: &Url, reason: Option<String>) -> bool {
        let name = url.as_str().trim_end_matches('/');
        let member = self.shared.members.iter().find(|member| member.client.url().as_ref() == name);
        member.inspect(|member| member.block(reason)).is_some()
    }
}

impl Shared {
    pub(crate) fn member(&self, index: usize) -> &Arc<Member> {
        &self.members[index]
    }

    /// Gives a place back.
    pub(crate) fn release(&self, index: usize) {
        self.open()[index] -= 1;
        self.changed.notify_one();
    }

    /// Moves a place from a sidecar to the least loaded other one that can be used, even if that one is full: the
    /// episode has been promised a place. The old index if there is no other.
    pub(crate) fn move_place(&self, from: usize) -> usize {
        let mut open = self.open();
        let others =
            (0..self.members.len()).filter(|&index| index != from && self.members[index].is_usable());
        let Some(to) = others.min_by_key(|&index| self.load(&open, index)) else {
            return from;
        };
        open[from] -= 1;
        open[to] += 1;
        drop(open);
        self.changed.notify_one();
        to
    }

    async fn take_place(&self) -> Result<usize, Error> {
        self.wait_for(|| match self.place() {
            Place::On(index) => Verdict::Ready(index),
            Place::Full => Verdict::Busy,
            Place::NoneUsable => Verdict::Dead,
        })
        .await
    }

    pub(crate) async fn wait_until_usable(&self) -> Result<(), Error> {
        let usable = || self.members.iter().any(|member| member.is_usable());
        self.wait_for(|| if usable() { Verdict::Ready(()) } else { Verdict::Dead }).await
    }

    /// Looks again whenever something changed, until `look` is ready or everything is dead for too long.
    async fn wait_for<T>(&self, look: impl Fn() -> Verdict<T>) -> Result<T, Error> {
        let mut dead_since = None;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.shutdown.is_cancelled() {
                return Err(Error::ShutDown);
            }
            match look() {
                Verdict::Ready(value) => return Ok(value),
                Verdict::Busy => {
                    dead_since = None;
                    changed.await;
                }
                Verdict::Dead => {
                    let give_up = *dead_since.get_or_insert_with(Instant::now) + self.config.dead_after;
                    if tokio::time::timeout_at(give_up, changed).await.is_err() {
                        return Err(self.all_dead());
                    }
                }
            }
        }
    }

    fn place(&self) -> Place {
        let mut open = self.open();
        let usable = (0..self.members.len()).filter(|&index| self.members[index].is_usable());
        match usable.min_by_key(|&index| self.load(&open, index)) {
            None => Place::NoneUsable,
            Some(index) if open[index] >= self.config.workers.max(1) => Place::Full,
            Some(index) => {
                open[index] += 1;
                Place::On(index)
            }
        }
    }

    /// Open episodes first; among equals, whoever was asked less so far.
    fn load(&self, open: &[usize], index: usize) -> (usize, u64) {
        let requests = &self.members[index].counters.requests;
        (open[index], requests.load(std::sync::atomic::Ordering::Relaxed))
    }

    fn all_dead(&self) -> Error {
        let reason = |member: &Arc<Member>| match member.state() {
            BreakerState::Closed => format!("`{}` is used again", member.client.url()),
            BreakerState::Open { reason }
            | BreakerState::HalfOpen { reason }
            | BreakerState::Blocked { reason } => {
                format!("`{}`: {reason}", member.client.url())
            }
        };
        Error::AllDead { waited: self.config.dead_after, reasons: self.members.iter().map(reason).collect() }
    }

    fn open(&self) -> MutexGuard<'_, Vec<usize>> {
        self.open.lock().expect("no panic while it is held")
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// What a waiter sees.
enum Verdict<T> {
    Ready(T),
    Busy,
    Dead,
}
