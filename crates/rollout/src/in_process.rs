//! Environments in this process: the sidecar's logic without HTTP.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use schema::env_api::{EnvResult, ResetRequest};
use sidecar::{Actor, Weight};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::wire::{Reader, reset_request};
use crate::{Env, EnvError, EnvSource, Start, StepResult};

/// Gives out episodes of an [`Actor`], a bounded number at once.
#[derive(Clone, Debug)]
pub struct InProcessSource {
    actor: Arc<Actor>,
    places: Arc<Semaphore>,
}

impl InProcessSource {
    /// At most `max_episodes` episodes of `actor` at once, or as many as it takes.
    pub fn new(actor: Arc<Actor>, max_episodes: usize) -> Self {
        let n_places = max_episodes.min(actor.max_episodes()).max(1);
        Self { actor, places: Arc::new(Semaphore::new(n_places)) }
    }
}

impl EnvSource for InProcessSource {
    fn acquire(&self) -> BoxFuture<'_, Result<Box<dyn Env>, EnvError>> {
        async {
            let place = self.places.clone().acquire_owned().await.expect("never closed");
            let (actor, reader) = (self.actor.clone(), Reader::default());
            Ok(Box::new(InProcessEnv { actor, episode: None, reader, _place: place }) as Box<dyn Env>)
        }
        .boxed()
    }
}

/// One episode of the actor.
#[derive(Debug)]
struct InProcessEnv {
    actor: Arc<Actor>,
    episode: Option<String>,
    reader: Reader,
    _place: OwnedSemaphorePermit,
}

impl InProcessEnv {
    /// Runs a call here if it is short, else on a thread for computing.
    async fn call<T: Send + 'static>(
        &self,
        weight: Weight,
        call: impl FnOnce(&Actor) -> T + Send + 'static,
    ) -> Result<T, EnvError> {
        if weight == Weight::Light {
            return Ok(call(&self.actor));
        }
        let actor = self.actor.clone();
        let computed = tokio::task::spawn_blocking(move || call(&actor)).await;
        computed.map_err(|error| EnvError::Failed(format!("the game's thread ended: {error}")))
    }

    async fn start(&mut self, request: ResetRequest) -> Result<EnvResult, EnvError> {
        self.free();
        let weight = self.actor.reset_weight(&request);
        let result = self.call(weight, move |actor| actor.reset(&request)).await?;
        let result = result.map_err(|error| EnvError::Failed(error.to_string()))?;
        self.episode.clone_from(&result.episode_id);
        Ok(result)
    }

    async fn play(&self, action: &str) -> Result<EnvResult, EnvError> {
        let Some(episode) = self.episode.clone() else {
            return Err(EnvError::Failed("no episode has been started".to_owned()));
        };
        let weight = self.actor.episode_weight(&episode);
        match weight {
            Weight::Light => Ok(self.actor.step(action, Some(&episode))),
            Weight::Heavy | Weight::Process => {
                let action = action.to_owned();
                self.call(weight, move |actor| actor.step(&action, Some(&episode))).await
            }
        }
    }

    fn free(&mut self) {
        if let Some(episode) = self.episode.take() {
            self.actor.stop(Some(&episode));
        }
    }
}

impl Env for InProcessEnv {
    fn location(&self) -> String {
        String::new()
    }

    fn reset(&mut self, start: Start) -> BoxFuture<'_, Result<StepResult, EnvError>> {
        async move {
            let result = self.start(reset_request(start)).await?;
            self.reader = Reader::default();
            self.reader.read(result)
        }
        .boxed()
    }

    fn step<'a>(&'a mut self, action: &'a str) -> BoxFuture<'a, Result<StepResult, EnvError>> {
        async move {
            let result = self.play(action).await?;
            self.reader.read(result)
        }
        .boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        async move {
            let Some(episode) = self.episode.take() else { return };
            let weight = self.actor.stop_weight(&episode);
            // A thread that panicked has freed what it held.
            drop(self.call(weight, move |actor| drop(actor.stop(Some(&episode)))).await);
        }
        .boxed()
    }
}

impl Drop for InProcessEnv {
    fn drop(&mut self) {
        self.free();
    }
}
