//! `croupier train text`: the tournament's entry point, in the container and on a laptop.
//!
//! Which condition ends with which exit code is the table of interfaces.md. In container mode the rule is: whatever
//! happens, exit 0 if the output folder holds a valid artifact.

mod flags;
mod plan;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use tasks::record::{RunClock, RunRecord, RunStatus};
use tasks::{BadInput, Event, Observer, Publisher, holds_artifact};
use tokio_util::sync::CancellationToken;

use self::flags::Flags;
use self::plan::{Asked, Mode, Plan, RecordPlan, Work};
use crate::args::{TrainArgs, TrainWhat};
use crate::cmd::quickstart::unix_seconds;
use crate::failure::{self, Failure};
use crate::interrupt;

const HELP: &str = "\
Train for a task card: `--flag value` or `--flag=value`; unknown flags are tolerated.

Usage: croupier train text --task-type TYPE --task-id ID --model MODEL --dataset-type JSON --hours-to-complete H …

Examples:
  croupier train text --task-type EnvTask --model DIR --dataset-type '{\"environment_names\":[\"leduc_poker\"]}' --steps 100
  croupier train text --task-type InstructTextTask --model DIR --dataset rows.json --hours-to-complete 0.1 \\
    --dataset-type '{\"field_instruction\":\"instruct\",\"field_output\":\"output\"}'

The tournament's flags
  --task-id ID             names the output folder
  --model MODEL            folder in ROOT/cache/models, 16-hex hash, or a path; outside the container also ORG/NAME
  --dataset FILE           rows; ROOT/cache/datasets/ID_train_data.json comes first; not read by environment tasks
  --dataset-type JSON      names of environments, or columns of the rows: see examples/run_*_task.sh
  --task-type TYPE         EnvTask, InstructTextTask, ChatTask, DpoTask or GrpoTask
  --file-format s3         not read
  --expected-repo-name R   last part of the output folder [default: model]
  --hours-to-complete H    wall clock from the start of the process

Ours
  --root DIR               DIR/cache/… and DIR/app/checkpoints/… instead of /cache and /app
  --out DIR                output folder [default: ROOT/app/checkpoints/ID/R in the container or with --root, else runs/…]
  --config run.toml        settings; see examples/*.toml
  --seed K                 reproduces the run
  --steps N                ends after N optimizer steps, if the clock does not end it first
  --lr LR                  instead of searching for one
  --reward F.py[:WEIGHT]   Python reward function, again for each: of a GrpoTask beside those of its card, in the
                           episodes of an EnvTask's GRPO added to the environment's own reward
  --device D               auto, cpu, cuda or cuda:N
  --container              always leave the best valid artifact; exit 0 if there is one (or CROUPIER_CONTAINER=1)
  --dry-run                print the plan and the settings with their origin, and stop
  --explain                print which row of the recipe's table chose method, precision, batch and learning rate, and stop
  --json                   events as JSON lines

Environment: ENVIRONMENT_SERVER_URLS (comma separated; empty plays in this process), ROLLOUT_WORKERS (default 4),
ENV_DATA_POLICY (what environment tasks learn from: self_generated, with mounted data sets where there are some;
whitelist_only, mounted data sets alone; sidecar_only, or no data set to be had: GRPO alone), MINER_DATASETS with
MINER_DATASETS_DIR (mounted data sets of recorded turns: JSON, JSON Lines or Parquet; default ROOT/cache/miner_datasets),
HF_ENDPOINT (where ORG/NAME comes from; default https://huggingface.co), USE_KL=1 with KL_COEF (instruct tasks: a pull
towards the base, as their evaluation has it), WANDB_DIR (gets an offline run for `wandb sync`, unless WANDB_MODE is
disabled).

Exit codes: 0 done, 1 failed while running, 2 bad input, 130 interrupted.
  container mode:          a bad task card, unknown environments or a crash leave an artifact and exit 0;
                           a missing model or an output that cannot be written exit 2";

pub(crate) fn run(args: TrainArgs) -> ExitCode {
    let clock = RunClock { started: Instant::now(), started_unix_s: unix_seconds() };
    let TrainWhat::Text(text) = args.what;
    let flags = Flags::parse(&text.rest);
    if flags.has("help") || text.rest.iter().any(|word| word == "-h") {
        println!("{HELP}");
        return ExitCode::from(failure::DONE);
    }
    let asked = match Asked::new(flags, clock) {
        Ok(asked) => asked,
        Err(bad) => return Failure::from(anyhow::Error::from(bad)).print(),
    };
    match caught(|| train(&asked)) {
        Ok(()) => ExitCode::from(failure::DONE),
        Err(error) if asked.mode == Mode::Container && !asked.dry_run && !asked.explain => {
            leave_artifact(&asked, error)
        }
        Err(error) => Failure::from(error).print(),
    }
}

/// A panic, which has said where it happened, as an error: the artifact must be seen to.
fn caught(work: impl FnOnce() -> Result<()>) -> Result<()> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(anyhow::anyhow!("the trainer panicked: {}", text.lines().next().unwrap_or_default()))
    })
}

fn train(asked: &Asked) -> Result<()> {
    let plan = Plan::new(asked)?;
    for warning in &plan.warnings {
        eprintln!("warning: {warning}");
    }
    if asked.explain {
        plan.explain()?.iter().for_each(|line| println!("{line}"));
    }
    if asked.dry_run {
        print!("{}", plan.describe()?);
    }
    if asked.explain || asked.dry_run {
        return Ok(());
    }
    let record = Arc::new(Mutex::new(begin_record(&plan)));
    let outcome = caught(|| train_recorded(plan, asked, &record));
    let record = record.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(record) = record {
        end_record(record, &outcome);
    }
    outcome
}

/// The run, every event of which is recorded and printed.
fn train_recorded(plan: Plan, asked: &Asked, record: &Arc<Mutex<Option<RunRecord>>>) -> Result<()> {
    let (out, record) = (plan.out.clone(), record.clone());
    let (as_json, container) = (asked.as_json, asked.mode == Mode::Container);
    interrupt::block_on(async move {
        let cancel = interrupt::token();
        let mut observer = move |event: &Event| {
            if let Some(record) = record.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                record.event(event);
            }
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

/// A record that cannot be written is no reason not to train.
fn begin_record(plan: &Plan) -> Option<RunRecord> {
    let RecordPlan { folder, asked, clock, wandb_dir } = &plan.record;
    // What W&B is refused, the rest of the record may be granted.
    let places = [wandb_dir.as_deref(), None];
    let places = &places[usize::from(wandb_dir.is_none())..];
    let begun = places.iter().find_map(|wandb_dir| {
        let created = RunRecord::create(folder, asked.clone(), &plan.config, *clock, *wandb_dir);
        created.inspect_err(|error| eprintln!("warning: the run is not recorded: {error:#}")).ok()
    });
    let mut record = begun?;
    plan.warnings.iter().for_each(|message| record.event(&Event::Warning { message: message.clone() }));
    Some(record)
}

fn end_record(record: RunRecord, outcome: &Result<()>) {
    let fault = record.fault().map(str::to_owned);
    let (status, message, code) = match outcome {
        Ok(()) => (RunStatus::Done, String::new(), failure::DONE),
        Err(error) => {
            let code = failure::code_of(error);
            let interrupted = code == failure::INTERRUPTED;
            (if interrupted { RunStatus::Interrupted } else { RunStatus::Failed }, format!("{error:#}"), code)
        }
    };
    let ended = record.finish(status, &message, code).map_err(|error| format!("{error:#}"));
    if let Some(fault) = fault.or(ended.err()) {
        eprintln!("warning: the record of the run is incomplete: {fault}");
    }
}

async fn run_task(plan: Plan, observer: &mut dyn Observer, cancel: &CancellationToken) -> Result<()> {
    observer.event(&Event::Plan { lines: plan.timeline() });
    match plan.work {
        Work::Env(task) => tasks::run(*task, observer, cancel).await?,
        Work::Match(task) => tasks::match_play::run(&task, observer, cancel).await?,
        Work::Text(task, _) => tokio::task::block_in_place(|| tasks::text::run(&task, observer, cancel))?,
    };
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
        Event::Rows { counts } => print_counts(counts),
        Event::LearningRate { lr, trials } => {
            trials.iter().for_each(|(lr, loss)| println!("  lr {lr:.2e}  {loss:.4}"));
            println!("  lr {lr:.2e} it is");
        }
        Event::Rewards { names, means, faults, .. } => {
            let said = names.iter().zip(means).map(|(name, mean)| format!("{name} {mean:.3}"));
            let means: Vec<String> = said.collect();
            let faults = if *faults == 0 { String::new() } else { format!("  {faults} failed") };
            println!("  {}{faults}", means.join(", "));
        }
        Event::TextStep(step) => println!(
            "  step {:>4}/{}  loss {:.4}  lr {:.2e}  gradient {:.2}  {:.0} tok/s  {:.0} %{}",
            step.step,
            step.steps,
            step.loss,
            step.lr,
            step.grad_norm,
            step.tokens_per_second,
            100.0 * step.fraction,
            if step.skipped { "  skipped: not finite" } else { "" }
        ),
        Event::Evaluation { step, loss, base, n } => {
            println!("  step {step}: {loss:.4} on {n} held-out examples, base {base:.4}");
        }
        Event::Exam { step, game, against, tally, score } => println!(
            "  step {step}: {game} against {against}: {score:.3} of {} games, {} forfeited",
            tally.games(),
            tally.forfeits[0]
        ),
        Event::ShellExam { step, score } => println!("  step {step}: intercode: {score:.3}"),
        Event::Shares { step, shares } => {
            let shares: Vec<String> =
                shares.iter().map(|(name, share)| format!("{name} {:.0} %", 100.0 * share)).collect();
            println!("  step {step}: rows from now on: {}", shares.join(", "));
        }
        Event::OwnStates { step, turns } => {
            println!("  step {step}: {turns} turns of its own games to learn from")
        }
        Event::Published { step, path } => println!("  published step {step} in {}", path.display()),
        Event::Sidecars { lines } => lines.iter().for_each(|line| println!("  {line}")),
        Event::WarmUp { .. } => {}
    }
}

fn print_counts(counts: &data::Counts) {
    let left_out = counts.reasons();
    let left_out =
        if left_out.is_empty() { "none left out".to_owned() } else { format!("left out: {left_out}") };
    println!(
        "  {} rows of {}, {left_out}; {} near-duplicates",
        counts.kept, counts.read, counts.near_duplicates
    );
}

impl From<BadInput> for Failure {
    fn from(bad: BadInput) -> Self {
        Self::bad_input(bad.message, bad.hint)
    }
}

#[cfg(test)]
mod tests;
