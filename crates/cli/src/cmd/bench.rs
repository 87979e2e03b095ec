//! `croupier bench games|teach|env|rollout|generate|train`: figures as JSON lines with the common fields of interfaces.md.

mod models;
mod rollout;
mod training;

use std::time::{Duration, Instant};

use ::rollout::Start;
use ::rollout::bench::{BareConfig, BenchEnvConfig, BenchPlay, EnvFigures, bare_loop, bench_env};
use anyhow::Result;
use games::rng::FastRng;
use games::{load_game, playouts};
use schema::{EnvName, Opponent, OpponentKind};
use serde_json::{Value, json};
use sidecar::{ActorConfig, ServeConfig};

use crate::args::{BenchArgs, BenchEnvArgs, BenchGamesArgs, BenchTeachArgs, BenchWhat};
use crate::failure::Failure;
use crate::interrupt;

/// What the sidecar serves.
const GAMES: [&str; 3] =
    ["leduc_poker(players=2)", "liars_dice(players=2,numdice=5)", "gin_rummy(hand_size=7,knock_card=10)"];
/// Playouts between two looks at the clock.
const CHUNK: u64 = 200;
/// About the bodies of a leduc step.
const STEP_BYTES: (usize, usize) = (64, 640);

pub(crate) fn run(args: BenchArgs) -> Result<()> {
    match args.what {
        BenchWhat::Games(args) => bench_games(&args),
        BenchWhat::Teach(args) => bench_teach(&args),
        BenchWhat::Env(args) => interrupt::block_on(bench_environments(args)),
        BenchWhat::Rollout(args) => interrupt::block_on(rollout::bench_rollout(args)),
        BenchWhat::Generate(args) => models::bench_generate(&args),
        BenchWhat::Train(args) => training::bench_train(&args),
    }
}

fn bench_games(args: &BenchGamesArgs) -> Result<()> {
    let named: Vec<&str> = args.games.iter().map(String::as_str).collect();
    for spec in if named.is_empty() { GAMES.to_vec() } else { named } {
        let game = load_game(spec)
            .map_err(|error| Failure::bad_input(error.to_string(), "e.g. leduc_poker(players=2)"))?;
        let mut rates = Vec::new();
        let mut actions = Vec::new();
        let begun = Instant::now();
        for run in 0..args.runs.max(1) {
            let (mut rng, started) = (FastRng::new(u64::from(run)), Instant::now());
            let (mut n_games, mut n_actions) = (0, 0);
            while started.elapsed().as_secs_f64() < args.seconds {
                let played = playouts(game.as_ref(), CHUNK, &mut rng);
                n_games += played.games;
                n_actions += played.actions;
            }
            rates.push(n_games as f64 / started.elapsed().as_secs_f64());
            actions.push(n_actions as f64 / started.elapsed().as_secs_f64());
        }
        let figures = json!({"game": spec, "games_s": median(&rates), "actions_s": median(&actions)});
        print("games", &figures, &rates, begun, 1, args.json);
    }
    Ok(())
}

fn bench_teach(args: &BenchTeachArgs) -> Result<()> {
    let time = Duration::from_secs_f64(args.seconds.max(0.1));
    for game in &args.games {
        let begun = Instant::now();
        let runs = (0..args.runs.max(1)).map(|_| teach::rows_per_second(game, time));
        let rates = runs.collect::<Result<Vec<f64>, _>>();
        let rates = rates.map_err(|error| Failure::bad_input(error.to_string(), teach::GAMES.join(", ")))?;
        let figures = json!({"game": game, "rows_s": median(&rates)});
        print("teach", &figures, &rates, begun, threads(), args.json);
    }
    Ok(())
}

async fn bench_environments(args: BenchEnvArgs) -> Result<()> {
    if args.urls.is_empty() {
        return bench_own_sidecar(&args).await;
    }
    let hint = "http://HOST:PORT";
    let urls = envclient::parse_urls(&args.urls.join(","))
        .map_err(|error| Failure::bad_input(error.to_string(), hint))?;
    let config = BenchEnvConfig {
        urls,
        episodes: args.episodes,
        concurrency: args.concurrency.unwrap_or(64),
        in_flight: args.in_flight,
        first: Start { task_id: 0, seed: 42, opponent: Opponent::plain(OpponentKind::Mcts) },
        play: BenchPlay::FirstLegal,
        shares_process: false,
    };
    let begun = Instant::now();
    let (figures, rates) = repeat(&config, args.runs).await?;
    print("env", &serde_json::to_value(figures)?, &rates, begun, threads(), args.json);
    Ok(())
}

/// Random leduc play against a sidecar in this process, and the same number of bare requests beside it.
async fn bench_own_sidecar(args: &BenchEnvArgs) -> Result<()> {
    let actor = ActorConfig { games: vec![EnvName::LeducPoker], ..ActorConfig::default() };
    let server = sidecar::serve(ServeConfig { actor, ..ServeConfig::default() }).await?;
    let first = EnvName::LeducPoker.task_ids().map_or(0, |ids| ids.start);
    let concurrency = args.concurrency.unwrap_or(256);
    let config = BenchEnvConfig {
        urls: vec![server.url().parse()?],
        episodes: args.episodes.max(4096),
        concurrency,
        in_flight: args.in_flight,
        first: Start { task_id: first, seed: 42, opponent: Opponent::plain(OpponentKind::Random) },
        play: BenchPlay::Random,
        shares_process: true,
    };
    let begun = Instant::now();
    let (mut rates, mut bare, mut last) = (Vec::new(), Vec::new(), None);
    for _ in 0..args.runs.max(1) {
        let figures = bench_env(&config).await?;
        let yardstick = BareConfig {
            // Resets, steps and stops.
            requests: figures.requests + figures.episodes,
            concurrency,
            request_bytes: STEP_BYTES.0,
            answer_bytes: STEP_BYTES.1,
        };
        bare.push(bare_loop(yardstick).await?);
        rates.push((figures.requests + figures.episodes) as f64 / figures.seconds);
        last = Some(figures);
    }
    let mut figures = serde_json::to_value(last)?;
    if let Some(fields) = figures.as_object_mut() {
        let ratios: Vec<f64> = rates.iter().zip(&bare).map(|(ours, bare)| ours / bare).collect();
        fields.insert("all_requests_s".to_owned(), json!(median(&rates)));
        fields.insert("bare_requests_s".to_owned(), json!(median(&bare)));
        fields.insert("ratio_to_bare".to_owned(), json!(median(&ratios)));
    }
    print("env", &figures, &rates, begun, threads(), args.json);
    server.shutdown().await;
    Ok(())
}

async fn repeat(config: &BenchEnvConfig, runs: u32) -> Result<(EnvFigures, Vec<f64>)> {
    let mut all = Vec::new();
    for _ in 0..runs.max(1) {
        all.push(bench_env(config).await?);
    }
    let rates: Vec<f64> = all.iter().map(|figures| figures.steps_s).collect();
    all.sort_by(|a, b| a.steps_s.total_cmp(&b.steps_s));
    Ok((all.swap_remove(all.len() / 2), rates))
}

fn print(bench: &str, figures: &Value, rates: &[f64], begun: Instant, threads: usize, as_json: bool) {
    let (low, high) =
        rates.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), rate| (low.min(*rate), high.max(*rate)));
    let mut line = json!({
        "bench": bench, "version": env!("CARGO_PKG_VERSION"), "commit": option_env!("CROUPIER_COMMIT"), "device": "cpu",
        "threads": threads, "load1": load1(), "runs": rates.len(), "spread": (high - low) / median(rates).max(1e-9),
        "seconds": begun.elapsed().as_secs_f64(),
    });
    if let (Some(line), Some(figures)) = (line.as_object_mut(), figures.as_object()) {
        let own = figures.iter().filter(|(name, _)| *name != "seconds");
        line.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    }
    if as_json {
        println!("{line}");
        return;
    }
    println!("{bench}");
    for (name, value) in figures.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        match value.as_f64().filter(|_| !value.is_u64()) {
            Some(number) => println!("  {name:28} {number:.1}"),
            None => println!("  {name:28} {}", value.to_string().trim_matches('"')),
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn load1() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}
