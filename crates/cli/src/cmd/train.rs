//! `croupier train text`: the tournament's entry point, in the container and on a laptop.
//!
//! Which condition ends with which exit code is the table of interfaces.md. In container mode the rule is: whatever
//! happens, exit 0 if the output folder holds a valid artifact.

mod flags;
mod plan;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use tasks::{BadInput, Event, Observer, Publisher, holds_artifact};
use tokio_util::sync::CancellationToken;

use self::flags::Flags;
use self::plan::{Asked, Mode, Plan};
use crate::args::{TrainArgs, TrainWhat};
use crate::failure::{self, Failure};
use crate::interrupt;

const HELP: &str = "\
Train for a task card: `--flag value` or `--flag=value`; unknown flags are tolerated.

Usage: croupier train text --task-type EnvTask --task-id ID --model MODEL --dataset-type JSON --hours-to-complete H …

The tournament's flags
  --task-id ID             names the output folder
  --model MODEL            folder in ROOT/cache/models, 16-hex hash, or a path; outside the container also ORG/NAME
  --dataset URL            not read by environment tasks
  --dataset-type JSON      {\"environment_names\":[\"leduc_poker\"]}
  --task-type TYPE         EnvTask
  --file-format s3         not read
  --expected-repo-name R   last part of the output folder [default: model]
  --hours-to-complete H    wall clock from the start of the process

Ours
  --root DIR               DIR/cache/… and DIR/app/checkpoints/… instead of /cache and /app
  --out DIR                output folder [default: ROOT/app/checkpoints/ID/R in the container or with --root, else runs/…]
  --config run.toml        settings; see examples/quickstart.toml
  --seed K                 reproduces the run
  --steps N                ends after N optimizer steps, if the clock does not end it first
  --device D               auto, cpu, cuda or cuda:N
  --container              always leave the best valid artifact; exit 0 if there is one (or CROUPIER_CONTAINER=1)
  --dry-run                print the plan and the settings with their origin, and stop
  --json                   events as JSON lines

Environment: ENVIRONMENT_SERVER_URLS (comma separated; empty plays in this process), ROLLOUT_WORKERS (default 4),
HF_ENDPOINT (where ORG/NAME comes from; default https://huggingface.co).

Exit codes: 0 done, 1 failed while running, 2 bad input, 130 interrupted.
  container mode:          a bad task card, unknown environments or a crash leave an artifact and exit 0;
                           a missing model or an output that cannot be written exit 2";

pub(crate) fn run(args: TrainArgs) -> ExitCode {
    let started = Instant::now();
    let TrainWhat::Text(text) = args.what;
    let flags = Flags::parse(&text.rest);
    if flags.has("help") || text.rest.iter().any(|word| word == "-h") {
        println!("{HELP}");
        return ExitCode::from(failure::DONE);
    }
    let asked = match Asked::new(flags, started) {
        Ok(asked) => asked,
        Err(bad) => return Failure::from(anyhow::Error::from(bad)).print(),
    };
    match train(&asked) {
        Ok(()) => ExitCode::from(failure::DONE),
        Err(error) if asked.mode == Mode::Container => leave_artifact(&asked, error),
        Err(error) => Failure::from(error).print(),
    }
}

fn train(asked: &Asked) -> Result<()> {
    let plan = Plan::new(asked)?;
    for warning in &plan.warnings {
        eprintln!("warning: {warning}");
    }
    if asked.dry_run {
        print!("{}", plan.describe()?);
        return Ok(());
    }
    let out = plan.task.out.clone();
    let (as_json, container) = (asked.as_json, asked.mode == Mode::Container);
    interrupt::block_on(async move {
        let cancel = interrupt::token();
        let mut observer = move |event: &Event| {
            if container && matches!(event, Event::Published { .. }) {
                failure::artifact_is_safe();
            }
            print_event(event, as_json);
        };
        run_task(plan, &mut observer, &cancel).await?;
        if cancel.is_cancelled() {
            return Err(
                Failure::interrupted(format!("stopped; the last adapter is in `{}`", out.display())).into()
            );
        }
        println!("{}", out.display());
        Ok(())
    })
}

async fn run_task(plan: Plan, observer: &mut dyn Observer, cancel: &CancellationToken) -> Result<()> {
    observer.event(&Event::Plan { lines: plan.timeline() });
    tasks::run(plan.task, observer, cancel).await?;
    Ok(())
}

/// Container mode: names the reason, makes sure that an artifact lies there, and says whether one does.
fn leave_artifact(asked: &Asked, error: anyhow::Error) -> ExitCode {
    let failure = Failure::from(error);
    let Some((model_dir, out)) = asked.model_and_output() else { return failure.print() };
    if !holds_artifact(&out)
        && let Err(reason) = floor(asked, &model_dir, &out)
    {
        eprintln!("Error: no artifact could be written: {reason:#}");
        return failure.print();
    }
    let _ = failure.print();
    println!("{}", out.display());
    ExitCode::from(failure::DONE)
}

fn floor(asked: &Asked, model_dir: &std::path::Path, out: &std::path::Path) -> Result<()> {
    let lora = tasks::settings::lora_config(&schema::LoraSpec::default())?;
    let publisher = Publisher::new(out, &asked.model)?;
    match model::DecoderConfig::from_dir(model_dir) {
        Ok(config) => publisher.floor(&config, &lora, 0)?,
        Err(
            reason @ (model::Error::UnsupportedModelType { .. } | model::Error::UnsupportedVariant { .. }),
        ) => {
            eprintln!("warning: {reason}; the adapter that is left changes nothing");
            publisher.foreign_floor(model_dir, &lora, 0)?
        }
        Err(error) => return Err(error.into()),
    };
    Ok(())
}

fn print_event(event: &Event, as_json: bool) {
    if as_json {
        if let Ok(line) = serde_json::to_string(event) {
            println!("{line}");
        }
        return;
    }
    match event {
        Event::Plan { lines } => lines.iter().for_each(|line| println!("{line}")),
        Event::Warning { message } => eprintln!("warning: {message}"),
        Event::Phase { name } => println!("{name} …"),
        Event::WarmUp { step, loss } if step % 20 == 0 => println!("  warm-up step {step}, loss {loss:.3}"),
        Event::Step(step) => println!(
            "  step {:>4}  {:>7} episodes  return {:+.3}  flat {:.0} %  illegal {:.1} %  entropy {:.3}  {:.0} tok/s  {:.0} s",
            step.step,
            step.episodes,
            step.mean_return,
            100.0 * step.zero_signal,
            100.0 * step.illegal_rate,
            step.entropy,
            step.tokens_per_second,
            step.elapsed_s
        ),
        Event::Published { step, path } => println!("  published step {step} in {}", path.display()),
        Event::Sidecars { lines } => lines.iter().for_each(|line| println!("  {line}")),
        Event::WarmUp { .. } => {}
    }
}

impl From<BadInput> for Failure {
    fn from(bad: BadInput) -> Self {
        Self::bad_input(bad.message, bad.hint)
    }
}
