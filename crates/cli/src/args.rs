//! The command line. Flags of the tournament container are fixed by its contract and unknown ones are tolerated.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Turns a base model, a task and a number of hours into the best model that can be had in that time.
#[derive(Debug, Parser)]
#[command(name = "croupier", version, propagate_version = true)]
#[command(
    after_help = "Examples:\n  croupier quickstart\n  croupier sidecar serve --port 8000\n  croupier verify traces PATH"
)]
pub(crate) struct Cli {
    /// More log lines on stderr (-v info, -vv debug, -vvv trace; RUST_LOG overrides it), and all kept failures of verify.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Teach a tiny model leduc poker against mock sidecars: the main job, in minutes, on this machine.
    Quickstart(QuickstartArgs),
    /// Train for a task card: the tournament container's entry point.
    Train(TrainArgs),
    /// Serve or check environment sidecars.
    Sidecar(SidecarArgs),
    /// Play episodes and write them as trajectories.
    Rollout(RolloutArgs),
    /// Measure a model as a player.
    Eval(EvalArgs),
    /// Make or inspect models.
    Model(ModelArgs),
    /// Replay reference data and print counts and worst differences.
    Verify(VerifyArgs),
    /// Measure throughput.
    Bench(BenchArgs),
    /// Show what this machine offers: device, driver, memory, sidecars.
    Doctor(DoctorArgs),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OpponentArg {
    Mcts,
    Random,
    Cfr,
    #[value(name = "self")]
    SelfPlay,
}

impl OpponentArg {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mcts => "mcts",
            Self::Random => "random",
            Self::Cfr => "cfr",
            Self::SelfPlay => "self",
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  croupier quickstart\n  croupier quickstart --seed 3 --out runs/three\n  croupier quickstart --smoke"
)]
pub(crate) struct QuickstartArgs {
    /// Reproduces the run: weights, deals, sampling.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Who sits on the other side while training; evaluation is always against mcts(25,1).
    #[arg(long, value_enum, default_value = "mcts")]
    pub(crate) opponent: OpponentArg,
    /// Run folder [default: runs/TIME-quickstart].
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// One JSON object per line on stdout instead of the table.
    #[arg(long)]
    pub(crate) json: bool,
    /// A minute instead of minutes: a few steps, a small evaluation, no claim on the result.
    #[arg(long)]
    pub(crate) smoke: bool,
    /// Where tensors live: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// Settings to start from (run.toml; examples/quickstart.toml).
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    #[command(subcommand)]
    pub(crate) what: TrainWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrainWhat {
    /// Text and environment tasks.
    #[command(disable_help_flag = true)]
    Text(TrainTextArgs),
}

/// Parsed by hand (`cmd::train::flags`): the contract demands that unknown flags are tolerated.
#[derive(Debug, Args)]
pub(crate) struct TrainTextArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) rest: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SidecarArgs {
    #[command(subcommand)]
    pub(crate) what: SidecarWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SidecarWhat {
    /// Serve mock sidecars: the same HTTP API as the tournament's.
    #[command(
        after_help = "Examples:\n  croupier sidecar serve\n  croupier sidecar serve --port 0 --games kuhn_poker,leduc_poker --error-rate 0.05"
    )]
    Serve(ServeArgs),
    /// Check anyone's sidecar against the contract.
    #[command(after_help = "Example:\n  croupier sidecar check http://127.0.0.1:8000")]
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Port; 0 takes a free one.
    #[arg(long, default_value_t = 8000)]
    pub(crate) port: u16,
    /// How many sidecars, on consecutive ports.
    #[arg(long, default_value_t = 1)]
    pub(crate) count: u16,
    /// Games to serve, comma separated [default: all but kuhn_poker].
    #[arg(long, value_delimiter = ',')]
    pub(crate) games: Vec<String>,
    /// Minutes after which an idle episode is freed.
    #[arg(long, default_value_t = 60.0)]
    pub(crate) idle_minutes: f64,
    /// Episodes held at most.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) max_episodes: usize,
    /// Added latency in ms: const:5, exp:10 or lognormal:50,0.5 (median, sigma).
    #[arg(long)]
    pub(crate) latency: Option<String>,
    /// Share of requests answered with 500.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) error_rate: f64,
    /// Share of requests whose connection is closed without a reply.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) drop_rate: f64,
    /// Share of requests that are never answered.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) hang_rate: f64,
    /// Seed of the faults.
    #[arg(long, default_value_t = 0)]
    pub(crate) fault_seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Base URL of the sidecar.
    pub(crate) url: String,
    /// Games it is expected to serve, comma separated.
    #[arg(long, value_delimiter = ',')]
    pub(crate) games: Vec<String>,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RolloutArgs {
    #[command(subcommand)]
    pub(crate) what: RolloutWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RolloutWhat {
    /// Play episodes against sidecars (or in-process) and write trajectories as JSON lines.
    #[command(
        after_help = "Examples:\n  croupier rollout run --game leduc_poker --groups 16 --out R.jsonl\n  croupier rollout run --game gin_rummy --policy model:DIR --urls http://127.0.0.1:8000 --out R.jsonl"
    )]
    Run(RolloutRunArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RolloutRunArgs {
    /// File to write.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Environment.
    #[arg(long, default_value = "leduc_poker")]
    pub(crate) game: String,
    /// random, first-legal, last-legal, prefer:ID,ID or model:DIR.
    #[arg(long, default_value = "random")]
    pub(crate) policy: String,
    /// Start states.
    #[arg(long, default_value_t = 8)]
    pub(crate) groups: u64,
    /// Episodes of one start state.
    #[arg(long, default_value_t = 8)]
    pub(crate) group_size: u32,
    /// Episodes started beyond the group size, so that stragglers can be cut off.
    #[arg(long, default_value_t = 0)]
    pub(crate) over_sample: u32,
    /// Sidecars, comma separated [default: ENVIRONMENT_SERVER_URLS, else in-process].
    #[arg(long, env = "ENVIRONMENT_SERVER_URLS")]
    pub(crate) urls: Option<String>,
    /// mcts, random, cfr or self.
    #[arg(long, value_enum, default_value = "mcts")]
    pub(crate) opponent: OpponentArg,
    /// MCTS simulations a move.
    #[arg(long, default_value_t = 25)]
    pub(crate) simulations: u32,
    /// compact or sidecar.
    #[arg(long, default_value = "compact")]
    pub(crate) format: String,
    /// Tokenizer folder for policies without a model [default: a byte-level one made on the spot].
    #[arg(long)]
    pub(crate) tokenizer: Option<PathBuf>,
    /// Bound on the agent's turns.
    #[arg(long, default_value_t = 120)]
    pub(crate) max_turns: u32,
    /// Episodes at once per sidecar.
    #[arg(long, default_value_t = 4, env = "ROLLOUT_WORKERS")]
    pub(crate) workers: u32,
    /// Deadline of one step in seconds.
    #[arg(long, default_value_t = 60.0)]
    pub(crate) step_timeout: f64,
    /// Sampling temperature.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) temperature: f32,
    /// Completion tokens of one turn.
    #[arg(long, default_value_t = 16)]
    pub(crate) max_new_tokens: u32,
    /// Let the model write any token, as an evaluator does, instead of legal actions only.
    #[arg(long)]
    pub(crate) free: bool,
    /// Deals and draws.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Where tensors live.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// Summary as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(subcommand)]
    pub(crate) what: EvalWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvalWhat {
    /// Exact exploitability of a model in kuhn_poker or leduc_poker.
    #[command(
        after_help = "Example:\n  croupier eval exploitability --model runs/…/base --adapter runs/…/adapter --game leduc_poker"
    )]
    Exploitability(ExploitabilityArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ExploitabilityArgs {
    /// kuhn_poker or leduc_poker.
    #[arg(long, default_value = "leduc_poker")]
    pub(crate) game: String,
    /// Model folder; without it the uniform policy is measured.
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// Adapter folder.
    #[arg(long)]
    pub(crate) adapter: Option<PathBuf>,
    /// Where tensors live.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    #[command(subcommand)]
    pub(crate) what: ModelWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelWhat {
    /// Make a random model with a tokenizer trained on the games' own texts.
    #[command(after_help = "Example:\n  croupier model new --arch qwen3 --size pico /tmp/pico")]
    New(ModelNewArgs),
    /// Show what a model folder holds.
    Info(ModelInfoArgs),
    /// Fold an adapter into its base.
    Merge(ModelMergeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ModelNewArgs {
    /// qwen2, qwen3, llama or mistral.
    #[arg(long, default_value = "qwen3")]
    pub(crate) arch: String,
    /// pico, nano, tiny, small or q05b.
    #[arg(long, default_value = "pico")]
    pub(crate) size: String,
    /// Vocabulary [default: the size's own].
    #[arg(long)]
    pub(crate) vocab: Option<usize>,
    /// Of the weights.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Folder to make.
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ModelInfoArgs {
    /// Model folder.
    pub(crate) dir: PathBuf,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ModelMergeArgs {
    /// Base model folder.
    #[arg(long)]
    pub(crate) model: PathBuf,
    /// Adapter folder.
    #[arg(long)]
    pub(crate) adapter: PathBuf,
    /// Folder to make.
    pub(crate) out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyWhat {
    /// Game traces, gin units, exhaustive trees, sidecar transcripts.
    Traces,
    /// Logits of model folders with reference_logits.safetensors.
    Logits,
    /// Cached decoding against the full forward.
    Decode,
    /// Objectives, gradients and AdamW of a golden folder.
    Losses,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  croupier verify traces data/traces\n  croupier verify logits data/models/nano-qwen2 --layers\n  croupier verify losses data/golden"
)]
pub(crate) struct VerifyArgs {
    /// What to compare.
    #[arg(value_enum)]
    pub(crate) what: VerifyWhat,
    /// Files or folders of reference data.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// For logits: compare hidden states too and name the first layer out of tolerance.
    #[arg(long)]
    pub(crate) layers: bool,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) what: BenchWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchWhat {
    /// Random playouts per second through the public trait.
    Games(BenchGamesArgs),
    /// Steps per second of the sidecar client.
    #[command(
        after_help = "Examples:\n  croupier bench env --json\n  croupier bench env --url http://127.0.0.1:4000 --episodes 64 --concurrency 64 --json"
    )]
    Env(BenchEnvArgs),
    /// Tokens per second of batched generation.
    #[command(after_help = "Example:\n  croupier bench generate --model DIR --batch 1,8,32 --json")]
    Generate(BenchGenerateArgs),
    /// Seconds per optimizer step of SFT.
    #[command(after_help = "Example:\n  croupier bench train --model DIR --mode lora --json")]
    Train(BenchTrainArgs),
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
    /// What is trained.
    #[arg(long, value_enum, default_value_t = TrainMode::Lora)]
    pub(crate) mode: TrainMode,
    /// Rows of a step.
    #[arg(long, default_value_t = 4)]
    pub(crate) batch: usize,
    /// Tokens of a row.
    #[arg(long, default_value_t = 512)]
    pub(crate) seq: usize,
    /// Measured steps; one more is taken before them.
    #[arg(long, default_value_t = 5)]
    pub(crate) steps: u32,
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

/// What an optimizer step changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrainMode {
    /// A LoRA adapter of rank 16 on all linear maps.
    Lora,
    /// Everything.
    Full,
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

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// Sidecars to ask [default: ENVIRONMENT_SERVER_URLS].
    #[arg(long, env = "ENVIRONMENT_SERVER_URLS")]
    pub(crate) urls: Option<String>,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
