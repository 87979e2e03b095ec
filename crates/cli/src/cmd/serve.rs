//! `croupier serve`: a model for OpenAI's clients.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use model::{DeviceChoice, Engine, EngineConfig, KvCache};
use serve::{ServeConfig, Served};

use crate::args::ServeModelArgs;
use crate::failure::Failure;
use crate::interrupt;

/// Longest context unless said otherwise: a slot of the cache is as long as the longest completion that is under way.
const MAX_CONTEXT: usize = 4096;
/// Prompt tokens between two tokens of those who wait for theirs.
const PREFILL_CHUNK: usize = 512;

pub(crate) fn run(args: ServeModelArgs) -> Result<()> {
    let device = args.device.parse::<DeviceChoice>().and_then(DeviceChoice::open);
    let device = device.map_err(|error| Failure::bad_input(error.to_string(), "--device cpu"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    let tokenizer = data::Tokenizer::from_dir(&args.model)
        .map_err(|error| Failure::bad_input(error.to_string(), "a model folder as transformers writes it"))?;
    let model = super::weights::load(&args.model, args.adapter.as_deref(), args.dtype, &device)
        .with_context(|| format!("loading `{}`", args.model.display()))?;
    let max_positions = model.config().max_position_embeddings;
    let max_context = args.max_context.unwrap_or(MAX_CONTEXT.min(max_positions));
    if max_context < 2 || max_context > max_positions {
        let hint = format!("from 2 to the {max_positions} positions of the model");
        return Err(Failure::bad_input(format!("--max-context {max_context}"), hint).into());
    }
    let longest = max_context * KvCache::bytes_per_token(&model);
    if longest > args.kv_memory {
        let message =
            format!("one completion of {max_context} tokens needs {} MiB", longest.div_ceil(1 << 20));
        return Err(Failure::bad_input(message, "--kv-memory for more, or a smaller --max-context").into());
    }
    let name = args.model.file_name().map(|name| name.to_string_lossy().into_owned());
    let config = ServeConfig {
        address: super::sidecar::address(&args.host, args.port)?,
        max_in_flight: args.max_sequences.max(1) + args.max_waiting,
        deadline: Duration::from_secs(args.deadline),
        ..ServeConfig::default()
    };
    let vocab_size = model.config().vocab_size;
    let (engine, _thread) = Engine::spawn(
        model,
        0,
        EngineConfig {
            max_rows: args.max_sequences.max(1),
            max_prefill_tokens: PREFILL_CHUNK,
            kv_memory: args.kv_memory,
            ..EngineConfig::default()
        },
    );
    let served = Served {
        name: args.name.or(name).unwrap_or_else(|| "model".to_owned()),
        engine,
        tokenizer: Arc::new(tokenizer.with_now(now as i64)),
        vocab_size,
        max_context,
        started: now,
    };
    interrupt::block_on(async {
        let name = served.name.clone();
        let server = serve::serve(config, served)
            .await
            .map_err(|error| Failure::bad_input(error.to_string(), "--port 0 takes a free port"))?;
        println!("serving {name} at {}", server.url());
        interrupt::token().cancelled().await;
        server.shutdown().await;
        Ok(())
    })
}
