//! The socket: starts, serves, and ends in order.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use data::Tokenizer;
use model::Engine;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::Error;
use crate::routes::{App, router};

/// How long the end waits for completions that are under way.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Settings of a server.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Completions that are under way or wait; a request beyond that is answered with 503.
    pub max_in_flight: usize,
    /// Bytes of a request.
    pub max_body: usize,
    /// When a completion ends as it then is; the openai client gives up after the same time.
    pub deadline: Duration,
}

impl Default for ServeConfig {
    /// On a free port of this machine. 4 MiB of JSON are about a million tokens.
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            max_in_flight: 256,
            max_body: 4 << 20,
            deadline: Duration::from_secs(600),
        }
    }
}

/// What is served.
#[derive(Clone, Debug)]
pub struct Served {
    /// As clients name the model.
    pub name: String,
    /// What completes.
    pub engine: Engine,
    /// Of the same model.
    pub tokenizer: Arc<Tokenizer>,
    /// Ids that the model knows.
    pub vocab_size: usize,
    /// Tokens of a prompt and its completion together.
    pub max_context: usize,
    /// The time in seconds since 1970 UTC; answers count on from there.
    pub started: u64,
}

/// A running server. Dropping it ends it at once.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stopping: CancellationToken,
    serving: JoinHandle<()>,
}

/// Starts a server.
///
/// # Errors
/// [`Error::Listen`] if the address is taken.
pub async fn serve(config: ServeConfig, served: Served) -> Result<Server, Error> {
    let listen = |source| Error::Listen { address: config.address, source };
    let listener = TcpListener::bind(config.address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    // Tokens are small and each is waited for: a packet is not to be filled first.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let stopping = CancellationToken::new();
    let routes = router(Arc::new(App::new(config, served)));
    let serving = axum::serve(listener, routes).with_graceful_shutdown(stopping.clone().cancelled_owned());
    let serving = tokio::spawn(async move { drop(serving.await) });
    info!(%address, "serving");
    Ok(Server { address, stopping, serving })
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What clients take as `base_url`. An unspecified address is shown as this machine's.
    pub fn url(&self) -> String {
        let ip = self.address.ip();
        let host = if ip.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { ip };
        format!("http://{}/v1", SocketAddr::new(host, self.address.port()))
    }

    /// Stops accepting and finishes what is under way; after five seconds it closes anyway.
    /// Dropping the future closes at once.
    pub async fn shutdown(mut self) {
        self.stopping.cancel();
        drop(tokio::time::timeout(SHUTDOWN_GRACE, &mut self.serving).await);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
