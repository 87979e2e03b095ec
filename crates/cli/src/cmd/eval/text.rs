//! `croupier eval text`: what the tournament's evaluator would say of models, on rows or on the rows of earlier runs.

use std::path::{Path, PathBuf};

use anyhow::Result;
use model::DeviceInfo;
use schema::{DatasetType, TaskType};
use serde_json::{Value, json};
use tasks::text::{EvaluateTask, Evaluated, Figures, Rewarded, evaluate};

use super::benchmark::{self, Entry};
use super::runs::{self, Run};
use crate::args::EvalTextArgs;
use crate::failure::Failure;

/// A model to be compared.
#[derive(Clone, Debug, PartialEq)]
struct Subject {
    name: String,
    dir: PathBuf,
}

/// Rows with the models that are compared on them.
#[derive(Debug)]
struct Match {
    /// The run that the rows are from, if they are from one.
    task: Option<String>,
    kind: TaskType,
    evaluate: EvaluateTask,
    subjects: Vec<Subject>,
}

/// Everything that could be missing is looked for before anything is loaded.
pub(super) fn run(args: &EvalTextArgs) -> Result<()> {
    let device = device(args)?;
    let entries = args.benchmark.as_deref().map(benchmark::read).transpose()?.unwrap_or_default();
    let mut ids = args.task_ids.clone();
    let named = entries.iter().flat_map(|entry| &entry.tasks);
    named.for_each(|id| {
        if !ids.contains(id) {
            ids.push(id.clone())
        }
    });
    let matches = if ids.is_empty() {
        vec![of_flags(args, &entries, &device)?]
    } else {
        ids.iter().map(|id| of_run(args, id, &entries, &device)).collect::<Result<Vec<_>>>()?
    };
    for one in &matches {
        let dirs: Vec<PathBuf> = one.subjects.iter().map(|subject| subject.dir.clone()).collect();
        print(one, &evaluate(&one.evaluate, &dirs)?, args.json);
    }
    Ok(())
}

/// Rows and base as the flags say.
fn of_flags(args: &EvalTextArgs, entries: &[Entry], device: &DeviceInfo) -> Result<Match> {
    let missing = |flag: &str| {
        let hint = "--task-type TYPE --model BASE --dataset FILE, or --task_id RUN";
        Failure::bad_input(format!("{flag} is not given"), hint)
    };
    let kind = kind(args.task_type.as_deref().ok_or_else(|| missing("--task-type"))?)?;
    let base = args.model.clone().ok_or_else(|| missing("--model"))?;
    let dataset = args.dataset.clone().ok_or_else(|| missing("--dataset"))?;
    let card = args.dataset_type.clone().unwrap_or_else(|| "{}".to_owned());
    let mut subjects = further(args, entries, None)?;
    if subjects.is_empty() {
        subjects.push(Subject { name: base.display().to_string(), dir: base.clone() });
    }
    let evaluate = evaluation(args, (kind, &card), (base, dataset), args.kl_coef, device)?;
    Ok(Match { task: None, kind, evaluate, subjects })
}

/// Rows, base and artifact of a run; flags say otherwise where they are given.
fn of_run(args: &EvalTextArgs, id: &str, entries: &[Entry], device: &DeviceInfo) -> Result<Match> {
    let Run { report, .. } = runs::find(id)?;
    let asked = report.asked;
    let kind = args.task_type.as_deref().map(kind).transpose()?.unwrap_or(asked.task_type);
    let base = args.model.clone().unwrap_or(asked.model_dir);
    let dataset = args.dataset.clone().or(asked.dataset);
    let dataset = dataset.ok_or_else(|| {
        let message = format!("run `{id}` is a {kind:?} and has no rows");
        Failure::bad_input(message, "`croupier eval arena` compares players")
    })?;
    let card = args.dataset_type.clone().unwrap_or(asked.dataset_type);
    let mut subjects = vec![
        Subject { name: "base".to_owned(), dir: base.clone() },
        Subject { name: "this run".to_owned(), dir: asked.artifact.clone() },
    ];
    check_model(&asked.artifact, &format!("the artifact of run `{id}`"))?;
    subjects.extend(further(args, entries, Some(id))?);
    let kl_coef = args.kl_coef.or(asked.kl_coef);
    let evaluate = evaluation(args, (kind, &card), (base, dataset), kl_coef, device)?;
    Ok(Match { task: Some(id.to_owned()), kind, evaluate, subjects })
}

fn evaluation(
    args: &EvalTextArgs,
    (kind, card): (TaskType, &str),
    (base, dataset): (PathBuf, PathBuf),
    kl_coef: Option<f64>,
    device: &DeviceInfo,
) -> Result<EvaluateTask> {
    check_model(&base, "the base")?;
    if !dataset.is_file() {
        let message = format!("data set `{}` is no file", dataset.display());
        return Err(
            Failure::bad_input(message, "--dataset FILE: a JSON array of objects, or JSON Lines").into()
        );
    }
    let card = DatasetType::parse(kind, card)
        .map_err(|error| Failure::bad_input(error.to_string(), error.hint()))?;
    Ok(EvaluateTask {
        base,
        dataset,
        card,
        kl_coef,
        beta: args.beta,
        max_rows: args.rows,
        seed: args.seed,
        memory: tasks::available_memory(&device.name),
        device: device.device.clone(),
    })
}

/// Models of the flags, and those of the benchmark that join in `task`.
fn further(args: &EvalTextArgs, entries: &[Entry], task: Option<&str>) -> Result<Vec<Subject>> {
    let mut subjects = Vec::new();
    for dir in args.adapter.iter().chain(&args.models) {
        check_model(dir, "a model")?;
        subjects.push(Subject { name: dir.display().to_string(), dir: dir.clone() });
    }
    for entry in entries.iter().filter(|entry| entry.joins(task)) {
        let dir = entry.folder()?;
        check_model(&dir, &format!("`{}` of the benchmark", entry.name))?;
        subjects.push(Subject { name: entry.name.clone(), dir });
    }
    Ok(subjects)
}

fn kind(text: &str) -> Result<TaskType> {
    Ok(text
        .parse()
        .map_err(|error: schema::TaskError| Failure::bad_input(error.to_string(), error.hint()))?)
}

fn check_model(dir: &Path, what: &str) -> Result<()> {
    if ["adapter_config.json", "config.json"].iter().any(|name| dir.join(name).is_file()) {
        return Ok(());
    }
    let message = format!("{what}, `{}`, has neither config.json nor adapter_config.json", dir.display());
    Err(Failure::bad_input(message, "the folder of a model or of an adapter").into())
}

fn device(args: &EvalTextArgs) -> Result<DeviceInfo> {
    let Some(first) = args.gpu_ids.first() else { return super::open(&args.device) };
    if args.device != "auto" {
        return Err(
            Failure::bad_input("--gpu_ids and --device say two things", "leave one of them out").into()
        );
    }
    if args.gpu_ids.len() > 1 {
        eprintln!("models are evaluated one after the other, on cuda:{first}");
    }
    super::open(&format!("cuda:{first}"))
}

fn print(one: &Match, found: &[Figures], as_json: bool) {
    if as_json {
        for (subject, figures) in one.subjects.iter().zip(found) {
            let line = json!({"task": one.task, "task_type": one.kind, "name": subject.name, "model": subject.dir, "figures": figures});
            println!("{}", without_null_task(line));
        }
        return;
    }
    if let Some(task) = &one.task {
        println!("{task}: {:?} on {}", one.kind, one.evaluate.dataset.display());
    }
    let mut rows: Vec<(&Subject, &Figures)> = one.subjects.iter().zip(found).collect();
    // Best first; models that are equally good stay in their order.
    rows.sort_by(|a, b| b.1.rank().total_cmp(&a.1.rank()));
    for (idx, (subject, figures)) in rows.into_iter().enumerate() {
        match figures {
            Figures::Loss(found) => print_loss(idx, found, &subject.name),
            Figures::Reward(found) => print_reward(idx, found, &subject.name),
        }
    }
}

fn print_loss(idx: usize, found: &Evaluated, name: &str) {
    if idx == 0 {
        println!("{:>9}  {:>8}  {:>9}  {:>8}  model, on {} rows", "loss", "±", "gain", "±", found.n);
    }
    println!(
        "{:>9.4}  {:>8.4}  {:>+9.4}  {:>8.4}  {name}",
        found.loss, found.standard_error, found.gain, found.gain_error
    );
}

fn print_reward(idx: usize, found: &Rewarded, name: &str) {
    if idx == 0 {
        println!(
            "{:>9}  {:>9}  {:>8}  {:>9}  {:>9}  model, on {} completions: {}",
            "score",
            "reward",
            "±",
            "trainer",
            "prompt KL",
            found.n,
            found.functions.join(", ")
        );
    }
    let means: Vec<String> = found.means.iter().map(|mean| format!("{mean:.4}")).collect();
    let faults = if found.n_faults == 0 { String::new() } else { format!("; {} failed", found.n_faults) };
    println!(
        "{:>9.4}  {:>9.4}  {:>8.4}  {:>9.4}  {:>9.4}  {name}: {}{faults}",
        found.score,
        found.reward,
        found.reward_error,
        found.trainer_loss,
        found.prompt_kl,
        means.join(", ")
    );
}

/// Rows that are from no run have no task to name.
fn without_null_task(mut line: Value) -> Value {
    if let Some(object) = line.as_object_mut().filter(|object| object["task"].is_null()) {
        object.shift_remove("task");
    }
    line
}
