//! `croupier bench rollout`: episodes of a model against sidecars over HTTP, and who waits for whom.

use std::time::Instant;

use anyhow::{Context, Result};
use envclient::PoolConfig;
use rollout::{GroupSpec, Player, RunInfo, Start, StreamConfig, format_by_name};
use schema::{EnvName, Opponent, Trajectory};
use serde_json::json;
use sidecar::{ActorConfig, ServeConfig, Server};
use tasks::{ModelPolicy, Source, start_seed};

use super::models::open;
use super::{median, print};
use crate::args::BenchRolloutArgs;
use crate::cmd::rollout::environment;
use crate::failure::Failure;

/// Episodes of one start.
const GROUP: u64 = 8;

pub(super) async fn bench_rollout(args: BenchRolloutArgs) -> Result<()> {
    let env = environment(&args.game)?;
    let device = open(&args.device, None)?.device;
    let model = ModelPolicy::load(&args.model, None, &device)
        .with_context(|| format!("loading `{}`", args.model.display()))?;
    let (server, urls) = sidecars(&args, env).await?;
    let hint = "http://HOST:PORT, comma separated";
    let urls = envclient::parse_urls(&urls).map_err(|error| Failure::bad_input(error.to_string(), hint))?;
    let begun = Instant::now();
    let (mut rates, mut tokens, mut idle_env, mut idle_device, mut n_episodes) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), 0);
    for run in 0..u64::from(args.runs.max(1)) {
        let source = Source::connect(&urls, PoolConfig::default()).await?;
        let capacity = source.capacity();
        let (before, started) = (model.engine().stats(), Instant::now());
        let played = play(&args, env, &model, &source, run).await?;
        let (wall, after) = (started.elapsed().as_secs_f64(), model.engine().stats());
        source.shutdown().await;
        let env_ms: f64 = played.iter().flat_map(|one| &one.turns).map(|turn| turn.env_ms).sum();
        let n_steps: usize = played.iter().map(|one| one.turns.len()).sum();
        n_episodes = played.len();
        rates.push(n_steps as f64 / wall);
        tokens.push((after.completion_tokens - before.completion_tokens) as f64 / wall);
        idle_env.push(1.0 - (env_ms / 1e3 / wall / capacity as f64).min(1.0));
        idle_device.push(1.0 - ((after.busy_time - before.busy_time).as_secs_f64() / wall).min(1.0));
    }
    let figures = json!({
        "model": args.model.display().to_string(),
        "game": env.as_str(),
        "episodes": n_episodes,
        "env_steps_s": median(&rates),
        "tok_s": median(&tokens),
        "idle_env": median(&idle_env),
        "idle_device": median(&idle_device),
    });
    print("rollout", &figures, &rates, begun, rayon::current_num_threads(), args.json);
    if let Some(server) = server {
        server.shutdown().await;
    }
    Ok(())
}

/// The sidecars that were named, or one of our own in this process.
async fn sidecars(args: &BenchRolloutArgs, env: EnvName) -> Result<(Option<Server>, String)> {
    if let Some(urls) = &args.urls {
        return Ok((None, urls.clone()));
    }
    let actor = ActorConfig { games: vec![env], ..ActorConfig::default() };
    let server = sidecar::serve(ServeConfig { actor, ..ServeConfig::default() }).await?;
    let url = server.url();
    Ok((Some(server), url))
}

async fn play(
    args: &BenchRolloutArgs,
    env: EnvName,
    model: &ModelPolicy,
    source: &Source,
    run: u64,
) -> Result<Vec<Trajectory>> {
    let format = format_by_name("compact", model.tokenizer().clone())?;
    let player = Player::new(model.policy(), format, RunInfo::new("bench", run));
    let spec = move |group| {
        let (task_id, seed) = start_seed(env, run, group);
        let start = Start { task_id, seed, opponent: Opponent::mcts(25, 1) };
        GroupSpec { group, start, size: GROUP as u32, over_sample: 0 }
    };
    let specs = (0..args.episodes.div_ceil(GROUP)).map(spec).collect::<Vec<_>>();
    let config = StreamConfig { groups_in_flight: source.capacity().div_ceil(GROUP as usize) + 1, buffer: 4 };
    let cancel = crate::interrupt::token();
    let mut groups = rollout::stream(player, source.envs().clone(), specs.into_iter(), config, &cancel);
    let mut played = Vec::new();
    while let Some(group) = groups.next().await {
        played.extend(group.trajectories);
    }
    Ok(played)
}
