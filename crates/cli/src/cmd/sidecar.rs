//! `croupier sidecar serve|check`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use intercode::SandboxConfig;
use intercode::reward::Scoring;
use rollout::PromptPack;
use schema::EnvName;
use serde_json::json;
use sidecar::check::{CheckOptions, CheckReport, Verdict};
use sidecar::{ActorConfig, Catalog, Faults, ServeConfig, ShellConfig, ShellTasks};

use crate::args::{CheckArgs, ScoringArg, ServeArgs, ShellArgs, SidecarArgs, SidecarWhat};
use crate::failure::Failure;
use crate::interrupt;

pub(crate) fn run(args: SidecarArgs) -> Result<()> {
    match args.what {
        SidecarWhat::Serve(args) => interrupt::block_on(serve(args)),
        SidecarWhat::Check(args) => interrupt::block_on(check(args)),
    }
}

async fn serve(args: ServeArgs) -> Result<()> {
    let games = parse_games(&args.games)?;
    let faults = parse_faults(&args)?;
    let shell = shell(&args.shell)?;
    let mut servers = Vec::new();
    for index in 0..args.count.max(1) {
        let port = if args.port == 0 { 0 } else { args.port + index };
        let config = ServeConfig {
            address: address(&args.host, port)?,
            actor: ActorConfig {
                games: games.clone(),
                shell: shell.clone(),
                idle_timeout: Duration::from_secs_f64(args.idle_minutes.max(0.01) * 60.0),
                max_episodes: args.max_episodes,
            },
            faults,
            ..ServeConfig::default()
        };
        let server = sidecar::serve(config).await.map_err(|error| match error {
            sidecar::Error::Listen { .. } => {
                let hint = "--port 0 takes a free port";
                anyhow::Error::from(Failure::bad_input(format!("{:#}", anyhow::Error::from(error)), hint))
            }
            sidecar::Error::Shell(error) => {
                let hint = "--intercode-checkout is a checkout of princeton-nlp/intercode";
                Failure::bad_input(error.to_string(), hint).into()
            }
            other => other.into(),
        })?;
        servers.push(server);
    }
    let urls: Vec<String> = servers.iter().map(sidecar::Server::url).collect();
    if let Some(status) = servers.first().and_then(|server| server.actor().shell_status()) {
        eprintln!("{status}");
    }
    println!("ENVIRONMENT_SERVER_URLS={}", urls.join(","));
    interrupt::token().cancelled().await;
    for server in servers {
        server.shutdown().await;
    }
    Ok(())
}

/// Settings of the shell environment.
fn shell(args: &ShellArgs) -> Result<ShellConfig> {
    let ours = ShellConfig::default();
    let tasks = match (&args.intercode_checkout, args.intercode_set) {
        (Some(folder), _) => ShellTasks::Checkout(checkout(folder).to_owned()),
        (None, Some(set)) => ShellTasks::Generated { set },
        (None, None) => ours.tasks,
    };
    let unreadable = |error: rollout::Error| {
        Failure::bad_input(format!("--pack: {error}"), "croupier prompts capture makes one")
    };
    let pack = args.pack.as_deref().map(PromptPack::load).transpose().map_err(unreadable)?;
    Ok(ShellConfig {
        tasks,
        sandbox: SandboxConfig::new(std::env::temp_dir()),
        max_turns: args.intercode_max_turns.max(1),
        scoring: match args.intercode_scoring {
            ScoringArg::Continuous => Scoring::Continuous,
            ScoringArg::Binary => Scoring::Binary,
        },
        max_tokens_per_call: args.intercode_max_tokens,
        task_timeout: Duration::from_secs(args.intercode_task_timeout),
        prose: pack.map_or(ours.prose, |pack| pack.intercode),
    })
}

/// The checkout that `folder` is or is in: the evaluator's variable names the questions' folder.
fn checkout(folder: &Path) -> &Path {
    let holds_questions = folder.join("nl2bash_fs_1.json").is_file();
    folder.ancestors().nth(2).filter(|_| holds_questions).unwrap_or(folder)
}

/// Names from the command line; none means the original's games.
pub(crate) fn parse_games(names: &[String]) -> Result<Vec<EnvName>> {
    if names.is_empty() {
        return Ok(Catalog::DEFAULT.to_vec());
    }
    let parse = |name: &String| {
        let known = || {
            let known = EnvName::ALL.map(EnvName::as_str).join(", ");
            Failure::bad_input(format!("no game `{name}`"), format!("known games: {known}"))
        };
        name.parse::<EnvName>().ok().ok_or_else(known)
    };
    Ok(names.iter().map(parse).collect::<Result<_, _>>()?)
}

/// Games that a sidecar can serve.
pub(crate) fn playable() -> Vec<&'static str> {
    EnvName::ALL.into_iter().filter(|env| env.task_ids().is_some()).map(EnvName::as_str).collect()
}

fn parse_faults(args: &ServeArgs) -> Result<Option<Faults>> {
    let rates =
        [("--error-rate", args.error_rate), ("--drop-rate", args.drop_rate), ("--hang-rate", args.hang_rate)];
    for (flag, rate) in rates {
        if !(0.0..=1.0).contains(&rate) {
            return Err(
                Failure::bad_input(format!("{flag} is {rate}"), "a share of requests, from 0 to 1").into()
            );
        }
    }
    let latency = args.latency.as_deref().map(str::parse).transpose();
    let latency = latency
        .map_err(|error: sidecar::Error| Failure::bad_input(error.to_string(), "e.g. --latency const:5"))?;
    if latency.is_none() && rates.iter().all(|(_, rate)| *rate == 0.0) {
        return Ok(None);
    }
    Ok(Some(Faults {
        latency: latency.unwrap_or_default(),
        error_rate: args.error_rate,
        drop_rate: args.drop_rate,
        hang_rate: args.hang_rate,
        seed: args.fault_seed,
    }))
}

/// A host and a port as an address.
pub(crate) fn address(host: &str, port: u16) -> Result<SocketAddr> {
    let found = (host, port).to_socket_addrs().ok().and_then(|mut found| found.next());
    let unknown = || {
        Failure::bad_input(
            format!("--host {host} is no address"),
            "e.g. 127.0.0.1, or 0.0.0.0 for all interfaces",
        )
    };
    Ok(found.ok_or_else(unknown)?)
}

async fn check(args: CheckArgs) -> Result<()> {
    let options = CheckOptions { games: parse_games(&args.games)?, ..CheckOptions::default() };
    let report = sidecar::check::run(&args.url, &options).await;
    let report = report.with_context(|| format!("checking `{}`", args.url))?;
    if args.json {
        print_json(&report);
    } else {
        print_table(&report);
    }
    if report.passed() {
        Ok(())
    } else {
        Err(Failure::refused("the sidecar is not what the contract says").into())
    }
}

fn print_table(report: &CheckReport) {
    for check in &report.checks {
        println!("{:4}  {:48} {}", word(check.verdict), check.name, check.seen);
    }
    let [passed, warned, failed] =
        [Verdict::Pass, Verdict::Warn, Verdict::Fail].map(|verdict| report.count(verdict));
    println!("sidecar check {}: {passed} passed, {warned} warnings, {failed} failed", report.url);
}

fn print_json(report: &CheckReport) {
    let checks = report
        .checks
        .iter()
        .map(|check| json!({"name": check.name, "verdict": word(check.verdict), "seen": check.seen}));
    println!(
        "{}",
        json!({"url": report.url, "passed": report.passed(), "checks": checks.collect::<Vec<_>>()})
    );
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "ok",
        Verdict::Warn => "warn",
        Verdict::Fail => "FAIL",
    }
}
