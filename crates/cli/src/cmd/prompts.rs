//! `croupier prompts capture|show`: the prose of prompts, apart from their layout.

use anyhow::{Context, Result};
use rollout::PromptPack;

use crate::args::{CaptureArgs, PromptsArgs, PromptsWhat};
use crate::failure::Failure;

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
        Failure::bad_input(error.to_string(), "requests with system, user and tools, as JSON or JSON Lines")
    })?;
    if let Some(folder) = args.out.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making `{}`", folder.display()))?;
    }
    tasks::write_whole(&args.out, &pack.to_toml())?;
    println!("{}", pack.source);
    println!("{}", args.out.display());
    Ok(())
}
