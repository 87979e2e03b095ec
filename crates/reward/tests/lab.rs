//! The lab names what is wrong with a function, and finds nothing wrong with good ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reward::lab::{Rollouts, Severity, check, compare, rescore};
use reward::{Batch, Function, Pool, PoolConfig};
use serde_json::{Value, json};

fn config() -> PoolConfig {
    PoolConfig { time_limit: Duration::from_secs(5), ..PoolConfig::default() }
}

fn python_files(dir: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let entries =
        fs::read_dir(dir).expect("the folder is part of the project").flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "py")).collect();
    files.sort();
    files
}

fn example(name: &str) -> Function {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rewards").join(name);
    Function::read(&path).expect("the example is part of the project")
}

/// A file of `n` rollouts in groups of four, whose completions have 1, 2, 3, … words.
fn rollouts(path: &Path, n: usize) -> Rollouts {
    let line = |idx: usize| {
        let turn = json!({"prompt": "p", "completion": "word ".repeat(idx + 1), "completion_tokens": [1], "legal": !idx.is_multiple_of(3)});
        json!({"id": format!("r0-g{}-{}", idx / 4, idx % 4), "run": "r0", "group": idx / 4, "rollout": idx % 4,
               "turns": [turn], "reward": 0.25 * (idx % 4) as f64, "stop_reason": "done", "scores": []})
    };
    let text: String = (0..n).map(|idx| format!("{}\n", line(idx))).collect();
    fs::write(path, text).expect("a temporary file can be written");
    Rollouts::read(path).expect("it was just written")
}

#[test]
fn every_bad_function_is_called_by_its_fault() {
    let files = python_files("tests/bad");
    assert!(files.len() >= 15, "{} files", files.len());
    for file in files {
        let function = Function::read(&file).unwrap();
        let header = function.source().lines().next().unwrap();
        let (severity, name) = header.trim_start_matches("# ").split_once(": ").unwrap();
        let report = check(&function, None, &config()).unwrap();
        let found = |one: &&reward::lab::Finding| one.name == name && one.severity.to_string() == severity;
        assert!(report.findings.iter().any(|one| found(&one)), "{}: {:#?}", function.name(), report.findings);
        assert_eq!(report.is_fine(), severity == "warning", "{}: {:#?}", function.name(), report.findings);
    }
}

#[test]
fn the_examples_are_fine_and_stock_ones_are_native() {
    let native = [
        ("format.py", "regex_format"),
        ("length.py", "word_count"),
        ("sentences.py", "sentence_count"),
        ("vocabulary.py", "unique_word_ratio"),
    ];
    let files = python_files("../../examples/rewards");
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let function = Function::read(&file).unwrap();
        let report = check(&function, None, &config()).unwrap();
        assert!(report.is_fine(), "{}: {:#?}", function.name(), report.findings);
        let expected =
            native.iter().find(|(name, _)| *name == function.name()).map(|(_, native)| (*native).to_owned());
        assert_eq!(report.native, expected, "{}", function.name());
    }
}

#[test]
fn the_examples_score_what_they_say() {
    let pool = Pool::start(config()).unwrap();
    let score = |name: &str, batch: &Batch| pool.score(&[example(name)], batch).remove(0).values;
    let texts = |all: &[&str]| Batch::new(all.iter().map(|&one| one.to_owned()).collect());
    assert_eq!(score("length.py", &texts(&["one two", ""])), [-118.0, -120.0]);
    assert_eq!(score("sentences.py", &texts(&["A. B! C?", "..."])), [-2.0, -5.0]);
    assert_eq!(score("vocabulary.py", &texts(&["a A b", " "])), [2.0 / 3.0, 0.0]);
    assert_eq!(score("format.py", &texts(&["<think>a</think>\n<answer>b</answer>", "b"])), [1.0, 0.0]);
    let answers = texts(&["<answer> 42 </answer>", "<answer>7</answer>", "42"]);
    let answers = answers.with_column("extra_data", vec![json!("{\"answer\": 42}"); 3]).unwrap();
    assert_eq!(score("answer.py", &answers), [1.0, 0.0, 0.0]);
    let turns = json!([{"completion": "a", "legal": true}, {"completion": "b", "legal": false}]);
    let game = |stop: &str| json!({"turns": turns, "reward": 1.0, "stop_reason": stop});
    let games = Batch::of_trajectory_values(vec![game("done"), game("turn_limit")]);
    assert_eq!(score("legal_play.py", &games), [0.9, 0.4]);
}

#[test]
fn groups_without_differences_are_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let recorded = rollouts(&dir.path().join("R.jsonl"), 40);
    let function = Function::new(
        "f.py",
        "def f(completions, **k):\n    return [float(len(c) > 100) for c in completions]",
    );
    let report = check(&function, Some(&recorded), &config()).unwrap();
    let flat = report.findings.iter().find(|finding| finding.name == "flat-groups").unwrap();
    assert_eq!(flat.severity, Severity::Warning);
    assert_eq!(report.distribution.n, 40);
}

#[test]
fn rescoring_adds_a_score_and_keeps_the_old_ones() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("R.jsonl");
    let mut recorded = rollouts(&path, 8);
    let pool = Pool::start(config()).unwrap();
    let (length, play) = (example("length.py"), example("legal_play.py"));
    rescore(&pool, &length, &mut recorded, &path).unwrap();
    let rescored = rescore(&pool, &play, &mut Rollouts::read(&path).unwrap(), &path).unwrap();
    assert_eq!((rescored.by.as_str(), rescored.n_missing), (play.id().as_str(), 0));
    assert!(rescored.html().contains("<svg"));
    let text = fs::read_to_string(&path).unwrap();
    let third: Value = serde_json::from_str(text.lines().nth(2).unwrap()).unwrap();
    assert_eq!(
        third["scores"],
        json!([{"by": length.id(), "value": -117.0}, {"by": play.id(), "value": 0.5}])
    );
}

#[test]
fn a_function_that_fails_leaves_the_file_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("R.jsonl");
    let mut recorded = rollouts(&path, 8);
    let before = fs::read(&path).unwrap();
    let raises = Function::new("f.py", "def f(completions, **k):\n    raise ValueError");
    let rescored = rescore(&Pool::start(config()).unwrap(), &raises, &mut recorded, &path).unwrap();
    assert_eq!(rescored.faults.len(), 1);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_comparison_counts_the_groups_whose_best_changes() {
    let dir = tempfile::tempdir().unwrap();
    let recorded = rollouts(&dir.path().join("R.jsonl"), 40);
    let function = |body: &str| {
        Function::new("f.py", format!("def f(completions, **k):\n    return [{body} for c in completions]"))
    };
    let (up, down, halved) = (function("len(c)"), function("-len(c)"), function("len(c) // 200"));
    let pool = Pool::start(config()).unwrap();
    let opposite = compare(&pool, &up, &down, &recorded);
    assert_eq!(
        (opposite.rank_correlation, opposite.best_changes, opposite.n_groups),
        (Some(-1.0), Some(1.0), 10)
    );
    assert_eq!(opposite.examples[0].id, "r0-g0-0");
    assert!(opposite.html().matches("<svg").count() == 3);
    let same = compare(&pool, &up, &up, &recorded);
    assert_eq!((same.rank_correlation, same.best_changes, same.examples.len()), (Some(1.0), Some(0.0), 0));
    assert_eq!(compare(&pool, &up, &halved, &recorded).best_changes, Some(0.0), "ties hold a common best");
}
