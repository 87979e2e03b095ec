//! `croupier bench train`: seconds of an optimizer step of each objective on random tokens, as the Python peers take them.

use anyhow::Result;
use burn::module::Module;
use burn::tensor::DType;
use grpo::advantage::group_std_advantages;
use grpo::{LossSettings, PolicyObjective};
use model::{GenerateRequest, LanguageModel, LoraConfig, Sampling, generate_batch};
use serde_json::json;
use train::dpo::{Dpo, DpoSettings};
use train::sft::CrossEntropy;
use train::{Batch, Learner, LearnerConfig, Row, ScoreSettings, StepMemory, StepReport, row_logprobs};

use super::models::{open, peak_rss_mib, random_ids, timed};
use super::{median, print};
use crate::args::{BenchTrainArgs, TrainMode, TrainObjective};
use crate::failure::Failure;

/// Small enough not to diverge on random tokens.
const LEARNING_RATE: f64 = 1e-5;
/// Completions of one prompt.
const GROUP: usize = 8;

pub(super) fn bench_train(args: &BenchTrainArgs) -> Result<()> {
    let mut bench = Bench::new(args)?;
    let begun = std::time::Instant::now();
    let (mut walls, mut cpus, mut samplings, mut losses) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for step in 0..=u64::from(args.steps) {
        let (report, wall, cpu) = timed(|| bench.step(step));
        let (report, sampling) = report?;
        losses.push(report.loss);
        // The first step allocates.
        if step > 0 {
            walls.push(wall);
            cpus.push(cpu);
            samplings.push(sampling);
        }
    }
    let n_tokens = bench.n_tokens() as f64;
    let step_s = median(&walls);
    let model = bench.learner.model();
    let trained = train::n_trained(model);
    let figures = json!({
        "model": args.model.display().to_string(),
        "objective": args.objective.as_str(),
        "mode": if args.mode == TrainMode::Lora { "lora" } else { "full" },
        "recompute": args.recompute,
        "batch": args.batch,
        "seq": args.seq,
        "step_s": step_s,
        "step_cpu_s": median(&cpus),
        "sampling_s": (args.objective == TrainObjective::Grpo).then(|| median(&samplings)),
        "tok_s": n_tokens / step_s,
        "mfu": null,
        "peak_rss_mib": peak_rss_mib(),
        "estimate_mib": bench.estimate(trained) / (1 << 20) as f64,
        "peak_device_mib": null,
        "loss_first": losses.first(),
        "loss_last": losses.last(),
        "params": model.config().n_params(),
        "trainable": trained,
    });
    let rates: Vec<f64> = walls.iter().map(|wall| n_tokens / wall).collect();
    print("train", &figures, &rates, begun, rayon::current_num_threads(), args.json);
    Ok(())
}

struct Bench<'a> {
    args: &'a BenchTrainArgs,
    learner: Learner<LanguageModel>,
    /// What DPO compares with.
    reference: Option<LanguageModel>,
    vocab_size: usize,
}

impl<'a> Bench<'a> {
    fn new(args: &'a BenchTrainArgs) -> Result<Self> {
        let device = open(&args.device, args.threads)?.device;
        if args.seq < 2 || args.batch == 0 {
            let message = format!("{} rows of {} tokens", args.batch, args.seq);
            return Err(Failure::bad_input(message, "at least one row of two tokens").into());
        }
        let is_grouped = args.batch.is_multiple_of(GROUP);
        if args.objective == TrainObjective::Grpo && !is_grouped {
            let message = format!("--batch {} for grpo", args.batch);
            return Err(Failure::bad_input(message, format!("a multiple of {GROUP}, e.g. 16")).into());
        }
        let model = LanguageModel::load(&args.model, DType::F32, &device.autodiff())?;
        let vocab_size = model.config().vocab_size;
        let reference = (args.objective == TrainObjective::Dpo).then(|| model.valid());
        let model = match args.mode {
            TrainMode::Lora => model.with_fresh_lora(&LoraConfig::all_linear(16, 32.0), 0),
            TrainMode::Full => model,
        };
        let config = LearnerConfig { activations: args.activations(), ..LearnerConfig::default() };
        let learner = Learner::new(model, config);
        Ok(Self { args, learner, reference, vocab_size })
    }

    /// Tokens that a step trains on, prompts included.
    fn n_tokens(&self) -> usize {
        let rows = if self.args.objective == TrainObjective::Dpo { 2 } else { 1 };
        rows * self.args.batch * self.args.seq
    }

    /// Bytes that were to be expected, without what the process needs anyway.
    fn estimate(&self, n_trained: usize) -> f64 {
        let config = self.learner.model().config();
        let memory = StepMemory::estimate(config, 4, n_trained, self.args.activations());
        memory.total(self.n_tokens()) as f64
    }

    /// One optimizer step, and the seconds that sampling took of it.
    fn step(&mut self, step: u64) -> Result<(StepReport, f64)> {
        match self.args.objective {
            TrainObjective::Sft => Ok((self.sft(step)?, 0.0)),
            TrainObjective::Dpo => Ok((self.dpo(step)?, 0.0)),
            TrainObjective::Grpo => self.grpo(step),
        }
    }

    fn random(&self, n: usize, step: u64, row: usize) -> Vec<u32> {
        random_ids(n, step << 20 | row as u64, self.vocab_size)
    }

    fn sft(&mut self, step: u64) -> Result<StepReport> {
        let row = |row: usize| {
            let mut ids = self.random(self.args.seq, step, row);
            let completion = ids.split_off(1);
            Row::new(ids, completion)
        };
        let parts = vec![(0..self.args.batch).map(row).collect::<Vec<_>>()];
        let objective = CrossEntropy::mean(&parts);
        Ok(self.learner.step(&parts, &objective, &ScoreSettings::default(), LEARNING_RATE)?)
    }

    /// Pairs on one prompt each, half of the tokens; the reference is computed in the step.
    fn dpo(&mut self, step: u64) -> Result<StepReport> {
        let half = self.args.seq / 2;
        let pair = |pair: usize| {
            let prompt = self.random(half, step, 3 * pair);
            [1, 2].map(|idx| {
                let completion = self.random(self.args.seq - half, step, 3 * pair + idx);
                Row::new(prompt.clone(), completion)
            })
        };
        let rows: Vec<Row> = (0..self.args.batch).flat_map(pair).collect();
        let reference = self.reference.as_ref().expect("made for DPO");
        let batch = Batch::new(&rows, reference.beginnings(), &reference.device());
        let logprobs = row_logprobs(reference, &batch, &rows, 1.0);
        let rows = rows.into_iter().zip(logprobs);
        let parts = vec![rows.map(|(row, logprobs)| row.with_ref_logprobs(logprobs)).collect::<Vec<_>>()];
        let objective = Dpo::new(&parts, DpoSettings::default());
        Ok(self.learner.step(&parts, &objective, &ScoreSettings::default(), LEARNING_RATE)?)
    }

    /// Groups of completions, half of the tokens, drawn by the weights as they are; the reward is the share of even ids.
    fn grpo(&mut self, step: u64) -> Result<(StepReport, f64)> {
        let half = self.args.seq / 2;
        let n_new = self.args.seq - half;
        let sampling = Sampling { max_new_tokens: n_new as u32, ..Sampling::default() };
        let request = |row: usize| {
            let prompt = self.random(half, step, row / GROUP);
            GenerateRequest::new(prompt, sampling, step << 20 | row as u64)
        };
        let requests: Vec<GenerateRequest> = (0..self.args.batch).map(request).collect();
        let policy = self.learner.model().valid().merged();
        let (drawn, sampling_s, _) = timed(|| generate_batch(&policy, &requests, step));
        let drawn = drawn.into_iter().collect::<model::Result<Vec<_>>>()?;
        let reward = |ids: &[u32]| ids.iter().filter(|id| **id % 2 == 0).count() as f32 / ids.len() as f32;
        let rewards: Vec<f32> = drawn.iter().map(|drawn| reward(&drawn.token_ids)).collect();
        let advantages = rewards.chunks(GROUP).flat_map(group_std_advantages);
        let rows = requests.into_iter().zip(drawn).zip(advantages).map(|((request, drawn), advantage)| {
            let row = Row::new(request.prompt, drawn.token_ids);
            row.with_old_logprobs(drawn.logprobs).with_advantage(advantage)
        });
        let parts = vec![rows.collect::<Vec<_>>()];
        let objective = PolicyObjective::new(LossSettings::default(), &parts, n_new);
        let score = objective.score_settings(1.0);
        Ok((self.learner.step(&parts, &objective, &score, LEARNING_RATE)?, sampling_s))
    }
}
