//! Where episodes are played: the sidecars of a run, or this process.

use std::sync::Arc;

use envclient::{Pool, PoolConfig};
use rollout::{EnvSource, InProcessSource, SidecarSource};
use schema::EnvName;
use sidecar::{Actor, ActorConfig};
use url::Url;

/// Episodes at once when games run in this process: enough to fill the engine's batches.
const IN_PROCESS_EPISODES: usize = 256;

/// Environments of a run, with the pool behind them if there is one.
#[derive(Clone)]
pub struct Source {
    envs: Arc<dyn EnvSource>,
    sidecars: Option<Arc<SidecarSource>>,
}

impl Source {
    /// The games in this process.
    ///
    /// # Errors
    /// If one of them is no game.
    pub fn in_process(games: &[EnvName]) -> Result<Self, sidecar::Error> {
        let config = ActorConfig { games: games.to_vec(), ..ActorConfig::default() };
        let envs = InProcessSource::new(Arc::new(Actor::new(&config)?), IN_PROCESS_EPISODES);
        Ok(Self { envs: Arc::new(envs), sidecars: None })
    }

    /// Sidecars over HTTP.
    ///
    /// # Errors
    /// If none of them answers in time.
    pub async fn connect(urls: &[Url], config: PoolConfig) -> Result<Self, envclient::Error> {
        let sidecars = Arc::new(SidecarSource::new(Pool::connect(urls, config).await?));
        Ok(Self { envs: sidecars.clone(), sidecars: Some(sidecars) })
    }

    /// For players.
    pub fn envs(&self) -> &Arc<dyn EnvSource> {
        &self.envs
    }

    /// Episodes that can be played at once.
    pub fn capacity(&self) -> usize {
        self.sidecars.as_ref().map_or(IN_PROCESS_EPISODES, |sidecars| sidecars.pool().capacity().max(1))
    }

    /// Frees what is open and returns the counters, one line per sidecar; none for games in this process.
    pub async fn shutdown(&self) -> Vec<String> {
        let Some(sidecars) = &self.sidecars else { return Vec::new() };
        let stats = sidecars.pool().shutdown().await;
        let line = |one: &envclient::SidecarStats| {
            format!(
                "{}: {} requests, {} errors, {} retries, {} recovered steps, {} breaker trips, p50 {:.1} ms, p99 {:.1} ms",
                one.url,
                one.requests,
                one.errors.total(),
                one.retries,
                one.recovered_steps,
                one.trips,
                one.p50_ms.unwrap_or_default(),
                one.p99_ms.unwrap_or_default()
            )
        };
        stats.sidecars.iter().map(line).collect()
    }
}
