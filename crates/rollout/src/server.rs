//! A rollout server: jobs are posted over HTTP, played in the background, and their groups pulled as JSON lines.
//!
//! What plays and where is given by whoever starts the server ([`Served`]); a job says which games, how many groups and
//! how they are drawn. A group is numbered by its cursor, in the order of completion from 1. Asking for groups after a
//! cursor says that all up to it are safe with the client: they may be freed. What is not yet acknowledged lies in
//! files, so that a client that is killed goes on where it was, without loss and without repeats.
//!
//! Jobs end with the server: their ids hold a random part, so that a cursor is never taken for one of another life.
//! One client pulls a job; several trainers post a job each.

mod groups;
mod job;
mod play;
mod refusal;
mod request;
mod routes;
mod spool;

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use schema::EnvName;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

pub use self::job::{JobCounts, JobState, JobStatus};
pub use self::request::{JobLimits, JobRequest, JobSampling};
use self::routes::{App, router};
use crate::{EnvSource, Error, Format, Policy};

/// How long the end waits for answers that are under way and for episodes to be freed.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Settings of a server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Folder for groups that are not yet acknowledged; the server makes a folder of its own in it and removes it at
    /// its end.
    pub spool: PathBuf,
    /// Jobs that are known at once, finished ones included, until they are deleted.
    pub max_jobs: usize,
    /// Jobs that play at once; a job beyond that is refused.
    pub max_running: usize,
    /// Bytes of a job's groups that nobody has acknowledged. A job pauses when it has more.
    pub max_unacknowledged: u64,
    /// Streams of groups at once.
    pub max_streams: usize,
    /// Bytes of a posted job.
    pub max_body: usize,
    /// When a stream of groups ends although its job goes on; the client asks again.
    pub stream_deadline: Duration,
    /// How long a job that is over and that nobody asks about keeps its place from new ones.
    pub idle_timeout: Duration,
}

impl ServerConfig {
    /// On a free port of this machine. A trajectory of gin_rummy has about 100 KiB, so that a gibibyte holds a thousand
    /// groups of 8 or more.
    pub fn new(spool: impl Into<PathBuf>) -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            spool: spool.into(),
            max_jobs: 64,
            max_running: 4,
            max_unacknowledged: 1 << 30,
            max_streams: 64,
            max_body: 64 << 10,
            stream_deadline: Duration::from_secs(600),
            idle_timeout: Duration::from_secs(3600),
        }
    }
}

/// Makes the prompt format that a job names.
pub type Formats = Arc<dyn Fn(&str) -> Result<Arc<dyn Format>, Error> + Send + Sync>;

/// What is served: who plays, and where.
#[derive(Clone)]
pub struct Served {
    /// Plays the agent's seat of every job.
    pub policy: Arc<dyn Policy>,
    /// Formats with the policy's tokenizer.
    pub formats: Formats,
    /// Where episodes are played.
    pub source: Arc<dyn EnvSource>,
    /// Games that jobs may ask for.
    pub envs: Vec<EnvName>,
    /// Episodes that the source can play at once; all jobs share them.
    pub capacity: usize,
    /// Tokens of a prompt and its completion: the model's context.
    pub max_context: Option<usize>,
}

/// A running server. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stopping: CancellationToken,
    serving: JoinHandle<()>,
    playing: TaskTracker,
    spool: PathBuf,
}

/// Starts a server. It stops when `cancel` is cancelled, or by [`Server::shutdown`].
///
/// # Errors
/// [`Error::Listen`] if the address is taken; [`Error::File`] if the spool cannot be written.
pub async fn serve(
    config: ServerConfig,
    served: Served,
    cancel: &CancellationToken,
) -> Result<Server, Error> {
    let listen = |source| Error::Listen { address: config.address, source };
    let listener = TcpListener::bind(config.address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    // Lines are waited for: a packet is not to be filled first.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let life = process_random();
    let spool = config.spool.join(format!("croupier-rollouts-{life:016x}"));
    fs::create_dir_all(&spool).map_err(|source| Error::File { path: spool.clone(), source })?;
    let (stopping, playing) = (cancel.child_token(), TaskTracker::new());
    let app = App::new(config, served, spool.clone(), life, stopping.clone(), playing.clone());
    let routes = router(Arc::new(app));
    let serving = axum::serve(listener, routes).with_graceful_shutdown(stopping.clone().cancelled_owned());
    let serving = tokio::spawn(async move { drop(serving.await) });
    info!(%address, "rollout server listens");
    Ok(Server { address, stopping, serving, playing, spool })
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of its addresses. An unspecified address is shown as this machine's.
    pub fn url(&self) -> String {
        let ip = self.address.ip();
        let host = if ip.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { ip };
        format!("http://{}", SocketAddr::new(host, self.address.port()))
    }

    /// Stops accepting, ends the streams between two groups, cancels the jobs, and removes the spool; what does not end
    /// within five seconds is cut off. Dropping the future does the rest without waiting.
    pub async fn shutdown(mut self) {
        self.stopping.cancel();
        self.playing.close();
        let ended = async {
            drop((&mut self.serving).await);
            self.playing.wait().await;
        };
        if tokio::time::timeout(SHUTDOWN_GRACE, ended).await.is_err() {
            warn!("rollouts did not end in time");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.cancel();
        self.serving.abort();
        remove(&self.spool);
    }
}

/// Removes a folder of the spool.
fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        warn!(folder = %folder.display(), %error, "the spool cannot be removed");
    }
}

/// A number that no other process has, from the entropy that std keys its hash maps with. It names things; nothing that
/// is played depends on it.
fn process_random() -> u64 {
    RandomState::new().hash_one(0_u8)
}
