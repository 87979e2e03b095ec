//! What `croupier eval` is asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
    /// Match play between models, teachers and bots, as the tournament holds it: seats swapped, temperature 0.
    #[command(
        after_help = "Players: model:DIR, model:DIR+ADAPTER, teacher, mcts, mcts:SIMULATIONS, or a bot by its name\n  (random; leduc_poker: always-raise, card-rule, random-nofold, tight; liars_dice: public, threshold;\n  gin_rummy: public, simple).\n\nExamples:\n  croupier eval arena model:BASE+runs/…/adapter model:BASE random --games leduc_poker,liars_dice\n  croupier eval arena teacher threshold --games liars_dice --pairs 5000 --json"
    )]
    Arena(ArenaArgs),
    /// What the tournament's evaluator would say of models on a file of rows; lower is better.
    #[command(
        after_help = "Examples:\n  croupier eval text --task-type InstructTextTask --model BASE --adapter runs/…/adapter --dataset rows.json\n  croupier eval text --task-type DpoTask --model BASE --models A B --dataset pairs.jsonl --json"
    )]
    Text(EvalTextArgs),
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
pub(crate) struct ArenaArgs {
    /// Two players or more; every one meets every other.
    #[arg(required = true, num_args = 2..)]
    pub(crate) players: Vec<String>,
    /// Games, comma separated.
    #[arg(long, value_delimiter = ',', default_value = "leduc_poker,liars_dice")]
    pub(crate) games: Vec<String>,
    /// Deals of each match at most, each played twice.
    #[arg(long, default_value_t = 200)]
    pub(crate) pairs: u64,
    /// A match ends when the score's interval has left this.
    #[arg(long)]
    pub(crate) bar: Option<f64>,
    /// Seconds of a match at most, as the evaluator's 900; without it only the pairs count, and a seed gives the same
    /// result every time.
    #[arg(long)]
    pub(crate) budget: Option<f64>,
    /// First deal.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Prompt pack of the models' prompts [default: prompts/evaluator.toml if it is there, else built in].
    #[arg(long)]
    pub(crate) pack: Option<PathBuf>,
    /// auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// JSON lines: one for each match, then the standing.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvalTextArgs {
    /// InstructTextTask, ChatTask or DpoTask.
    #[arg(long)]
    pub(crate) task_type: String,
    /// Base model folder: its tokenizer reads the rows, and it is what the others are compared with.
    #[arg(long)]
    pub(crate) model: PathBuf,
    /// Adapter folder.
    #[arg(long)]
    pub(crate) adapter: Option<PathBuf>,
    /// Further folders with adapters of the base or whole models.
    #[arg(long, num_args = 1..)]
    pub(crate) models: Vec<PathBuf>,
    /// Rows: a JSON array of objects, or JSON Lines.
    #[arg(long)]
    pub(crate) dataset: PathBuf,
    /// Columns of the rows, as in `train text`.
    #[arg(long, default_value = "{}")]
    pub(crate) dataset_type: String,
    /// Weight of the KL term of an instruct task.
    #[arg(long)]
    pub(crate) kl_coef: Option<f64>,
    /// At most so many rows.
    #[arg(long)]
    pub(crate) rows: Option<usize>,
    /// auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// One JSON object per model.
    #[arg(long)]
    pub(crate) json: bool,
}
