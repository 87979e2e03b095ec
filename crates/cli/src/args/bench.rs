//! What `croupier bench` is asked.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use train::Activations;

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) what: BenchWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchWhat {
    /// Random playouts per second through the public trait.
    Games(BenchGamesArgs),
    /// Turns of match play per second, random play on both sides: rules and texts, without a model.
    #[command(after_help = "Example:\n  croupier bench teach --games leduc_poker,gin_rummy --json")]
    Teach(BenchTeachArgs),
    /// Steps per second of the sidecar client.
    #[command(
        after_help = "Examples:\n  croupier bench env --json\n  croupier bench env --url http://127.0.0.1:4000 --episodes 64 --concurrency 64 --json"
    )]
    Env(BenchEnvArgs),
    /// Episodes of a model against sidecars: steps and tokens per second, and who waits for whom.
    #[command(after_help = "Example:\n  croupier bench rollout --model DIR --game leduc_poker --json")]
    Rollout(BenchRolloutArgs),
    /// Tokens per second of batched generation.
    #[command(
        after_help = "Examples:\n  croupier bench generate --model DIR --batch 1,8,32 --json\n  croupier bench generate --model DIR --batch 1,16 --group 16 --prompt 512 --json"
    )]
    Generate(BenchGenerateArgs),
    /// Seconds per optimizer step of SFT, DPO or GRPO.
    #[command(
        after_help = "Examples:\n  croupier bench train --model DIR --mode lora --json\n  croupier bench train --model DIR --objective grpo --batch 16 --seq 128 --json"
    )]
    Train(BenchTrainArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BenchTeachArgs {
    /// Games, comma separated.
    #[arg(long, value_delimiter = ',', default_value = "leduc_poker,liars_dice,gin_rummy")]
    pub(crate) games: Vec<String>,
    /// Seconds per game and run.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) seconds: f64,
    /// Runs; the median is printed.
    #[arg(long, default_value_t = 3)]
    pub(crate) runs: u32,
    /// One JSON object per line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BenchGamesArgs {
    /// OpenSpiel game strings [default: the sidecar's].
    pub(crate) games: Vec<String>,
    /// Seconds per game and run.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) seconds: f64,
    /// Runs; the median is printed.
    #[arg(long, default_value_t = 3)]
    pub(crate) runs: u32,
    /// One JSON object per line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BenchGenerateArgs {
    /// Model folder.
    #[arg(long)]
    pub(crate) model: PathBuf,
    /// Sequences at once, comma separated.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 32])]
    pub(crate) batch: Vec<usize>,
    /// Sequences of one prompt.
    #[arg(long, default_value_t = 1)]
    pub(crate) group: usize,
    /// Tokens of each prompt.
    #[arg(long, default_value_t = 128)]
    pub(crate) prompt: usize,
    /// Tokens drawn for each.
    #[arg(long, default_value_t = 128)]
    pub(crate) new: usize,
    /// Type of the matrices; on a CPU everything else stays f32.
    #[arg(long, value_enum, default_value_t = WeightType::F32)]
    pub(crate) dtype: WeightType,
    /// Threads of the CPU [default: all].
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Runs; the median is printed.
    #[arg(long, default_value_t = 3)]
    pub(crate) runs: u32,
    /// auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// One JSON object per line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Type of a model's matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WeightType {
    /// 32 bits.
    F32,
    /// 16 bits, with the exponent of f32.
    Bf16,
}

#[derive(Debug, Args)]
pub(crate) struct BenchTrainArgs {
    /// Model folder.
    #[arg(long)]
    pub(crate) model: PathBuf,
    /// What is minimised; grpo samples its completions in the step, eight of a prompt.
    #[arg(long, value_enum, default_value_t = TrainObjective::Sft)]
    pub(crate) objective: TrainObjective,
    /// What is trained.
    #[arg(long, value_enum, default_value_t = TrainMode::Lora)]
    pub(crate) mode: TrainMode,
    /// Rows of a step; pairs for dpo.
    #[arg(long, default_value_t = 4)]
    pub(crate) batch: usize,
    /// Tokens of a row; for dpo and grpo the first half is the prompt.
    #[arg(long, default_value_t = 512)]
    pub(crate) seq: usize,
    /// Measured steps; one more is taken before them.
    #[arg(long, default_value_t = 5)]
    pub(crate) steps: u32,
    /// Keep only the tensors between layers and compute the rest again in the backward pass.
    #[arg(long)]
    pub(crate) recompute: bool,
    /// Threads of the CPU [default: all].
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl BenchTrainArgs {
    pub(crate) fn activations(&self) -> Activations {
        if self.recompute { Activations::Recomputed } else { Activations::Kept }
    }
}

/// What an optimizer step minimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrainObjective {
    /// Cross-entropy.
    Sft,
    /// Preference pairs, sigmoid loss.
    Dpo,
    /// Clipped policy gradient on completions drawn in the step.
    Grpo,
}

impl TrainObjective {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sft => "sft",
            Self::Dpo => "dpo",
            Self::Grpo => "grpo",
        }
    }
}

/// What an optimizer step changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrainMode {
    /// A LoRA adapter of rank 16 on all linear maps.
    Lora,
    /// Everything.
    Full,
}

#[derive(Debug, Args)]
pub(crate) struct BenchRolloutArgs {
    /// Model folder.
    #[arg(long)]
    pub(crate) model: PathBuf,
    /// Game that is played, against mcts(25,1).
    #[arg(long, default_value = "leduc_poker")]
    pub(crate) game: String,
    /// Sidecars, comma separated [default: one of our own in this process].
    #[arg(long)]
    pub(crate) urls: Option<String>,
    /// Episodes a run.
    #[arg(long, default_value_t = 1024)]
    pub(crate) episodes: u64,
    /// Runs; the median is printed.
    #[arg(long, default_value_t = 3)]
    pub(crate) runs: u32,
    /// auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BenchEnvArgs {
    /// Sidecars [default: one of our own in this process, with a bare loop beside it for comparison].
    #[arg(long = "url")]
    pub(crate) urls: Vec<String>,
    /// Episodes a run.
    #[arg(long, default_value_t = 64)]
    pub(crate) episodes: u64,
    /// Episodes at once [default: 64; 256, as many as quickstart plays, with a sidecar of our own].
    #[arg(long)]
    pub(crate) concurrency: Option<usize>,
    /// Requests in flight per sidecar.
    #[arg(long)]
    pub(crate) in_flight: Option<usize>,
    /// Runs; the median is printed.
    #[arg(long, default_value_t = 3)]
    pub(crate) runs: u32,
    /// One JSON object per line.
    #[arg(long)]
    pub(crate) json: bool,
}
