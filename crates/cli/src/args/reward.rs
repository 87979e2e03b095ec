//! What `croupier reward` is asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct RewardArgs {
    #[command(subcommand)]
    pub(crate) what: RewardWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RewardWhat {
    /// Look for faults: types, exceptions, time, constant or random scores, ways to cheat. Exit 3 if there are any.
    #[command(
        after_help = "Examples:\n  croupier reward check examples/rewards/answer.py\n  croupier reward check F.py --rollouts R.jsonl --html check.html"
    )]
    Check(RewardCheckArgs),
    /// Score recorded trajectories and add the scores to the record.
    #[command(
        after_help = "Examples:\n  croupier reward score F.py --rollouts R.jsonl\n  croupier reward score F.py --rollouts R.jsonl --out S.jsonl --json"
    )]
    Score(RewardScoreArgs),
    /// Score the same trajectories with two functions and say where they disagree.
    #[command(
        after_help = "Example:\n  croupier reward compare A.py B.py --rollouts R.jsonl --html compare.html"
    )]
    Compare(RewardCompareArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RewardCheckArgs {
    /// Python source; its first callable is the function.
    pub(crate) function: PathBuf,
    /// Recorded trajectories to try it on [default: texts of the lab's own].
    #[arg(long)]
    pub(crate) rollouts: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: RewardCommonArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RewardScoreArgs {
    /// Python source; its first callable is the function.
    pub(crate) function: PathBuf,
    /// Recorded trajectories, as `rollout run` writes them.
    #[arg(long)]
    pub(crate) rollouts: PathBuf,
    /// File to write [default: the rollouts' own, replaced as a whole].
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: RewardCommonArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RewardCompareArgs {
    /// One function.
    pub(crate) a: PathBuf,
    /// The other.
    pub(crate) b: PathBuf,
    /// Recorded trajectories.
    #[arg(long)]
    pub(crate) rollouts: PathBuf,
    #[command(flatten)]
    pub(crate) common: RewardCommonArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RewardCommonArgs {
    /// Interpreter of the workers.
    #[arg(long, default_value = "python3")]
    pub(crate) python: PathBuf,
    /// Worker processes.
    #[arg(long, default_value_t = 2)]
    pub(crate) workers: usize,
    /// Seconds that a function may take for a batch.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) time_limit: f64,
    /// Write a page with charts.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}
