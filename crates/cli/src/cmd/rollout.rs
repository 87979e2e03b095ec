//! `croupier rollout run`: episodes as trajectories, without training.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use envclient::{ClientConfig, PoolConfig};
use rollout::{
    ByteCodec, Codec, Decoding, Format, GroupSpec, IntercodeFormat, Player, Policy, PromptPack, RunInfo,
    ShellRollout, Start, StreamConfig, format_by_name, policy_by_name,
};
use schema::{EnvName, Opponent, OpponentKind, Sampling, Trajectory};
use serde_json::json;
use tasks::{ModelPolicy, Source, start_seed};

use crate::args::{OpponentArg, RolloutArgs, RolloutRunArgs, RolloutWhat};
use crate::failure::Failure;
use crate::{interrupt, progress};

pub(crate) fn run(args: RolloutArgs) -> Result<()> {
    match args.what {
        RolloutWhat::Run(args) => interrupt::block_on(play(args)),
        RolloutWhat::Serve(args) => interrupt::block_on(super::rollout_serve::serve(args)),
    }
}

async fn play(args: RolloutRunArgs) -> Result<()> {
    let env = match args.game.parse() {
        Ok(EnvName::Intercode) => EnvName::Intercode,
        _ => environment(&args.game)?,
    };
    let cancel = interrupt::token();
    let mut writer = rollout::jsonl::Writer::create(&args.out)?;
    let source = source(args.urls.as_deref(), &[env], args.step_timeout, args.workers).await?;
    let player = player(&args, env)?;
    let specs = specs(&args, env);
    let config = StreamConfig {
        groups_in_flight: source.capacity().div_ceil(args.group_size as usize) + 1,
        buffer: 4,
    };
    let mut groups = rollout::stream(player, source.envs().clone(), specs.into_iter(), config, &cancel);
    let bar = progress::bar(args.groups, "groups");
    let mut summary = Summary::default();
    while let Some(group) = groups.next().await {
        for trajectory in &group.trajectories {
            summary.add(trajectory);
            writer.append(trajectory)?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    writer.finish()?;
    for line in source.shutdown().await {
        eprintln!("{line}");
    }
    summary.print(&args.out, args.json);
    if cancel.is_cancelled() {
        return Err(
            Failure::interrupted(format!("stopped; what was played is in `{}`", args.out.display())).into()
        );
    }
    Ok(())
}

/// Tokens of a turn unless said otherwise: an action of a game, and what the evaluator allows in the shell environment.
const ACTION_TOKENS: u32 = 16;
const SHELL_TOKENS: u32 = 512;

/// A playable game by name.
pub(crate) fn environment(name: &str) -> Result<EnvName> {
    let known = || {
        Failure::bad_input(
            format!("no game `{name}`"),
            format!("known games: {}", super::sidecar::playable().join(", ")),
        )
    };
    Ok(name.parse::<EnvName>().ok().filter(|env| env.task_ids().is_some()).ok_or_else(known)?)
}

/// Where episodes are played: the sidecars at `urls`, or this process if there are none.
pub(super) async fn source(
    urls: Option<&str>,
    games: &[EnvName],
    step_timeout: f64,
    workers: u32,
) -> Result<Source> {
    let Some(urls) = urls.filter(|urls| !urls.trim().is_empty()) else {
        return Ok(Source::in_process(games)?);
    };
    let hint = "http://HOST:PORT, comma separated";
    let urls = envclient::parse_urls(urls).map_err(|error| Failure::bad_input(error.to_string(), hint))?;
    let client =
        ClientConfig { step_timeout: seconds("--step-timeout", step_timeout)?, ..ClientConfig::default() };
    let config = PoolConfig { client, workers: workers.max(1) as usize, ..PoolConfig::default() };
    let connected = Source::connect(&urls, config).await;
    Ok(connected.map_err(|error| {
        Failure::bad_input(error.to_string(), "is `croupier sidecar serve` running there?")
    })?)
}

/// The value of a flag that is a time.
pub(super) fn seconds(flag: &str, value: f64) -> Result<Duration> {
    let parsed = Duration::try_from_secs_f64(value);
    Ok(parsed.map_err(|error| Failure::bad_input(format!("{flag}: {error}"), "seconds, e.g. 60"))?)
}

fn player(args: &RolloutRunArgs, env: EnvName) -> Result<Player> {
    let is_shell = env == EnvName::Intercode;
    if is_shell && !args.policy.starts_with("model:") {
        let message = format!("policy `{}` cannot write commands", args.policy);
        return Err(Failure::bad_input(message, "--policy model:DIR").into());
    }
    let (policy, codec) = policy(args)?;
    let format: Arc<dyn Format> = if is_shell {
        let format = IntercodeFormat::new(codec, Arc::new(PromptPack::builtin()))?;
        Arc::new(ShellRollout::new(Arc::new(format)))
    } else {
        let hint = "compact or sidecar";
        format_by_name(&args.format, codec).map_err(|error| Failure::bad_input(error.to_string(), hint))?
    };
    let mut player = Player::new(policy, format, RunInfo::new("rollout", args.seed));
    player.limits.max_turns = args.max_turns;
    if args.free || is_shell {
        player.decoding = Decoding::Free;
    }
    player.sampling = Sampling {
        temperature: args.temperature,
        max_new_tokens: args.max_new_tokens.unwrap_or(if is_shell { SHELL_TOKENS } else { ACTION_TOKENS }),
        ..Sampling::default()
    };
    Ok(player)
}

fn policy(args: &RolloutRunArgs) -> Result<(Arc<dyn Policy>, Arc<dyn Codec>)> {
    if let Some(dir) = args.policy.strip_prefix("model:") {
        let device = args.device.parse::<model::DeviceChoice>().and_then(model::DeviceChoice::open);
        let device = device.map_err(|error| Failure::bad_input(error.to_string(), "--device cpu"))?;
        let loaded = ModelPolicy::load(Path::new(dir), None, &device.device)
            .with_context(|| format!("loading `{dir}`"))?;
        return Ok((loaded.policy(), loaded.tokenizer().clone()));
    }
    let codec: Arc<dyn Codec> = match &args.tokenizer {
        Some(dir) => Arc::new(data::Tokenizer::from_dir(dir)?),
        None => Arc::new(ByteCodec),
    };
    let hint = "random, first-legal, last-legal, prefer:ID,ID or model:DIR";
    let policy = policy_by_name(&args.policy).map_err(|error| Failure::bad_input(error.to_string(), hint))?;
    Ok((policy, codec))
}

fn specs(args: &RolloutRunArgs, env: EnvName) -> Vec<GroupSpec> {
    let opponent = match args.opponent {
        OpponentArg::Mcts => Opponent::mcts(args.simulations, 1),
        OpponentArg::Random => Opponent::plain(OpponentKind::Random),
        OpponentArg::Cfr => Opponent::plain(OpponentKind::Cfr),
        OpponentArg::SelfPlay => Opponent::plain(OpponentKind::SelfPlay),
    };
    let spec = |group| {
        let (task_id, seed) = start_seed(env, args.seed, group);
        GroupSpec {
            group,
            start: Start { task_id, seed, opponent },
            size: args.group_size,
            over_sample: args.over_sample,
        }
    };
    (0..args.groups).map(spec).collect()
}

/// What was played, by stop reason.
#[derive(Default)]
struct Summary {
    episodes: u64,
    turns: u64,
    refused: u64,
    returns: Vec<f64>,
    stops: BTreeMap<String, u64>,
}

impl Summary {
    fn add(&mut self, trajectory: &Trajectory) {
        self.episodes += 1;
        self.turns += trajectory.turns.len() as u64;
        self.refused += trajectory.turns.iter().filter(|turn| !turn.legal).count() as u64;
        self.returns.extend(trajectory.raw_return);
        let stop = serde_json::to_value(trajectory.stop_reason)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned));
        *self.stops.entry(stop.unwrap_or_default()).or_default() += 1;
    }

    fn print(&self, out: &Path, as_json: bool) {
        let mean = self.returns.iter().sum::<f64>() / self.returns.len().max(1) as f64;
        if as_json {
            println!(
                "{}",
                json!({"rollout": out, "episodes": self.episodes, "turns": self.turns, "refused": self.refused,
                       "mean_return": mean, "stop_reasons": self.stops})
            );
            return;
        }
        let stops: Vec<String> = self.stops.iter().map(|(stop, count)| format!("{count} {stop}")).collect();
        println!(
            "{} episodes ({}), {} turns, {} refused",
            self.episodes,
            stops.join(", "),
            self.turns,
            self.refused
        );
        println!("mean return {mean:+.3} over {} finished games", self.returns.len());
        println!("{}", out.display());
    }
}
