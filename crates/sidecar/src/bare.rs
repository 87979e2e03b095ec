//! A bare axum handler that answers every request with the same bytes: the yardstick of `croupier bench env`.

use std::net::{Ipv4Addr, SocketAddr};

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::Error;

/// A running yardstick. Dropping it stops it.
#[derive(Debug)]
pub struct Bare {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Bare {
    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Answers `POST` to any path with `body`, after reading the request's body, as a handler without work to do would.
///
/// # Errors
/// [`Error::Listen`] if no port is free.
pub async fn serve(body: Bytes) -> Result<Bare, Error> {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listen = |source| Error::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let answer = async move |_: Bytes| ([(CONTENT_TYPE, "application/json")], body.clone());
    let routes = axum::Router::new().route("/{method}", axum::routing::post(answer));
    let serving = tokio::spawn(async move {
        // Serving ends only with the task.
        let _ = axum::serve(
            axum::serve::ListenerExt::tap_io(listener, |stream| {
                let _ = stream.set_nodelay(true);
            }),
            routes,
        )
        .await;
    });
    Ok(Bare { address, serving })
}
