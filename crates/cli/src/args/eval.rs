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
    /// Exact exploitability of a model in kuhn_poker, leduc_poker or a small liars_dice.
    #[command(
        after_help = "Example:\n  croupier eval exploitability --model runs/…/base --adapter runs/…/adapter --game leduc_poker"
    )]
    Exploitability(ExploitabilityArgs),
    /// Match play between models, teachers and bots, as the tournament holds it: seats swapped, temperature 0.
    #[command(
        after_help = "Players: model:DIR, model:DIR+ADAPTER, teacher, mcts, mcts:SIMULATIONS, or a bot by its name\n  (random; leduc_poker: always-raise, card-rule, random-nofold, tight; liars_dice: public, threshold;\n  gin_rummy: public, simple).\n\nExamples:\n  croupier eval arena model:BASE+runs/…/adapter model:BASE random --games leduc_poker,liars_dice\n  croupier eval arena teacher threshold --games liars_dice --pairs 5000 --json"
    )]
    Arena(ArenaArgs),
    /// What the tournament's evaluator would say of models on rows: their loss, or what reward functions give.
    #[command(
        after_help = "Examples:\n  croupier eval text --task-type InstructTextTask --model BASE --adapter runs/…/artifact --dataset rows.json\n  croupier eval text --task-type DpoTask --model BASE --models A B --dataset pairs.jsonl --json\n  croupier eval text --task-type GrpoTask --model BASE --models A B --dataset prompts.json --dataset-type '{…}' --rows 64\n  croupier eval text --task_id 1700000000-train --models A B --gpu_ids 0\n  croupier eval text --benchmark examples/benchmark.json --task_id RUN --json\n\nA task id is a run folder, or its name in runs/: base, rows, columns and the run's own artifact are read from its\nrecord. benchmark.json is a list of {\"name\", \"path\" or \"repo\", \"tasks\"}; without tasks a model joins in all."
    )]
    Text(EvalTextArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ExploitabilityArgs {
    /// kuhn_poker, leduc_poker, or a small liars_dice by its OpenSpiel name, e.g. 'liars_dice(dice_sides=4)'.
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
    /// InstructTextTask, ChatTask, DpoTask or GrpoTask [default: the run's].
    #[arg(long)]
    pub(crate) task_type: Option<String>,
    /// Base model folder: its tokenizer reads the rows, and it is what the others are compared with [default: the run's].
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// Adapter folder.
    #[arg(long)]
    pub(crate) adapter: Option<PathBuf>,
    /// Further folders with adapters of the base or whole models.
    #[arg(long, num_args = 1..)]
    pub(crate) models: Vec<PathBuf>,
    /// Rows: a JSON array of objects, or JSON Lines [default: the run's].
    #[arg(long)]
    pub(crate) dataset: Option<PathBuf>,
    /// Columns of the rows, as in `train text` [default: the run's, else {}].
    #[arg(long)]
    pub(crate) dataset_type: Option<String>,
    /// Run folder, or its name in runs/; again for each.
    #[arg(long = "task_id", alias = "task-id", value_name = "RUN")]
    pub(crate) task_ids: Vec<String>,
    /// Models to compare: a JSON list of {"name", "path" or "repo", "tasks"}.
    #[arg(long, value_name = "FILE")]
    pub(crate) benchmark: Option<PathBuf>,
    /// Weight of the KL term of an instruct task [default: the run's].
    #[arg(long)]
    pub(crate) kl_coef: Option<f64>,
    /// Of a GrpoTask: weight of the divergence on completions in the evaluator's trainer term.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) beta: f64,
    /// Of a GrpoTask: draws completions.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// At most so many rows.
    #[arg(long)]
    pub(crate) rows: Option<usize>,
    /// auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// GPUs by number; one is used at a time, the first.
    #[arg(long = "gpu_ids", alias = "gpu-ids", value_name = "N", num_args = 1.., value_delimiter = ',')]
    pub(crate) gpu_ids: Vec<usize>,
    /// One JSON object per task and model.
    #[arg(long)]
    pub(crate) json: bool,
}
