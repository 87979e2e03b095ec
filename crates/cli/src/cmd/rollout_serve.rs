//! `croupier rollout serve`: groups for trainers that pull them over HTTP.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use model::{DecoderConfig, DeviceChoice};
use rollout::server::{Served, ServerConfig};
use rollout::{ByteCodec, Codec, OpenAiConfig, OpenAiPolicy, Policy, format_by_name, policy_by_name};
use schema::EnvName;
use tasks::ModelPolicy;

use crate::args::RolloutServeArgs;
use crate::failure::Failure;
use crate::interrupt;

pub(super) async fn serve(args: RolloutServeArgs) -> Result<()> {
    let games = games(&args.games)?;
    let config = config(&args)?;
    let source =
        super::rollout::source(args.urls.as_deref(), &games, args.step_timeout, args.workers).await?;
    let Player { policy, codec, max_context } = player(&args).await?;
    let name = policy.name();
    let served = Served {
        policy,
        formats: Arc::new(move |name| format_by_name(name, codec.clone())),
        source: source.envs().clone(),
        envs: games,
        capacity: source.capacity(),
        max_context,
    };
    let cancel = interrupt::token();
    let server = rollout::server::serve(config, served, &cancel).await.map_err(|error| {
        let hint = "--port 0 takes a free port, --spool DIR another folder";
        Failure::bad_input(error.to_string(), hint)
    })?;
    println!("serving rollouts of {name} at {}", server.url());
    cancel.cancelled().await;
    server.shutdown().await;
    for line in source.shutdown().await {
        eprintln!("{line}");
    }
    Ok(())
}

/// Who plays, and what its prompts are encoded with.
struct Player {
    policy: Arc<dyn Policy>,
    codec: Arc<dyn Codec>,
    max_context: Option<usize>,
}

async fn player(args: &RolloutServeArgs) -> Result<Player> {
    if let Some(dir) = &args.model {
        let device = args.device.parse::<DeviceChoice>().and_then(DeviceChoice::open);
        let device = device.map_err(|error| Failure::bad_input(error.to_string(), "--device cpu"))?;
        let decoder = DecoderConfig::from_dir(dir).map_err(|error| {
            Failure::bad_input(error.to_string(), "a model folder as transformers writes it")
        })?;
        let loaded = ModelPolicy::load(dir, args.adapter.as_deref(), &device.device)
            .with_context(|| format!("loading `{}`", dir.display()))?;
        let max_context = Some(decoder.max_position_embeddings);
        return Ok(Player { policy: loaded.policy(), codec: loaded.tokenizer().clone(), max_context });
    }
    let codec: Arc<dyn Codec> = match &args.tokenizer {
        Some(dir) => tokenizer(dir)?,
        None => Arc::new(ByteCodec),
    };
    if let Some(url) = &args.policy_url {
        let policy = remote(url, args, codec.clone()).await?;
        let max_context = policy.max_context();
        return Ok(Player { policy: Arc::new(policy), codec, max_context });
    }
    let hint = "random, first-legal, last-legal or prefer:ID,ID; or --model DIR, or --policy-url URL";
    let policy = policy_by_name(&args.policy).map_err(|error| Failure::bad_input(error.to_string(), hint))?;
    Ok(Player { policy, codec, max_context: None })
}

fn tokenizer(dir: &Path) -> Result<Arc<dyn Codec>> {
    let loaded = data::Tokenizer::from_dir(dir);
    let hint = "a folder with tokenizer.json, as of the model at --policy-url";
    Ok(Arc::new(loaded.map_err(|error| Failure::bad_input(error.to_string(), hint))?))
}

async fn remote(url: &str, args: &RolloutServeArgs, codec: Arc<dyn Codec>) -> Result<OpenAiPolicy> {
    let parsed = url.parse().ok().filter(|url: &url::Url| url.scheme() == "http" && url.has_host());
    let bad = || Failure::bad_input(format!("--policy-url `{url}`"), "e.g. http://127.0.0.1:8080/v1");
    let timeout = super::rollout::seconds("--policy-timeout", args.policy_timeout)?;
    let config = OpenAiConfig {
        model: args.policy_model.clone(),
        api_key: args.policy_key.clone(),
        timeout,
        ..OpenAiConfig::new(parsed.ok_or_else(bad)?)
    };
    let hint = "is an OpenAI-compatible server running there? try `curl URL/models`";
    let connected = OpenAiPolicy::connect(config, codec).await;
    Ok(connected.map_err(|error| Failure::bad_input(error.to_string(), hint))?)
}

fn games(names: &[String]) -> Result<Vec<EnvName>> {
    if names.is_empty() {
        return Ok(EnvName::ALL.into_iter().filter(|env| env.task_ids().is_some()).collect());
    }
    names.iter().map(|name| super::rollout::environment(name)).collect()
}

fn config(args: &RolloutServeArgs) -> Result<ServerConfig> {
    let spool = args.spool.clone().unwrap_or_else(std::env::temp_dir);
    Ok(ServerConfig {
        address: super::sidecar::address(&args.host, args.port)?,
        max_unacknowledged: args.spool_size as u64,
        max_running: args.max_running.max(1),
        max_jobs: args.max_jobs.max(1),
        ..ServerConfig::new(spool)
    })
}
