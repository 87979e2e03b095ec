//! The sidecar over HTTP: an [`Actor`] behind routes, on a port of this machine.
//!
//! Unlike the original it answers requests concurrently: light calls on the runtime's workers, searches on threads
//! for computing. The accept loop is our own because faults have to close single connections without a reply.

mod kwargs;
mod routes;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use self::routes::{App, Connection};
use crate::Error;
use crate::actor::{Actor, ActorConfig};
use crate::faults::Faults;

/// Connections at once; a rollout keeps a handful per worker.
const MAX_CONNECTIONS: usize = 1024;
/// A client that has not sent its headers by then is gone.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a graceful shutdown waits for requests that are being answered.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// Games of `evaluate` at once unless said otherwise; the original's thread pool has a hundred threads, two a game.
const MAX_EVALUATIONS: usize = 50;
/// Pause after a failed accept, e.g. when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Settings of a server.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Games, idle timeout, cap.
    pub actor: ActorConfig,
    /// Injected faults.
    pub faults: Option<Faults>,
    /// Searches at once.
    pub compute_threads: usize,
    /// Games of `evaluate` at once; more wait, within their own timeouts.
    pub max_evaluations: usize,
}

impl Default for ServeConfig {
    /// All games of the original on a free port of this machine, without faults.
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            actor: ActorConfig::default(),
            faults: None,
            compute_threads: std::thread::available_parallelism().map_or(1, usize::from),
            max_evaluations: MAX_EVALUATIONS,
        }
    }
}

/// A running sidecar. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    actor: Arc<Actor>,
    stopping: CancellationToken,
    killed: CancellationToken,
    accepting: Option<JoinHandle<()>>,
}

/// Starts a sidecar.
///
/// # Errors
/// [`Error::Listen`] if the address is taken; [`Error::FaultRates`]; as [`Actor::new`].
pub async fn serve(config: ServeConfig) -> Result<Server, Error> {
    config.faults.as_ref().map_or(Ok(()), Faults::check)?;
    let listen = |source| Error::Listen { address: config.address, source };
    let listener = TcpListener::bind(config.address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let actor_config = config.actor.clone();
    // Trying out a sandbox starts processes.
    let made = tokio::task::spawn_blocking(move || Actor::new(&actor_config)).await;
    let actor = Arc::new(made.expect("making an actor does not panic")?);
    let (stopping, killed) = (CancellationToken::new(), CancellationToken::new());
    let app = App::new(Arc::clone(&actor), &config);
    let acceptor =
        Acceptor { listener, app: Arc::new(app), stopping: stopping.clone(), killed: killed.clone() };
    let reaper = reap(Arc::clone(&actor), config.actor.idle_timeout, stopping.clone());
    let accepting = tokio::spawn(async move {
        let reaper = tokio::spawn(reaper);
        acceptor.run().await;
        reaper.abort();
    });
    info!(%address, "sidecar listens");
    Ok(Server { address, actor, stopping, killed, accepting: Some(accepting) })
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// In the form that `ENVIRONMENT_SERVER_URLS` takes. An unspecified address is shown as this machine's.
    pub fn url(&self) -> String {
        let host =
            if self.address.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { self.address.ip() };
        format!("http://{}", SocketAddr::new(host, self.address.port()))
    }

    /// The logic behind the routes.
    pub fn actor(&self) -> &Arc<Actor> {
        &self.actor
    }

    /// Stops accepting, answers what has been asked, and closes; after five seconds it closes anyway.
    /// Dropping the future kills the server.
    pub async fn shutdown(mut self) {
        self.stopping.cancel();
        self.join(SHUTDOWN_GRACE).await;
    }

    /// Closes every connection at once, as a crash would.
    /// Dropping the future leaves the rest to the runtime.
    pub async fn kill(mut self) {
        self.killed.cancel();
        self.join(SHUTDOWN_GRACE).await;
    }

    async fn join(&mut self, grace: Duration) {
        let Some(mut accepting) = self.accepting.take() else {
            return;
        };
        if tokio::time::timeout(grace, &mut accepting).await.is_err() {
            self.killed.cancel();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.cancel();
        self.killed.cancel();
    }
}

/// Frees idle episodes from time to time.
async fn reap(actor: Arc<Actor>, idle_timeout: Duration, stopping: CancellationToken) {
    let period = (idle_timeout / 4).clamp(Duration::from_millis(10), Duration::from_secs(60));
    let mut ticks = tokio::time::interval(period);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let (freed, open) = {
            let actor = Arc::clone(&actor);
            let sweep = move || (actor.sweep(), actor.open_episodes());
            tokio::task::spawn_blocking(sweep).await.unwrap_or_default()
        };
        if freed > 0 {
            info!(freed, open, "idle episodes freed");
        }
    }
}

struct Acceptor {
    listener: TcpListener,
    app: Arc<App>,
    stopping: CancellationToken,
    killed: CancellationToken,
}

impl Acceptor {
    /// Accepts until stopped, then waits for the open connections.
    async fn run(self) {
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            let permit = Arc::clone(&permits).acquire_owned();
            let accepted = tokio::select! {
                () = self.stopping.cancelled() => break,
                () = self.killed.cancelled() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                accepted = async { (permit.await, self.listener.accept().await) } => accepted,
            };
            match accepted {
                (Ok(permit), Ok((stream, _))) => {
                    connections.spawn(self.connection(stream, permit));
                }
                (_, Err(error)) => {
                    warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                (Err(_), _) => break,
            }
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }

    fn connection(
        &self,
        stream: TcpStream,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + use<> {
        let stopping = self.stopping.clone();
        let connection = Connection::new(&self.killed);
        let routes = routes::router(Arc::clone(&self.app), connection.clone());
        async move {
            let _permit = permit;
            // Replies are small and asked for one by one: waiting to fill a packet only costs time.
            let _ = stream.set_nodelay(true);
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
            let serving = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
            let (closed, stopping) = (connection.closed(), stopping.cancelled());
            tokio::pin!(serving, closed, stopping);
            let mut is_stopping = false;
            loop {
                tokio::select! {
                    served = serving.as_mut() => {
                        if let Err(error) = served {
                            debug!(%error, "connection ended");
                        }
                        return;
                    }
                    () = closed.as_mut() => return,
                    () = stopping.as_mut(), if !is_stopping => {
                        is_stopping = true;
                        serving.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
