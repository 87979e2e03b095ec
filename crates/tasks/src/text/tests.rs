use std::path::Path;
use std::time::Instant;

use model::{Arch, Size};
use schema::{ArtifactKind, TaskType};

use super::*;
use crate::{holds_artifact, new_model};

/// Ninety rows of a rule that is learnt in a moment: the answer repeats the question's last word.
fn rows(dir: &Path, kind: TaskType) -> PathBuf {
    let words = ["red", "green", "blue", "black", "white", "grey"];
    let row = |idx: usize| {
        let (a, b) = (words[idx % 6], words[idx / 6 % 6]);
        let prompt = format!("case {idx}: {a} {b} ");
        match kind {
            TaskType::GrpoTask => format!(r#"{{"prompt":"{prompt}","letter":"e"}}"#),
            TaskType::DpoTask => format!(r#"{{"prompt":"{prompt}","chosen":"{b}","rejected":"{a} {a}"}}"#),
            _ => format!(r#"{{"instruct":"{prompt}","output":"{b} {b}"}}"#),
        }
    };
    let lines: Vec<String> = (0..90).map(row).collect();
    let file = dir.join("rows.jsonl");
    std::fs::write(&file, lines.join("\n")).expect("written");
    file
}

fn task(dir: &Path, kind: TaskType) -> TextTask {
    let model_dir = dir.join("model");
    new_model(&model_dir, Arch::Qwen3, Size::Pico, None, 1).expect("a model");
    TextTask {
        model_dir,
        base_model: "org/base".to_owned(),
        out: dir.join("out/repo"),
        dataset: rows(dir, kind),
        card: DatasetType::parse(kind, if kind == TaskType::GrpoTask { REWARD } else { "{}" })
            .expect("a card"),
        kl_coef: None,
        quarantine: None,
        rollouts: None,
        seed: 1,
        steps: Some(40),
        lr: Some(4e-3),
        eval_share: 0.1,
        search_share: 0.2,
        memory: 1 << 30,
        device: Device::flex(),
        deadline: Deadline::none(Instant::now()),
        recipe: Arc::new(Table),
    }
}

/// The share of a letter, which a column names, and a constant that must not count.
const REWARD: &str = r#"{"extra_column":"letter","reward_functions":[
    {"reward_weight":0.7,"reward_func":"def share(completions, extra_data, **kwargs):\n    return [c.count(x) / max(len(c), 1) for c, x in zip(completions, extra_data)]"},
    {"reward_weight":0.3,"reward_func":"def flat(completions, **kwargs):\n    return [5.0] * len(completions)"}]}"#;

/// Adapters whatever the memory.
#[derive(Debug)]
struct Adapters;

impl Recipe for Adapters {
    fn method(&self, _: &Facts<'_>) -> Method {
        Method::Lora { rank: 16, alpha: 32.0 }
    }
}

/// The run's artifact, the last figure of the best, and the base's.
fn trained(task: &TextTask) -> (Artifact, f64, f64) {
    let mut figures = Vec::new();
    let mut observer = |event: &Event| {
        if let Event::Evaluation { loss, base, .. } = event {
            figures.push((*loss, *base));
        }
    };
    let artifact = run(task, &mut observer, &CancellationToken::new()).expect("trained");
    let best = figures.iter().map(|(loss, _)| *loss).fold(f64::INFINITY, f64::min);
    (artifact, best, figures[0].1)
}

#[test]
fn an_instruct_task_ends_with_a_whole_model_that_is_better_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let task = task(dir.path(), TaskType::InstructTextTask);
    let (artifact, best, base) = trained(&task);
    assert_eq!(artifact.kind, ArtifactKind::Merged);
    assert!(best < 0.8 * base, "{best} of {base}");
    assert!(holds_artifact(&task.out));
    let names: Vec<String> = std::fs::read_dir(&task.out)
        .expect("readable")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!names.iter().any(|name| name.starts_with("adapter")), "{names:?}");
    assert!(names.contains(&"tokenizer.json".to_owned()), "{names:?}");
    let config = |dir: &Path| std::fs::read(dir.join("config.json")).expect("a configuration");
    assert_eq!(config(&task.out), config(&task.model_dir), "the base's, byte for byte");
    LanguageModel::load(&task.out, DType::F32, &Device::flex()).expect("it loads");
}

#[test]
fn preferences_are_learnt_by_an_adapter_against_references_computed_once() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let task = TextTask { recipe: Arc::new(Adapters), ..task(dir.path(), TaskType::DpoTask) };
    let (artifact, best, base) = trained(&task);
    assert_eq!(artifact.kind, ArtifactKind::Adapter);
    assert!((base - 2.0_f64.ln()).abs() < 1e-5, "the base has learnt nothing: {base}");
    assert!(best < 0.5, "{best}");
}

#[test]
fn a_pull_towards_the_base_keeps_the_model_nearer() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let plain = TextTask { recipe: Arc::new(Adapters), ..task(dir.path(), TaskType::InstructTextTask) };
    let tied = TextTask { kl_coef: Some(20.0), ..plain.clone() };
    let moved = |task: &TextTask| {
        trained(task);
        let base = LanguageModel::load(&task.model_dir, DType::F32, &Device::flex()).expect("a model");
        let ours = base.clone().with_adapter(&task.out).expect("an adapter");
        let tokenizer = Tokenizer::from_dir(&task.model_dir).expect("a tokenizer");
        let examples = examples::load(&task.dataset, &task.card, base.config(), &tokenizer, None, None);
        let rows = examples.expect("rows").train.concat();
        let found = train::row_divergences(&ours, &base, &rows, train::Direction::FromBase, 4096);
        found.iter().flatten().sum::<f64>() / found.iter().flatten().count() as f64
    };
    let (free, held) = (moved(&plain), moved(&tied));
    assert!(held < 0.7 * free, "{held} with the pull, {free} without");
}

#[test]
fn rows_that_teach_nothing_leave_the_floor() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let task = TextTask { lr: Some(0.0), ..task(dir.path(), TaskType::InstructTextTask) };
    let (artifact, best, base) = trained(&task);
    assert_eq!((artifact.kind, artifact.step), (ArtifactKind::Adapter, 0));
    assert!((best - base).abs() < 1e-6);
    assert!(holds_artifact(&task.out));
}

#[test]
fn a_run_ends_before_its_deadline_and_leaves_what_is_better() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let started = Instant::now();
    let deadline = Deadline::after_hours(started, 12.0 / 3600.0, Some(1.0)).expect("a deadline");
    let task = TextTask { deadline, steps: None, lr: None, ..task(dir.path(), TaskType::InstructTextTask) };
    let (_, best, base) = trained(&task);
    assert!(deadline.elapsed().as_secs_f64() < 12.0, "{:?}", deadline.elapsed());
    assert!(best < base && holds_artifact(&task.out));
}

#[test]
fn rewards_rise_and_the_prompts_stay_where_they_are() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let task = TextTask { steps: Some(24), lr: None, ..task(dir.path(), TaskType::GrpoTask) };
    let (mut means, mut faults) = (Vec::new(), 0);
    let mut observer = |event: &Event| {
        if let Event::Rewards { means: of_step, faults: so_far, .. } = event {
            means.push(of_step[0]);
            faults = *so_far;
        }
    };
    let artifact = run(&task, &mut observer, &CancellationToken::new()).expect("trained");
    assert_eq!(faults, 0);
    let (first, last): (f64, f64) = (means[..3].iter().sum(), means[21..].iter().sum());
    assert!(last > 1.2 * first, "{means:?}");
    assert!(artifact.step > 0 && artifact.kind == ArtifactKind::Merged, "{artifact:?}");
    let load = |dir: &Path| LanguageModel::load(dir, DType::F32, &Device::flex()).expect("a model");
    let (base, ours) = (load(&task.model_dir), load(&task.out));
    let tokenizer = Tokenizer::from_dir(&task.model_dir).expect("a tokenizer");
    let prompts: Vec<Vec<u32>> =
        (0..8).map(|idx| tokenizer.encode(&format!("case {idx}: red blue "))).collect();
    let moved = train::sequence_divergences(&ours, &base, &prompts, train::Direction::ToBase, 1024);
    assert!(moved.iter().all(|moved| *moved < 0.5), "{moved:?}");
}

#[test]
fn the_cost_of_a_step_is_a_line_through_two_measurements() {
    let cost = StepCost::through((4, 0.20), (12, 0.28));
    assert!((cost.each - 0.01).abs() < 1e-9 && (cost.fixed - 0.16).abs() < 1e-9, "{cost:?}");
    assert_eq!(cost.affordable_batch(0.665, 64), 50);
    assert_eq!(cost.affordable_batch(0.01, 64), MIN_BATCH);
    assert_eq!(cost.affordable_batch(10.0, 64), 64);
    // Noise must not make a step free, or cheaper the larger it is.
    let noisy = StepCost::through((4, 0.30), (12, 0.28));
    assert!(noisy.each > 0.0 && noisy.fixed >= 0.0, "{noisy:?}");
}
