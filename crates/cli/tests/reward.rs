//! `croupier reward` as a user runs it: exit codes, messages that name the fault, files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn croupier(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_croupier")).arg("reward").args(words).output().expect("the binary runs")
}

fn project(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path).to_string_lossy().into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn write(path: PathBuf, text: &str) -> String {
    std::fs::write(&path, text).expect("a temporary file can be written");
    path.to_string_lossy().into_owned()
}

const ROLLOUTS: &str = r#"{"id":"a","run":"r","group":0,"turns":[{"completion":"one two"}],"reward":1.0,"scores":[]}
{"id":"b","run":"r","group":0,"turns":[{"completion":"one"}],"reward":0.0,"scores":[]}
"#;

#[test]
fn a_check_says_how_the_worker_was_isolated_and_what_is_wrong() {
    let fine = croupier(&["check", &project("examples/rewards/length.py")]);
    assert_eq!(code(&fine), 0, "{}", stderr(&fine));
    assert!(
        stdout(&fine).contains("isolation  ") && stdout(&fine).contains("stock word_count"),
        "{}",
        stdout(&fine)
    );
    let bad = croupier(&["check", "--json", &project("crates/reward/tests/bad/constant.py")]);
    assert_eq!(code(&bad), 3, "{}", stderr(&bad));
    let report: Value = serde_json::from_str(&stdout(&bad)).expect("one JSON object");
    assert_eq!(report["findings"][0]["name"], "constant");
}

#[test]
fn scores_are_added_to_the_file_and_compared() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let rollouts = write(dir.path().join("R.jsonl"), ROLLOUTS);
    let (long, short) = (
        write(
            dir.path().join("long.py"),
            "def f(completions, **k):\n    return [len(c) for c in completions]",
        ),
        write(
            dir.path().join("short.py"),
            "def f(completions, **k):\n    return [-len(c) for c in completions]",
        ),
    );
    let scored = croupier(&["score", &long, "--rollouts", &rollouts]);
    assert_eq!(code(&scored), 0, "{}", stderr(&scored));
    let text = std::fs::read_to_string(&rollouts).expect("it is still there");
    let first: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["scores"][0]["value"], 7.0);
    assert!(first["scores"][0]["by"].as_str().is_some_and(|by| by.starts_with("long.py#")));
    let page = dir.path().join("page.html");
    let compared =
        croupier(&["compare", &long, &short, "--rollouts", &rollouts, "--html", &page.to_string_lossy()]);
    assert_eq!(code(&compared), 0, "{}", stderr(&compared));
    assert!(stdout(&compared).contains("rank correlation -1.000"), "{}", stdout(&compared));
    assert!(stdout(&compared).contains("changes in 100.0 % of 1 groups"), "{}", stdout(&compared));
    assert!(std::fs::read_to_string(page).expect("it was written").contains("<svg"));
}

#[test]
fn a_function_that_fails_is_refused_and_a_missing_file_is_bad_input() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let rollouts = write(dir.path().join("R.jsonl"), ROLLOUTS);
    let raises = project("crates/reward/tests/bad/raises.py");
    let refused = croupier(&["score", &raises, "--rollouts", &rollouts]);
    assert_eq!(code(&refused), 3);
    assert!(stderr(&refused).contains("raises: ValueError"), "{}", stderr(&refused));
    assert_eq!(std::fs::read_to_string(&rollouts).expect("it is still there"), ROLLOUTS);
    let missing = croupier(&["check", "nowhere.py"]);
    assert_eq!(code(&missing), 2);
    assert!(
        stderr(&missing).contains("`nowhere.py`") && stderr(&missing).contains("hint:"),
        "{}",
        stderr(&missing)
    );
    let no_python = croupier(&["check", &raises, "--python", "no-such-python"]);
    assert_eq!(code(&no_python), 2);
    let nothing = write(dir.path().join("E.jsonl"), "{\"a\": 1}\n");
    assert_eq!(code(&croupier(&["score", &raises, "--rollouts", &nothing])), 2);
}
