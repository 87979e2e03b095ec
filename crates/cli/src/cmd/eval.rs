//! `croupier eval arena|exploitability|text`: match play; what the best opponents would win against a model, exactly; what
//! the tournament's evaluator would say of one on rows.

mod arena;

use anyhow::{Context, Result};
use burn::tensor::Device;
use eval::ExactGame;
use games::TabularPolicy;
use schema::{DatasetType, TaskType};
use serde_json::json;
use tasks::ModelPolicy;
use tasks::text::{EvaluateTask, evaluate};

use crate::args::{EvalArgs, EvalTextArgs, EvalWhat, ExploitabilityArgs};
use crate::failure::Failure;
use crate::interrupt;

pub(crate) fn run(args: EvalArgs) -> Result<()> {
    match args.what {
        EvalWhat::Arena(args) => interrupt::block_on(arena::run(args)),
        EvalWhat::Exploitability(args) => interrupt::block_on(exploitability(args)),
        EvalWhat::Text(args) => text(&args),
    }
}

async fn exploitability(args: ExploitabilityArgs) -> Result<()> {
    if !["leduc_poker", "kuhn_poker"].contains(&args.game.as_str()) {
        let message = format!("`{}` cannot be enumerated with its prompts", args.game);
        return Err(Failure::bad_input(message, "leduc_poker or kuhn_poker").into());
    }
    let game = ExactGame::new(&format!("{}(players=2)", args.game))?;
    let policy = match &args.model {
        None => TabularPolicy::uniform(),
        Some(dir) => {
            let device = open(&args.device)?;
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

fn text(args: &EvalTextArgs) -> Result<()> {
    let bad = |error: schema::TaskError| Failure::bad_input(error.to_string(), error.hint());
    let kind: TaskType = args.task_type.parse().map_err(bad)?;
    let task = EvaluateTask {
        base: args.model.clone(),
        dataset: args.dataset.clone(),
        card: DatasetType::parse(kind, &args.dataset_type).map_err(bad)?,
        kl_coef: args.kl_coef,
        max_rows: args.rows,
        device: open(&args.device)?,
    };
    let mut models: Vec<_> = args.adapter.iter().chain(&args.models).cloned().collect();
    if models.is_empty() {
        models.push(args.model.clone());
    }
    let found = evaluate(&task, &models)?;
    if !args.json {
        println!("{:>9}  {:>8}  {:>9}  {:>8}  model, on {} rows", "loss", "±", "gain", "±", found[0].n);
    }
    for (dir, found) in models.iter().zip(&found) {
        if args.json {
            println!("{}", json!({"model": dir, "task_type": args.task_type, "figures": found}));
            continue;
        }
        println!(
            "{:>9.4}  {:>8.4}  {:>+9.4}  {:>8.4}  {}",
            found.loss,
            found.standard_error,
            found.gain,
            found.gain_error,
            dir.display()
        );
    }
    Ok(())
}

fn open(device: &str) -> Result<Device> {
    let opened = device.parse::<model::DeviceChoice>().and_then(model::DeviceChoice::open);
    Ok(opened.map_err(|error| Failure::bad_input(error.to_string(), "--device cpu"))?.device)
}
