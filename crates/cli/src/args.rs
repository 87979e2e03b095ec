//! The command line. Flags of the tournament container are fixed by its contract and unknown ones are tolerated.

mod bench;
mod eval;
mod play;
mod prompts;
mod reward;
mod rollout_serve;
mod serve;
mod shell;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use bench::*;
pub(crate) use eval::{ArenaArgs, EvalArgs, EvalTextArgs, EvalWhat, ExploitabilityArgs};
pub(crate) use play::PlayArgs;
pub(crate) use prompts::*;
pub(crate) use reward::*;
pub(crate) use rollout_serve::RolloutServeArgs;
pub(crate) use serve::*;
pub(crate) use shell::{ScoringArg, ShellArgs};

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
    /// Play a hand yourself, line by line.
    Play(PlayArgs),
    /// Play episodes: into a file, or for trainers over HTTP.
    Rollout(RolloutArgs),
    /// Serve a model to OpenAI's clients.
    Serve(ServeModelArgs),
    /// Try Python reward functions: faults, re-scoring, comparison.
    Reward(RewardArgs),
    /// Measure a model as a player.
    Eval(EvalArgs),
    /// Make or inspect models.
    Model(ModelArgs),
    /// Replay reference data and print counts and worst differences.
    Verify(VerifyArgs),
    /// Prompt packs: the prose of prompts.
    Prompts(PromptsArgs),
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
        after_help = "Examples:\n  croupier sidecar serve\n  croupier sidecar serve --port 0 --games kuhn_poker,leduc_poker --error-rate 0.05\n  croupier sidecar serve --games leduc_poker,gin_rummy,intercode"
    )]
    Serve(ServeArgs),
    /// Check anyone's sidecar against the contract.
    #[command(
        after_help = "Examples:\n  croupier sidecar check http://127.0.0.1:8000\n  croupier sidecar check http://127.0.0.1:8000 --games intercode"
    )]
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
    /// Games to serve, comma separated; intercode is the shell environment [default: all games but kuhn_poker].
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
    #[command(flatten)]
    pub(crate) shell: ShellArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Base URL of the sidecar.
    pub(crate) url: String,
    /// Games it is expected to serve, comma separated [default: those of the original].
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
    /// Play groups for trainers that pull them over HTTP.
    #[command(
        after_help = "Examples:\n  croupier rollout serve --port 8300\n  croupier rollout serve --model DIR --adapter DIR --urls http://127.0.0.1:8000\n  croupier rollout serve --policy-url http://127.0.0.1:8080/v1 --tokenizer DIR\n\nThen, e.g.:\n  curl -d '{\"envs\":[\"leduc_poker\"],\"groups\":100,\"group_size\":8,\"seed\":1}' http://127.0.0.1:8300/v1/jobs\n  curl -N http://127.0.0.1:8300/v1/jobs/ID/groups?after=0\n  python3 examples/rollout_client.py http://127.0.0.1:8300 groups.jsonl --groups 100"
    )]
    Serve(RolloutServeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RolloutRunArgs {
    /// File to write.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Environment: a game, or intercode, which is asked as the evaluator asks it.
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
    /// Completion tokens of one turn [default: 16; in intercode 512].
    #[arg(long)]
    pub(crate) max_new_tokens: Option<u32>,
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
    /// Bytes of weights in one file; more are written in several, with an index.
    #[arg(long, value_name = "BYTES", default_value_t = 5_000_000_000)]
    pub(crate) max_shard_size: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyWhat {
    /// Game traces, gin units, exhaustive trees, sidecar transcripts.
    Traces,
    /// Logits of model folders with reference_logits.safetensors.
    Logits,
    /// Cached decoding against the full forward.
    Decode,
    /// Gradients of weights and adapters, of a golden folder or of one by scripts/golden/gradients.py.
    Gradients,
    /// Objectives, gradients and AdamW of a golden folder.
    Losses,
    /// The device's operations against their reference bodies on the CPU, and known faults of the engine; takes no path.
    Kernels,
    /// Tokens and labels of whole data files, by scripts/golden/text_rows.py.
    Rows,
    /// Layout of match play's and InterCode's prompts, byte for byte; with --pack also the pack's prose.
    Prompts,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  croupier verify traces data/traces\n  croupier verify logits data/models/nano-qwen2 --layers\n  croupier verify losses data/golden\n  croupier verify kernels --device cuda"
)]
pub(crate) struct VerifyArgs {
    /// What to compare.
    #[arg(value_enum)]
    pub(crate) what: VerifyWhat,
    /// Files or folders of reference data; none for kernels.
    pub(crate) paths: Vec<PathBuf>,
    /// Where tensors live: auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// For prompts: take the prose from this pack instead of from the file itself.
    #[arg(long)]
    pub(crate) pack: Option<PathBuf>,
    /// For logits: compare hidden states too and name the first layer out of tolerance.
    #[arg(long)]
    pub(crate) layers: bool,
    /// One JSON object.
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
