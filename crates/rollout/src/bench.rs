//! Throughput of environments: steps a second and CPU a request, for `croupier bench env`.
//!
//! The client is the pool that rollouts use; a policy that answers at once stands for the model. Requests are counted
//! as the Python peers count them: resets and steps. `/stop` is sent besides and its CPU is part of the figure.

mod bare;
mod cpu;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use envclient::{Histogram, Pool, PoolConfig, Session};
use serde::Serialize;
use tokio::task::JoinSet;
use url::Url;

pub use self::bare::{BareConfig, bare_loop};
pub use self::cpu::cpu_of_this_process;
use crate::seed::{below, mix};
use crate::wire::reset_request;
use crate::{Error, Start, parse_observation};

/// How the benchmark's agent plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchPlay {
    /// The lowest legal id, as the Python peers do.
    FirstLegal,
    /// Uniform, by the episode's seed.
    Random,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchEnvConfig {
    /// Sidecars.
    pub urls: Vec<Url>,
    /// Episodes to play.
    pub episodes: u64,
    /// Episodes at once over all sidecars.
    pub concurrency: usize,
    /// Requests in flight per sidecar; absent is as many as there are episodes at once.
    pub in_flight: Option<usize>,
    /// Start of the first episode; the others count task id and seed up from it.
    pub first: Start,
    /// The agent.
    pub play: BenchPlay,
    /// The sidecar runs in this process, so that CPU times cannot be told apart.
    pub shares_process: bool,
}

/// What came out, by the names of interfaces.md.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EnvFigures {
    /// The sidecars, comma separated.
    pub url: String,
    /// Episodes played.
    pub episodes: u64,
    /// Mean steps of an episode.
    pub turns: f64,
    /// Episodes at once.
    pub concurrency: usize,
    /// Actions played.
    pub steps: u64,
    /// Resets and steps.
    pub requests: u64,
    /// Actions a second.
    pub steps_s: f64,
    /// Resets and steps a second.
    pub requests_s: f64,
    /// CPU time of this process; absent if the sidecar shares it.
    pub client_cpu_us_per_request: Option<f64>,
    /// CPU time of the sidecars, where their `/stats` tells it.
    pub server_cpu_us_per_request: Option<f64>,
    /// Median time of a request, waiting for a free slot included.
    pub p50_ms: Option<f64>,
    /// 99th percentile.
    pub p99_ms: Option<f64>,
    /// Requests that failed.
    pub errors: u64,
    /// Wall clock.
    pub seconds: f64,
}

/// [`bench_env`] on a runtime of one thread, as the Python peers run: two workers that wake each other for every answer
/// cost a third more CPU and answer no sooner. Blocks; not for use inside a runtime.
///
/// # Errors
/// As [`bench_env`], and [`Error::Bench`] if there is no runtime to be had.
pub fn bench_env_on_one_thread(config: &BenchEnvConfig) -> Result<EnvFigures, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Error::Bench(error.to_string()))?.block_on(bench_env(config))
}

/// Plays [`BenchEnvConfig::episodes`] and measures.
///
/// # Errors
/// [`Error::Sidecars`] if none can be used; [`Error::Bench`] if an episode fails. Dropping the future ends it.
pub async fn bench_env(config: &BenchEnvConfig) -> Result<EnvFigures, Error> {
    let pool = Pool::connect(&config.urls, pool_config(config)).await?;
    let server_before = cpu::of_servers(&config.urls).await;
    let (cpu_before, started) = (cpu_of_this_process(), Instant::now());
    let tally = Arc::new(Tally::default());
    let mut players = JoinSet::new();
    for _ in 0..config.concurrency.max(1) {
        players.spawn(play_share(pool.clone(), config.clone(), tally.clone()));
    }
    while let Some(ended) = players.join_next().await {
        ended.map_err(|error| Error::Bench(error.to_string()))??;
    }
    let elapsed = started.elapsed();
    let stats = pool.shutdown().await;
    let client_cpu = cpu_of_this_process().saturating_sub(cpu_before);
    let server_cpu =
        cpu::of_servers(&config.urls).await.zip(server_before).map(|(after, before)| after - before);
    let mut figures = tally.figures(config, elapsed);
    let each = |seconds: f64| seconds * 1e6 / figures.requests.max(1) as f64;
    let client = (!config.shares_process).then(|| each(client_cpu.as_secs_f64()));
    let server = server_cpu.map(each);
    (figures.client_cpu_us_per_request, figures.server_cpu_us_per_request) = (client, server);
    figures.errors = stats.errors();
    Ok(figures)
}

fn pool_config(config: &BenchEnvConfig) -> PoolConfig {
    let workers = config.concurrency.div_ceil(config.urls.len().max(1)).max(1);
    PoolConfig { workers, in_flight: config.in_flight.unwrap_or(workers), ..PoolConfig::default() }
}

/// What all players together did.
#[derive(Debug, Default)]
struct Tally {
    next: AtomicU64,
    steps: AtomicU64,
    latency: Histogram,
}

impl Tally {
    fn figures(&self, config: &BenchEnvConfig, elapsed: Duration) -> EnvFigures {
        let (steps, seconds) = (self.steps.load(Relaxed), elapsed.as_secs_f64());
        let requests = steps + config.episodes;
        let quantile = |q| self.latency.quantile(q).map(|latency| latency.as_secs_f64() * 1e3);
        EnvFigures {
            url: config
                .urls
                .iter()
                .map(|url| url.as_str().trim_end_matches('/'))
                .collect::<Vec<_>>()
                .join(","),
            episodes: config.episodes,
            turns: steps as f64 / config.episodes.max(1) as f64,
            concurrency: config.concurrency,
            steps,
            requests,
            steps_s: steps as f64 / seconds,
            requests_s: requests as f64 / seconds,
            client_cpu_us_per_request: None,
            server_cpu_us_per_request: None,
            p50_ms: quantile(0.5),
            p99_ms: quantile(0.99),
            errors: 0,
            seconds,
        }
    }
}

/// Plays episodes until none is left.
async fn play_share(pool: Pool, config: BenchEnvConfig, tally: Arc<Tally>) -> Result<(), Error> {
    loop {
        let index = tally.next.fetch_add(1, Relaxed);
        if index >= config.episodes {
            return Ok(());
        }
        let first = config.first;
        let start = Start { task_id: first.task_id + index, seed: first.seed + index, ..first };
        let mut session = pool.acquire().await?;
        play_one(&mut session, start, config.play, &tally).await?;
        session.close().await;
    }
}

async fn play_one(session: &mut Session, start: Start, play: BenchPlay, tally: &Tally) -> Result<(), Error> {
    let sent = Instant::now();
    let mut result = session.reset(&reset_request(start)).await?;
    tally.latency.record(sent.elapsed());
    let mut key = start.seed;
    while !result.done {
        let observation = parse_observation(result.observation);
        key = mix(key);
        let legal = &observation.legal;
        let chosen = if play == BenchPlay::Random { below(key, legal.len()) } else { 0 };
        let Some((id, _)) = legal.get(chosen) else {
            return Err(Error::Bench(format!("no legal action in `{}`", observation.text)));
        };
        let sent = Instant::now();
        result = session.step(&id.to_string()).await?;
        tally.latency.record(sent.elapsed());
        tally.steps.fetch_add(1, Relaxed);
    }
    Ok(())
}
