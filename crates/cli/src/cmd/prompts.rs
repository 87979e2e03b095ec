//! `croupier prompts capture|show`: the prose of prompts, apart from their layout.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rollout::PromptPack;
use tasks::BadInput;

use crate::args::{CaptureArgs, PromptsArgs, PromptsWhat};
use crate::failure::Failure;

/// Where people put the evaluator's own prose, in their fork or image.
pub(crate) const EVALUATOR_PACK: &str = "prompts/evaluator.toml";

pub(crate) fn run(args: PromptsArgs) -> Result<()> {
    match args.what {
        PromptsWhat::Capture(args) => capture(&args),
        PromptsWhat::Show => {
            print!("{}", PromptPack::builtin().to_toml());
            Ok(())
        }
    }
}

fn capture(args: &CaptureArgs) -> Result<()> {
    let pack = PromptPack::capture_files(&args.files).map_err(|error| {
        Failure::bad_input(
            error.to_string(),
            "requests with system, user and tools, as JSON, JSON Lines or Parquet",
        )
    })?;
    if let Some(folder) = args.out.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making `{}`", folder.display()))?;
    }
    tasks::write_whole(&args.out, &pack.to_toml())?;
    println!("{}", pack.source);
    println!("{}", args.out.display());
    Ok(())
}

/// The prose of a model's prompts: what is named, else that of mounted turns, else the evaluator's where the user has put it,
/// else ours.
pub(crate) fn pack(named: Option<&Path>, mounted: &[PathBuf]) -> Result<PromptPack, BadInput> {
    if named.is_none()
        && let Ok(captured) = PromptPack::capture_files(mounted)
    {
        return Ok(captured);
    }
    let Some(path) = named.or(Some(Path::new(EVALUATOR_PACK)).filter(|path| path.is_file())) else {
        return Ok(PromptPack::builtin());
    };
    PromptPack::load(path).map_err(|error| {
        BadInput::new(
            format!("prompt pack `{}`: {error}", path.display()),
            "croupier prompts capture makes one",
        )
    })
}
