//! What `croupier prompts` is asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct PromptsArgs {
    #[command(subcommand)]
    pub(crate) what: PromptsWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PromptsWhat {
    /// Takes the prose out of captured chat requests, so that a model is trained on exactly what it will be asked.
    #[command(
        after_help = "Example:\n  croupier prompts capture requests.jsonl --out prompts/evaluator.toml\n\nprompts/evaluator.toml in the working tree or the image is used by `train text` from then on. The prose has its\nowner's licence: commit it to your own fork with its notice."
    )]
    Capture(CaptureArgs),
    /// Prints the built-in pack, to be changed.
    Show,
}

#[derive(Debug, Args)]
pub(crate) struct CaptureArgs {
    /// JSON or JSON Lines with system, user and tools of requests; folders of such files.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The pack to write.
    #[arg(long)]
    pub(crate) out: PathBuf,
}
