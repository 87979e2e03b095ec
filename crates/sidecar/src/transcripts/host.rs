//! A server on a free port with a client, both on a runtime of their own.

use std::time::Duration;

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::{Error, ServeConfig, Server, serve};

/// Deadline of one call; the searches of the recordings take milliseconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// Calls over real HTTP from code that is not async.
pub(super) struct Host {
    // Before the runtime, which drops it.
    server: Server,
    client: reqwest::Client,
    runtime: Runtime,
}

impl Host {
    pub(super) fn start() -> Result<Self, Error> {
        let config = ServeConfig::default();
        let listen = |source| Error::Listen { address: config.address, source };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(listen)?;
        let server = runtime.block_on(serve(config.clone()))?;
        Ok(Self { server, client: reqwest::Client::new(), runtime })
    }

    /// Value of a method; null if it was not answered with success.
    pub(super) fn call(&self, method: &str, kwargs: Value) -> Result<Value, Error> {
        let url = self.server.url();
        let unreachable = |source| Error::Unreachable { url: url.clone(), what: method.to_owned(), source };
        let answer = async {
            let response =
                self.client.post(format!("{url}/{method}")).json(&kwargs).timeout(DEADLINE).send().await?;
            response.json::<Value>().await
        };
        let mut answer = self.runtime.block_on(answer).map_err(unreachable)?;
        Ok(answer["result"].take())
    }
}
