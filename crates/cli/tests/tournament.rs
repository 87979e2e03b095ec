//! Tasks as the tournament runs them: the binary, a root, a task card; and what is left when it is killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const INSTRUCT: [&str; 4] = ["--task-type", "InstructTextTask", "--dataset-type", "{}"];

fn croupier(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_croupier"));
    command.env_remove("CROUPIER_CONTAINER").env_remove("USE_KL").env_remove("KL_COEF");
    command.args(words);
    command
}

/// A root with a model and a data set in its cache.
struct Root(TempDir);

impl Root {
    /// `words` say what `model new` makes.
    fn new(words: &[&str]) -> Self {
        let root = Self(tempfile::tempdir().expect("a temporary folder"));
        let model = root.model();
        let words = [&["model", "new"], words, &[&model]].concat();
        let made = croupier(&words).output().expect("it runs");
        assert!(made.status.success(), "{}", said(&made));
        root.write_rows(&(0..120).map(row).collect::<Vec<_>>().join(","));
        root
    }

    fn model(&self) -> String {
        self.0.path().join("cache/models/0123456789abcdef").to_string_lossy().into_owned()
    }

    fn dataset(&self) -> PathBuf {
        self.0.path().join("cache/datasets/t1_train_data.json")
    }

    fn write_rows(&self, rows: &str) {
        std::fs::create_dir_all(self.0.path().join("cache/datasets")).expect("made");
        std::fs::write(self.dataset(), format!("[{rows}]")).expect("written");
    }

    fn output(&self, task: &str) -> PathBuf {
        self.0.path().join("app/checkpoints").join(task).join("repo")
    }

    fn train(&self, words: &[&str]) -> Command {
        let root = self.0.path().to_string_lossy().into_owned();
        let mut all =
            vec!["train", "text", "--expected-repo-name", "repo", "--root", &root, "--device", "cpu"];
        all.extend(["--model", "0123456789abcdef", "--file-format", "s3"]);
        all.extend(words);
        croupier(&all)
    }
}

fn row(idx: usize) -> String {
    let words = ["red", "green", "blue", "black"];
    format!(r#"{{"instruct":"case {idx}: {} ","output":"{}"}}"#, words[idx % 4], words[(idx + 1) % 4])
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

#[test]
fn what_cannot_be_learnt_from_is_refused_here_and_leaves_the_floor_in_the_container() {
    let root = Root::new(&["--size", "pico"]);
    let task = ["--task-id", "t1", "--hours-to-complete", "0.01"];
    let no_column = r#"{"field_instruction":"question","field_output":"output"}"#;
    let cases: [(&str, Vec<&str>, &str); 5] = [
        ("", INSTRUCT.to_vec(), "holds no rows"),
        (r#"{"instruct":"a","output":""}"#, INSTRUCT.to_vec(), "empty_output"),
        (
            r#"{"instruct":"a","output":"b"}"#,
            vec!["--task-type", "InstructTextTask", "--dataset-type", no_column],
            "`question`",
        ),
        (
            r#"{"instruct":"a","output":"b"}"#,
            vec!["--task-type", "GrpoTask", "--dataset-type", "{}"],
            "reward_functions",
        ),
        (
            r#"{"instruct":"a","output":"b"}"#,
            vec!["--task-type", "DpoTask", "--dataset-type", "{}"],
            "`prompt`",
        ),
    ];
    for (rows, card, reason) in cases {
        root.write_rows(rows);
        let words = [&task[..], &card].concat();
        let local = root.train(&words).output().expect("it runs");
        assert_eq!(code(&local), 2, "{card:?}: {}", said(&local));
        assert!(
            said(&local).contains(reason) && said(&local).contains("hint: "),
            "{card:?}: {}",
            said(&local)
        );
        let container = root.train(&[&words[..], &["--container"]].concat()).output().expect("it runs");
        assert_eq!(code(&container), 0, "{card:?}: {}", said(&container));
        assert!(said(&container).contains("Error: "), "{}", said(&container));
        assert!(tasks::holds_artifact(&root.output("t1")), "{card:?}");
        std::fs::remove_dir_all(root.output("t1")).expect("cleared");
    }
}

#[test]
fn a_data_set_that_is_not_there_is_named_with_the_place() {
    let root = Root::new(&["--size", "pico"]);
    let words = ["--task-id", "other", "--dataset", "https://example.com/x", "--steps", "1"];
    let output = root.train(&[&words[..], &INSTRUCT].concat()).output().expect("it runs");
    assert_eq!(code(&output), 2, "{}", said(&output));
    assert!(said(&output).contains("other_train_data.json"), "{}", said(&output));
}

#[test]
fn the_kl_term_is_asked_for_by_the_environment_and_needs_a_weight() {
    let root = Root::new(&["--size", "pico"]);
    let words = [&["--task-id", "t1", "--steps", "1", "--dry-run"][..], &INSTRUCT].concat();
    let tied = root.train(&words).env("USE_KL", "1").env("KL_COEF", "0.75").output().expect("it runs");
    assert!(String::from_utf8_lossy(&tied.stdout).contains("SftWithKl(0.75)"), "{}", said(&tied));
    let odd = root.train(&words).env("USE_KL", "1").env("KL_COEF", "much").output().expect("it runs");
    assert_eq!(code(&odd), 2, "{}", said(&odd));
    assert!(said(&odd).contains("KL_COEF is `much`"), "{}", said(&odd));
}

#[test]
fn whenever_it_is_killed_what_lies_there_loads_and_is_not_worse_than_the_base() {
    text_runs(20, 8.0);
}

#[test]
#[ignore = "7 minutes; cargo nextest run --workspace --cargo-profile ci --profile long --run-ignored all"]
fn long_whenever_it_is_killed_what_lies_there_is_not_worse_than_the_base() {
    text_runs(20, 40.0);
}

#[test]
fn whenever_an_environment_run_is_killed_what_lies_there_loads() {
    let root = Root::new(&["--size", "nano", "--vocab", "4096"]);
    let env = ["--task-type", "EnvTask", "--dataset-type", r#"{"environment_names":["leduc_poker"]}"#];
    // Not how well it plays: a model of this size learns nothing in ten seconds.
    killed(&root, &env, (6, 10.0), |_, out| assert!(gain(&root, out).is_finite()));
}

/// Runs of so many seconds on text; a quarter of them must have learnt something before they are killed.
fn text_runs(n_runs: u32, seconds: f64) {
    let root = Root::new(&["--size", "nano"]);
    let mut n_trained = 0;
    killed(&root, &INSTRUCT, (n_runs, seconds), |run, out| {
        let gain = gain(&root, out);
        assert!(gain >= -1e-6, "run {run} left something worse: {gain}");
        n_trained += u32::from(gain > 0.1);
    });
    assert!(n_trained >= n_runs / 4, "only {n_trained} of {n_runs} runs had learnt something");
}

/// Runs, each killed at another moment; the last one is left alone and must end in time. `look` sees what each leaves.
fn killed(root: &Root, task: &[&str], (n_runs, seconds): (u32, f64), mut look: impl FnMut(u32, &Path)) {
    let hours = format!("{}", seconds / 3600.0);
    for run in 1..=n_runs {
        let words = ["--task-id", "t1", "--hours-to-complete", &hours, "--container"];
        let mut command = root.train(&[&words[..], task].concat());
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        let started = Instant::now();
        if run < n_runs {
            // The golden ratio spreads the moments.
            let moment = seconds * (f64::from(run) * 0.618_034).fract();
            std::thread::sleep(Duration::from_secs_f64(moment));
            process.kill().expect("killed, or over");
            process.wait().expect("gone");
        } else {
            assert!(process.wait().expect("it ends").success());
            assert!(started.elapsed().as_secs_f64() < seconds, "{:?}", started.elapsed());
        }
        let out = root.output("t1");
        if !out.join("adapter_config.json").exists() && !out.join("config.json").exists() {
            assert!(started.elapsed().as_secs_f64() < 2.0, "the floor comes within seconds");
            continue;
        }
        look(run, &out);
        std::fs::remove_dir_all(root.0.path().join("app")).expect("cleared");
    }
}

/// What `eval text` says that the folder is worth against the base.
fn gain(root: &Root, out: &Path) -> f64 {
    let model = root.model();
    let (dataset, out) = (root.dataset(), out.to_string_lossy().into_owned());
    let dataset = dataset.to_string_lossy();
    let words = ["eval", "text", "--model", &model, "--models", &out, "--dataset", &dataset, "--rows", "40"];
    let output = croupier(&[&words[..], &INSTRUCT, &["--device", "cpu", "--json"]].concat()).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    line["figures"]["gain"].as_f64().expect("a number")
}

#[test]
fn an_output_that_holds_something_else_is_refused_and_left_alone() {
    let root = Root::new(&["--size", "pico"]);
    let model = root.model();
    let words = ["--task-id", "t1", "--steps", "1", "--out", &model];
    let output = root.train(&[&words[..], &INSTRUCT].concat()).output().expect("it runs");
    assert_eq!(code(&output), 2, "{}", said(&output));
    assert!(said(&output).contains("would be cleared"), "{}", said(&output));
    assert!(Path::new(&model).join("model.safetensors").exists());
}
