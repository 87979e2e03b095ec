//! `croupier quickstart`: the main job on embedded defaults, told as it happens.

use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use model::DeviceChoice;
use schema::RunConfig;
use serde_json::json;
use tasks::quickstart::{Done, QUICKSTART_TOML, Quickstart, Scale};
use tasks::{Event, StepEvent};

use crate::args::QuickstartArgs;
use crate::failure::Failure;
use crate::interrupt;

/// A line of the table every so many steps.
const TABLE_EVERY: u64 = 10;

pub(crate) fn run(args: QuickstartArgs) -> Result<()> {
    let (started, started_unix_s) = (Instant::now(), unix_seconds());
    let config = config(&args)?;
    let choice = args.device.parse::<DeviceChoice>().and_then(DeviceChoice::open);
    let device = choice.map_err(|error| Failure::bad_input(error.to_string(), "--device cpu"))?;
    let scale = if args.smoke { Scale::SMOKE } else { Scale::FULL };
    let out = args.out.unwrap_or_else(|| run_folder("quickstart"));
    let quickstart = Quickstart { out, config, scale, device, started, started_unix_s };
    interrupt::block_on(async {
        let cancel = interrupt::token();
        let as_json = args.json;
        let mut observer = move |event: &Event| if as_json { print_json(event) } else { print_line(event) };
        let done = quickstart.run(&mut observer, &cancel).await?;
        if as_json {
            let mut line = serde_json::to_value(&done)?;
            line.as_object_mut().context("figures are an object")?.insert("event".to_owned(), json!("done"));
            println!("{line}");
        } else {
            print_summary(&done);
        }
        if cancel.is_cancelled() {
            return Err(Failure::interrupted(format!(
                "stopped; the last adapter is in `{}`",
                done.artifact.display()
            ))
            .into());
        }
        Ok(())
    })
}

/// Flag > file > default.
fn config(args: &QuickstartArgs) -> Result<RunConfig> {
    let text = match &args.config {
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            Failure::bad_input(
                format!("`{}` cannot be read: {error}", path.display()),
                "examples/quickstart.toml is one",
            )
        })?,
        None => QUICKSTART_TOML.to_owned(),
    };
    let mut config: RunConfig = toml::from_str(&text).map_err(|error| {
        Failure::bad_input(
            format!("the settings cannot be read: {error}"),
            "compare with examples/quickstart.toml",
        )
    })?;
    config.run.seed = args.seed;
    if args.config.is_none() || args.opponent.as_str() != "mcts" {
        config.env.opponent = args.opponent.as_str().to_owned();
    }
    if config.env.opponent == "self" {
        config.objective.advantages = "role_mean".to_owned();
    }
    Ok(config)
}

/// `runs/<time>-<name>`.
pub(crate) fn run_folder(name: &str) -> PathBuf {
    PathBuf::from(format!("runs/{}-{name}", unix_seconds() as u64))
}

/// Seconds since 1970 now.
pub(crate) fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn print_json(event: &Event) {
    // A line that cannot be written has no reader either.
    if let Ok(line) = serde_json::to_string(event) {
        println!("{line}");
    }
}

fn print_line(event: &Event) {
    match event {
        Event::Plan { lines } => {
            println!("What will happen:");
            lines.iter().for_each(|line| println!("  {line}"));
            println!();
        }
        Event::Warning { message } => eprintln!("warning: {message}"),
        Event::Phase { name } if name == "grpo" => println!(
            "{:>5} {:>8} {:>12} {:>7} {:>8} {:>6} {:>8} {:>8} {:>9} {:>6}",
            "step",
            "hands",
            "chips/hand",
            "flat",
            "illegal",
            "turns",
            "tok/s",
            "entropy",
            "NashConv",
            "cards"
        ),
        Event::Phase { name } => println!("{name} …"),
        Event::WarmUp { step, loss } if step % 40 == 0 => println!("  warm-up step {step}, loss {loss:.3}"),
        Event::Step(step) if step.step % TABLE_EVERY == 0 || step.nash_conv.is_some() => print_step(step),
        Event::Sidecars { lines } => lines.iter().for_each(|line| println!("{line}")),
        Event::WarmUp { .. } | Event::Step(_) | Event::Published { .. } => {}
        // Of text tasks.
        Event::Rows { .. }
        | Event::Exam { .. }
        | Event::OwnStates { .. }
        | Event::Shares { .. }
        | Event::ShellExam { .. }
        | Event::LearningRate { .. }
        | Event::TextStep(_)
        | Event::Rewards { .. }
        | Event::Evaluation { .. } => {}
    }
}

fn print_step(step: &StepEvent) {
    let exact = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
    println!(
        "{:>5} {:>8} {:>+12.2} {:>6.0}% {:>7.1}% {:>6.2} {:>8.0} {:>8.3} {:>9} {:>6}",
        step.step,
        step.episodes,
        step.mean_return,
        100.0 * step.zero_signal,
        100.0 * step.illegal_rate,
        step.turns,
        step.tokens_per_second,
        step.entropy,
        exact(step.nash_conv),
        exact(step.card_sensitivity)
    );
}

fn print_summary(done: &Done) {
    println!();
    println!(
        "against mcts(25,1)   {:+.2} → {:+.2} ± {:.2} chips per hand",
        done.mean_return_before, done.mean_return, done.mean_return_se
    );
    for (name, value) in tasks::REFERENCES {
        println!("    {name:18} {value:+.2}");
    }
    println!("NashConv             {:.2} → {:.2}", done.nash_conv_before, done.nash_conv);
    println!("card sensitivity     {:.2}", done.card_sensitivity);
    println!("value vs uniform     {:+.2}", done.value_vs_uniform);
    println!("value vs CFR+        {:+.2}", done.value_vs_cfr);
    println!("illegal turns        {:.2} %", 100.0 * done.illegal_rate);
    println!(
        "{} steps, {} hands, {} tokens, {:.0} s on {}",
        done.steps, done.episodes, done.tokens, done.elapsed_s, done.device
    );
    println!("\nthe same deals before and after:");
    for (before, after) in done.hands_before.iter().zip(&done.hands_after) {
        println!("  before  {before}\n  after   {after}");
    }
    match done.passed {
        Some(true) => println!("\nall goals met"),
        Some(false) => {
            println!("\nnot all goals met (≥ +0.7 chips, cards ≥ 0.2, NashConv < 2.5, illegal ≤ 1 %)")
        }
        None => {}
    }
    println!("report   {}", done.report.display());
    println!("adapter  {}", done.artifact.display());
}
