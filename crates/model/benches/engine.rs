//! What a batch of turns costs: `cargo bench -p model` prints one line per case.
//!
//! The cases are quickstart's: leduc turns of about 16 tokens on a pico model, three candidates each.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use model::{
    Arch, DecoderConfig, GenerateRequest, LanguageModel, LoraConfig, Sampling, Size, TokenBatch,
    generate_batch,
};

fn main() {
    let device = Device::flex();
    let model = LanguageModel::fresh(&DecoderConfig::preset(Arch::Qwen2, Size::Pico), 0, &device);
    for (rows, distinct) in [(256, 256), (256, 96), (256, 32), (32, 32), (1, 1)] {
        let requests = turns(rows, distinct);
        report(&format!("constrained turns, {rows} rows, {distinct} prompts"), || {
            let results = generate_batch(&model, &requests, 0);
            assert!(results.iter().all(Result::is_ok));
        });
    }
    let free: Vec<GenerateRequest> =
        turns(64, 64).into_iter().map(|turn| GenerateRequest { candidates: None, ..turn }).collect();
    report("free completions of 16 tokens, 64 rows", || drop(generate_batch(&model, &free, 0)));
    let trained = LanguageModel::fresh(model.config(), 0, &device.autodiff());
    training("full", &trained);
    training("lora r 16", &trained.with_fresh_lora(&LoraConfig::all_linear(16, 32.0), 0));
}

/// Forward and backward of a training batch, with and without the graph.
fn training(mode: &str, model: &LanguageModel) {
    let rows: Vec<Vec<u32>> = turns(256, 256).into_iter().map(|turn| turn.prompt).collect();
    let batch = TokenBatch::right_padded(&rows);
    let inference = model.valid();
    report(&format!("{mode}: hidden of 256 rows, no graph"), || {
        drop(inference.hidden(&batch).into_data());
    });
    report(&format!("{mode}: hidden and backward of 256 rows"), || {
        drop(model.hidden(&batch).sum().backward());
    });
}

fn turns(rows: usize, distinct: usize) -> Vec<GenerateRequest> {
    let prompt = |idx: usize| (0..12 + idx % 8).map(|at| ((idx * 31 + at * 17) % 500) as u32 + 4).collect();
    (0..rows)
        .map(|row| GenerateRequest {
            candidates: Some(vec![vec![10, 3], vec![11, 3], vec![12, 3]]),
            stop_tokens: vec![3],
            ..GenerateRequest::new(prompt(row % distinct), Sampling::default(), row as u64)
        })
        .collect()
}

fn report(case: &str, mut work: impl FnMut()) {
    const RUNS: usize = 20;
    work();
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{case}: median {:.2} ms, best {:.2} ms", times[RUNS / 2], times[0]);
}
