//! `croupier bench generate`: tokens per second of the engine, on random tokens.

use std::time::{Duration, Instant};

use anyhow::Result;
use model::{
    DeviceChoice, DeviceInfo, Engine, EngineConfig, GenerateRequest, LanguageModel, Sampling, generate_batch,
};
use rollout::bench::cpu_of_this_process;
use serde_json::json;

use super::super::weights;
use super::{median, print};
use crate::args::{BenchGenerateArgs, WeightType};
use crate::failure::Failure;
use crate::interrupt;

/// Ids of the random prompts, as the Python peers draw them.
const PROMPT_IDS: u32 = 2000;

/// The device, with as many threads as asked for.
pub(super) fn open(device: &str, threads: Option<usize>) -> Result<DeviceInfo> {
    if let Some(threads) = threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|error| Failure::bad_input(format!("--threads {threads}: {error}"), "e.g. 1"))?;
    }
    let opened = device.parse::<DeviceChoice>().and_then(DeviceChoice::open);
    Ok(opened.map_err(|error| Failure::bad_input(error.to_string(), "--device cpu"))?)
}

/// Wall clock and CPU time of one piece of work.
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, f64, f64) {
    let (cpu, started) = (cpu_of_this_process(), Instant::now());
    let done = work();
    let cpu: Duration = cpu_of_this_process().saturating_sub(cpu);
    (done, started.elapsed().as_secs_f64(), cpu.as_secs_f64())
}

pub(super) fn random_ids(n: usize, seed: u64, vocab_size: usize) -> Vec<u32> {
    let mut rng = games::rng::FastRng::new(seed);
    let bound = PROMPT_IDS.min(vocab_size as u32);
    (0..n).map(|_| rng.below(bound as usize) as u32).collect()
}

pub(super) fn bench_generate(args: &BenchGenerateArgs) -> Result<()> {
    let device = open(&args.device, args.threads)?;
    let model = weights::load(&args.model, None, args.dtype, &device)?;
    let config = model.config();
    if args.prompt + args.new > config.max_position_embeddings || args.new < 2 {
        let message = format!("{} prompt and {} new tokens", args.prompt, args.new);
        let hint =
            format!("at least 2 new tokens; the model holds {} in all", config.max_position_embeddings);
        return Err(Failure::bad_input(message, hint).into());
    }
    for &batch in &args.batch {
        measure_generate(args, &model, batch)?;
    }
    Ok(())
}

/// One line: `batch` completions at once.
fn measure_generate(args: &BenchGenerateArgs, model: &LanguageModel, batch: usize) -> Result<()> {
    let begun = Instant::now();
    let (engine, _thread) = Engine::spawn(model.clone(), 0, EngineConfig::default());
    // Prompts of their own for each call: the engine remembers.
    let mut n_calls = 0;
    let mut requests = |new: usize| -> Vec<GenerateRequest> {
        n_calls += 1;
        let sampling = Sampling { max_new_tokens: new as u32, ..Sampling::default() };
        let prompt = |row: usize| {
            let key = n_calls << 20 | (row / args.group.max(1)) as u64;
            random_ids(args.prompt, key, model.config().vocab_size)
        };
        (0..batch).map(|row| GenerateRequest::new(prompt(row), sampling, row as u64)).collect()
    };
    drop(generate_batch(model, &requests(4), 0));
    let (mut firsts, mut prefills, mut walls, mut cpus) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.runs.max(1) {
        firsts.push(first_tokens(&engine, requests(args.new))?);
        let once = requests(1);
        prefills.push(timed(|| drop(generate_batch(model, &once, 0))).1);
        let whole = requests(args.new);
        let (generated, wall, cpu) = timed(|| generate_batch(model, &whole, 0));
        let n: usize = generated.into_iter().map(|row| row.map_or(0, |row| row.token_ids.len())).sum();
        anyhow::ensure!(n == batch * args.new, "{n} tokens instead of {}", batch * args.new);
        walls.push(wall);
        cpus.push(cpu);
    }
    let n_tokens = (batch * args.new) as f64;
    let rates: Vec<f64> = walls.iter().map(|wall| n_tokens / wall).collect();
    let decode = walls.iter().zip(&prefills);
    let decode = decode.map(|(wall, first)| (batch * (args.new - 1)) as f64 / (wall - first).max(1e-9));
    let figures = json!({
        "model": args.model.display().to_string(),
        "dtype": if args.dtype == WeightType::F32 { "f32" } else { "bf16" },
        "batch": batch,
        "group": args.group,
        "prompt_tokens": args.prompt,
        "new_tokens": args.new,
        "prefill_tok_s": (batch * args.prompt) as f64 / median(&prefills),
        "decode_tok_s": median(&decode.collect::<Vec<_>>()),
        "tok_s": median(&rates),
        "cpu_ms_per_tok": 1e3 * median(&cpus) / n_tokens,
        "ttft_ms": 1e3 * median(&firsts),
        "peak_rss_mib": peak_rss_mib(),
        "peak_device_mib": null,
    });
    print("generate", &figures, &rates, begun, rayon::current_num_threads(), args.json);
    Ok(())
}

/// Seconds until every completion has its first token.
fn first_tokens(engine: &Engine, requests: Vec<GenerateRequest>) -> Result<f64> {
    interrupt::block_on(async {
        let started = Instant::now();
        let mut streams = Vec::new();
        for request in requests {
            streams.push(engine.stream(request).await?);
        }
        for stream in &mut streams {
            stream.next().await?;
        }
        Ok(started.elapsed().as_secs_f64())
    })
}

/// Largest resident set of this process so far.
pub(super) fn peak_rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
