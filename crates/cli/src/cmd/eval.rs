//! `croupier eval arena|exploitability|text`: match play; what the best opponents would win against a model, exactly; what
//! the tournament's evaluator would say of one on rows.

mod arena;
mod benchmark;
mod runs;
mod text;

use anyhow::{Context, Result};
use eval::ExactGame;
use games::TabularPolicy;
use model::DeviceInfo;
use serde_json::json;
use tasks::ModelPolicy;

use crate::args::{EvalArgs, EvalWhat, ExploitabilityArgs};
use crate::failure::Failure;
use crate::interrupt;

/// Where models come from if HF_ENDPOINT does not say.
pub(crate) const HUB: &str = "https://huggingface.co";

/// Games whose every state can be visited.
const ENUMERABLE: &str = "kuhn_poker, leduc_poker, liars_dice (one die each), liars_dice(dice_sides=4), or \
                          liars_dice(numdice=2,dice_sides=2)";

pub(crate) fn run(args: EvalArgs) -> Result<()> {
    match args.what {
        EvalWhat::Arena(args) => interrupt::block_on(arena::run(args)),
        EvalWhat::Exploitability(args) => interrupt::block_on(exploitability(args)),
        EvalWhat::Text(args) => text::run(&args),
    }
}

async fn exploitability(args: ExploitabilityArgs) -> Result<()> {
    let refused = |reason: String| Failure::bad_input(reason, ENUMERABLE);
    if !args.game.starts_with("liars_dice") && !["leduc_poker", "kuhn_poker"].contains(&args.game.as_str()) {
        return Err(refused(format!("`{}` cannot be enumerated with its prompts", args.game)).into());
    }
    let game = ExactGame::new(&args.game).map_err(|error| refused(error.to_string()))?;
    let policy = match &args.model {
        None => TabularPolicy::uniform(),
        Some(dir) => {
            let device = open(&args.device)?.device;
            let loaded = ModelPolicy::load(dir, args.adapter.as_deref(), &device);
            let loaded = loaded.with_context(|| format!("loading `{}`", dir.display()))?;
            let format = rollout::Compact::new(loaded.tokenizer().clone());
            eval::tabulate(&game, &format, &loaded.odds()).await?
        }
    };
    let figures = game.figures(&policy);
    if args.json {
        println!(
            "{}",
            json!({"game": args.game, "figures": figures, "exploitability": figures.exploitability()})
        );
        return Ok(());
    }
    println!(
        "{}: {}",
        args.game,
        args.model.as_ref().map_or("uniform".into(), |dir| dir.display().to_string())
    );
    println!("  exploitability     {:.6}  (NashConv {:.6})", figures.exploitability(), figures.nash_conv);
    println!("  value vs uniform  {:+.4}", figures.value_vs_uniform);
    println!("  value vs CFR+     {:+.4}", figures.value_vs_cfr);
    println!("  card sensitivity   {:.4}", figures.card_sensitivity);
    Ok(())
}

fn open(device: &str) -> Result<DeviceInfo> {
    let opened = device.parse::<model::DeviceChoice>().and_then(model::DeviceChoice::open);
    Ok(opened.map_err(|error| Failure::bad_input(error.to_string(), "--device cpu"))?)
}
