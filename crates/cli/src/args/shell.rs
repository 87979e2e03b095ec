//! What `croupier sidecar serve` is asked about the shell environment. The variables are those of the evaluator's server.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(next_help_heading = "With intercode among the games")]
pub(crate) struct ShellArgs {
    /// Number of the set of 200 tasks that are made up; another number, other tasks.
    #[arg(long, value_name = "N", conflicts_with = "intercode_checkout")]
    pub(crate) intercode_set: Option<u64>,
    /// Checkout of InterCode (or its data/nl2bash) whose tasks are served instead.
    #[arg(long, value_name = "DIR", env = "INTERCODE_DATA_ROOT")]
    pub(crate) intercode_checkout: Option<PathBuf>,
    /// Turns of an episode; the last one submits by itself.
    #[arg(long, value_name = "N", env = "INTERCODE_MAX_TURNS", default_value_t = 10)]
    pub(crate) intercode_max_turns: usize,
    /// Tokens of an answer in /evaluate.
    #[arg(long, value_name = "N", env = "INTERCODE_MAX_TOKENS_PER_CALL", default_value_t = 512)]
    pub(crate) intercode_max_tokens: u32,
    /// Seconds of a task in /evaluate.
    #[arg(long, value_name = "SECONDS", env = "INTERCODE_PER_TASK_TIMEOUT", default_value_t = 150)]
    pub(crate) intercode_task_timeout: u64,
    /// Three parts of a reward, or all or nothing.
    #[arg(long, value_name = "MODE", env = "INTERCODE_SCORING_MODE", value_enum, default_value_t = ScoringArg::Continuous)]
    pub(crate) intercode_scoring: ScoringArg,
    /// Prompt pack whose words /evaluate uses [default: the built-in wording].
    #[arg(long, value_name = "FILE")]
    pub(crate) pack: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScoringArg {
    Continuous,
    Binary,
}
