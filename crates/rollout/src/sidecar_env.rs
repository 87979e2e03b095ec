//! Environments behind HTTP: one session of a pool each.

use envclient::{Error, Pool, Session};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::wire::{Reader, reset_request};
use crate::{Env, EnvError, EnvSource, Start, StepResult};

impl From<Error> for EnvError {
    fn from(error: Error) -> Self {
        if error.is_timeout() { Self::Timeout(error.to_string()) } else { Self::Failed(error.to_string()) }
    }
}

/// Gives out places on the sidecars of a pool.
#[derive(Clone, Debug)]
pub struct SidecarSource {
    pool: Pool,
}

impl SidecarSource {
    /// Environments on the sidecars of `pool`.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// The pool, for its counters.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}

impl EnvSource for SidecarSource {
    fn acquire(&self) -> BoxFuture<'_, Result<Box<dyn Env>, EnvError>> {
        async {
            let session = self.pool.acquire().await?;
            Ok(Box::new(SidecarEnv { session, reader: Reader::default() }) as Box<dyn Env>)
        }
        .boxed()
    }
}

/// One episode on one sidecar.
#[derive(Debug)]
struct SidecarEnv {
    session: Session,
    reader: Reader,
}

impl Env for SidecarEnv {
    fn location(&self) -> String {
        self.session.url().to_string()
    }

    fn reset(&mut self, start: Start) -> BoxFuture<'_, Result<StepResult, EnvError>> {
        async move {
            let result = self.session.reset(&reset_request(start)).await?;
            self.reader = Reader::default();
            self.reader.read(result)
        }
        .boxed()
    }

    fn step<'a>(&'a mut self, action: &'a str) -> BoxFuture<'a, Result<StepResult, EnvError>> {
        async move {
            let result = self.session.step(action).await?;
            self.reader.read(result)
        }
        .boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        self.session.close().boxed()
    }
}
