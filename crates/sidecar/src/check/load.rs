//! Checks under load: many episodes at once, and how long answers take.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use schema::env_api::EnvResult;

use super::probe::{Probe, Start, play};
use super::{CheckOptions, Finding, Problem, ensure};

/// Above this a client with the usual deadlines has little room.
const SLOW: Duration = Duration::from_secs(1);
/// Time at once over time one by one from which requests count as answered one at a time.
const SERIAL_SHARE: f64 = 0.9;

/// Episodes at once go as they go alone. Answering one request at a time is allowed: the original does.
pub(super) async fn concurrency(probe: &Probe, options: &CheckOptions) -> Finding {
    let Some(game) = options.first_game() else {
        return Ok("no game to try".to_owned());
    };
    let starts: Vec<Start> = (0..options.concurrency).map(|index| Start::new(options, game, index)).collect();
    let started = Instant::now();
    let mut alone = Vec::new();
    for start in &starts {
        alone.push(play(probe, start, options.seed).await?);
    }
    let alone_took = started.elapsed();
    let started = Instant::now();
    let together = try_join_all(starts.iter().map(|start| play(probe, start, options.seed))).await?;
    let together_took = started.elapsed();
    let texts =
        |replies: &[EnvResult]| -> Vec<String> { replies.iter().map(|r| r.observation.clone()).collect() };
    let mixed = alone.iter().zip(&together).filter(|(one, other)| texts(one) != texts(other)).count();
    ensure(mixed == 0, || format!("{mixed} of {} episodes went differently at once", starts.len()))?;
    let share = together_took.as_secs_f64() / alone_took.as_secs_f64();
    let seen = format!("{} episodes at once took {share:.2} of the time they take one by one", starts.len());
    if share < SERIAL_SHARE { Ok(seen) } else { Err(Problem::Warn(seen)) }
}

/// Percentiles over everything that was asked.
pub(super) fn latency(probe: &Probe) -> Finding {
    let mut times = probe.times();
    times.sort_unstable();
    let percentile = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    if times.is_empty() {
        return Err(Problem::Warn("nothing was asked".to_owned()));
    }
    let ms = |share: f64| percentile(share).as_secs_f64() * 1e3;
    let seen = format!(
        "{} requests: p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
        times.len(),
        ms(0.5),
        ms(0.9),
        ms(0.99),
        ms(1.0)
    );
    if percentile(0.99) > SLOW { Err(Problem::Warn(seen)) } else { Ok(seen) }
}
