//! What surrounds the training of a text task: its record, what explains it, what compares it, and the examples.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const INSTRUCT: [&str; 2] = ["--task-type", "InstructTextTask"];

/// A folder with a pico model, and the files of all task types.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary folder"));
        let made = place.croupier(&["model", "new", "--size", "pico", "base"]);
        assert!(made.status.success(), "{}", said(&made));
        let write = |name: &str, row: fn(usize) -> String| {
            let rows: Vec<String> = (0..90).map(row).collect();
            std::fs::write(place.path(name), format!("[{}]", rows.join(","))).expect("written");
        };
        write("instruct.json", |idx| {
            let (a, b) = (["red", "green", "blue"][idx % 3], ["green", "blue", "red"][idx % 3]);
            format!(r#"{{"instruct":"case {idx}: {a} ","output":"{b}"}}"#)
        });
        write("chat.json", |idx| {
            format!(
                r#"{{"conversations":[{{"from":"user","value":"case {idx}"}},{{"from":"assistant","value":"it is {}"}}]}}"#,
                idx % 7
            )
        });
        write("dpo.json", |idx| {
            format!(r#"{{"prompt":"case {idx}: ","chosen":"yes {}","rejected":"no"}}"#, idx % 5)
        });
        write("grpo.json", |idx| format!(r#"{{"prompt":"case {idx}: ","letter":"e"}}"#));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_croupier"));
        for name in [
            "CROUPIER_CONTAINER",
            "USE_KL",
            "KL_COEF",
            "WANDB_DIR",
            "WANDB_MODE",
            "HF_ENDPOINT",
            "ENVIRONMENT_SERVER_URLS",
            "ROLLOUT_WORKERS",
        ] {
            command.env_remove(name);
        }
        command.current_dir(self.0.path()).args(words);
        command
    }

    fn croupier(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("it runs")
    }

    /// A short run into `out`, whose record lies beside it.
    fn train(&self, out: &str, words: &[&str]) -> Output {
        let all = ["train", "text", "--model", "base", "--out", out, "--steps", "4", "--lr", "4e-3"];
        self.croupier(&[&all[..], words, &["--device", "cpu"]].concat())
    }

    fn json(&self, name: &str) -> Value {
        let text = std::fs::read_to_string(self.path(name)).expect("readable");
        serde_json::from_str(&text).expect("JSON")
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn lines(output: &Output) -> Vec<Value> {
    told(output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_run_is_recorded_for_people_and_for_other_tools_and_can_be_evaluated_again() {
    let place = Place::new();
    let words = ["train", "text", "--model", "base", "--out", "one", "--steps", "40", "--lr", "4e-3"];
    let rows = ["--dataset", "instruct.json", "--task-id", "t1", "--device", "cpu"];
    let mut command = place.command(&[&words[..], &INSTRUCT, &rows].concat());
    let run = command.env("WANDB_DIR", "logs").env("WANDB_MODE", "offline").output().expect("it runs");
    assert_eq!(code(&run), 0, "{}", said(&run));

    let report = place.json("one.run/report.json");
    assert_eq!((&report["status"], &report["asked"]["task_id"]), (&"done".into(), &"t1".into()));
    assert_eq!(report["result"]["lr"], 4e-3);
    let (base, best) = (&report["result"]["base_loss"], &report["result"]["best_loss"]);
    assert!(best.as_f64() < base.as_f64(), "{report}");
    assert_eq!(report["result"]["artifact_kind"], "model");
    let files = names(&place.path("one.run"));
    assert_eq!(files.len(), 5, "{files:?}");
    assert!(files[0].starts_with("events.out.tfevents."), "{files:?}");
    assert_eq!(files[1..], ["journal.jsonl", "metrics.jsonl", "report.html", "report.json"]);
    let metrics = std::fs::read_to_string(place.path("one.run/metrics.jsonl")).expect("readable");
    let first: Value = serde_json::from_str(metrics.lines().next().expect("a line")).expect("JSON");
    assert!(first["train/loss"].is_f64() && first["step"] == 1, "{first}");
    // It may end early: what has been seen often enough is only learnt by heart.
    let n_steps = metrics.lines().filter(|line| line.contains("train/loss")).count();
    assert!(n_steps > 4 && report["result"]["steps"] == n_steps, "{n_steps} {report}");
    let offline = names(&place.path("logs/wandb"));
    assert!(offline.len() == 1 && offline[0].starts_with("offline-run-"), "{offline:?}");

    // The record alone says on what, and lists the base and the run; the benchmark adds to them.
    std::fs::write(place.path("benchmark.json"), r#"[{"name":"again","path":"one"}]"#).expect("written");
    let words = ["eval", "text", "--task_id", "one", "--benchmark", "benchmark.json", "--json"];
    let found = place.croupier(&[&words[..], &["--device", "cpu"]].concat());
    assert_eq!(code(&found), 0, "{}", said(&found));
    let found = lines(&found);
    let subjects: Vec<&str> = found.iter().filter_map(|line| line["name"].as_str()).collect();
    assert_eq!(subjects, ["base", "this run", "again"]);
    assert!(found.iter().all(|line| line["task"] == "one" && line["figures"]["n"] == 90));
    assert_eq!(found[0]["figures"]["gain"], 0.0);
    assert!(found[1]["figures"]["gain"].as_f64() > Some(0.1), "{}", found[1]);
    assert_eq!(found[1]["figures"], found[2]["figures"]);
    let table = place.croupier(&["eval", "text", "--task_id", "one", "--rows", "20", "--device", "cpu"]);
    assert!(told(&table).contains("this run") && told(&table).contains("on 20 rows"), "{}", told(&table));
}

#[test]
fn what_is_missing_for_a_comparison_is_named_before_anything_is_loaded() {
    let place = Place::new();
    std::fs::write(place.path("benchmark.json"), r#"[{"name":"gone","path":"nowhere"}]"#).expect("written");
    let rows = ["--task-type", "DpoTask", "--model", "base", "--dataset", "dpo.json"];
    let with = |words: &[&str]| [&["eval", "text"][..], &rows, words].concat().join(" ");
    for (words, reason) in [
        ("eval text --task_id r1".to_owned(), "no run `r1`"),
        ("eval text --model base".to_owned(), "--task-type is not given"),
        (with(&["--models", "lost"]), "`lost`, has neither"),
        (with(&["--benchmark", "benchmark.json"]), "`gone` of the benchmark"),
        (with(&["--benchmark", "none.json"]), "benchmark `none.json`"),
        (with(&["--dataset-type", "[]"]), "no JSON object"),
        (with(&["--gpu_ids", "0", "--device", "cpu"]), "two things"),
        (
            "eval text --task-type DpoTask --model base --dataset none.json".to_owned(),
            "`none.json` is no file",
        ),
    ] {
        let output = place.croupier(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(code(&output), 2, "{words}: {}", said(&output));
        assert!(said(&output).contains(reason), "{words}: {}", said(&output));
    }
}

#[test]
fn rewards_of_models_are_compared_as_the_tournament_does() {
    let place = Place::new();
    std::fs::write(place.path("share.py"), SHARE).expect("written");
    let task = ["--task-type", "GrpoTask", "--dataset", "grpo.json", "--reward", "share.py:2"];
    let run = place.train("one", &[&task[..], &["--dataset-type", r#"{"extra_column":"letter"}"#]].concat());
    assert_eq!(code(&run), 0, "{}", said(&run));
    let report = place.json("one.run/report.json");
    assert_eq!(report["result"]["rewards"][0][0], "share.py");
    assert_eq!(report["result"]["reward_faults"], 0);
    let rollouts = std::fs::read_to_string(place.path("one.run/rollouts.jsonl")).expect("readable");
    let first: Value = serde_json::from_str(rollouts.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&first["env"], &first["extra"]["extra_data"]), (&"text".into(), &"e".into()));
    let (value, reward) = (first["rewards"]["share.py"].as_f64(), first["reward"].as_f64());
    assert_eq!(value.map(|value| 2.0 * value), reward);
    // The same functions say the same of the record.
    let again = place.croupier(&["reward", "score", "share.py", "--rollouts", "one.run/rollouts.jsonl"]);
    assert_eq!(code(&again), 0, "{}", said(&again));
    let rescored = std::fs::read_to_string(place.path("one.run/rollouts.jsonl")).expect("readable");
    let rescored: Value = serde_json::from_str(rescored.lines().next().expect("a line")).expect("JSON");
    assert_eq!(rescored["scores"][0]["value"].as_f64(), value);

    let eval = ["eval", "text", "--task_id", "one", "--rows", "8", "--json", "--device", "cpu"];
    let found = place.croupier(&[&eval[..], &["--beta", "0.5"]].concat());
    assert_eq!(code(&found), 0, "{}", said(&found));
    let found = lines(&found);
    assert_eq!(found[0]["figures"]["n"], 16);
    assert_eq!(
        (&found[0]["figures"]["prompt_kl"], &found[0]["figures"]["completion_kl"]),
        (&0.0.into(), &0.0.into())
    );
    for line in &found {
        let figure = |name: &str| line["figures"][name].as_f64().expect("a number");
        let mean = line["figures"]["means"][0].as_f64().expect("a number");
        assert!((figure("reward") - 2.0 * mean).abs() < 1e-9, "the weight counts: {line}");
        assert!((figure("eval_loss") - figure("reward") + figure("trainer_loss")).abs() < 1e-9, "{line}");
    }
    let score = |idx: usize| found[idx]["figures"]["score"].as_f64().expect("a number");
    assert!(
        score(0).max(score(1)) <= 2.0 && score(0).max(score(1)) > 1.0,
        "the better one is near its weight"
    );
}

/// The share of the row's letter.
const SHARE: &str = "def share(completions, extra_data, **kwargs):\n    return [c.count(x) / max(len(c), 1) for c, x in zip(completions, extra_data)]\n";

#[test]
fn a_reward_function_joins_in_the_episodes_of_an_environment() {
    let place = Place::new();
    let source = "def f(completions, trajectories, **kwargs):\n    return [float(len(t['turns'])) for t in trajectories]\n";
    std::fs::write(place.path("turns.py"), source).expect("written");
    std::fs::write(
        place.path("run.toml"),
        "[rollout]\nformat = \"compact\"\ngroups_per_step = 2\ngroup_size = 4\n[reward]\nfunctions = [{ path = \"turns.py\", weight = 0.25 }]\n",
    )
    .expect("written");
    let card = r#"{"environment_names":["leduc_poker"]}"#;
    let words = ["--task-type", "EnvTask", "--dataset-type", card, "--config", "run.toml", "--json"];
    let run = place.train("one", &words);
    assert_eq!(code(&run), 0, "{}", said(&run));
    let report = place.json("one.run/report.json");
    let turns = report["result"]["rewards"][0][1].as_f64().expect("a mean");
    assert!((1.0..=8.0).contains(&turns), "{report}");
    let metrics = std::fs::read_to_string(place.path("one.run/metrics.jsonl")).expect("readable");
    assert!(metrics.contains("reward/turns.py") && metrics.contains("rollout/mean_return"));

    let missing = place.train("two", &[&words[..], &["--reward", "none.py"]].concat());
    assert_eq!(code(&missing), 2, "{}", said(&missing));
    assert!(said(&missing).contains("`none.py`"), "{}", said(&missing));
    let odd = place.train("two", &[&words[..], &["--reward", "turns.py:much"]].concat());
    assert!(code(&odd) == 2 && said(&odd).contains("`much` is no weight"), "{}", said(&odd));
}

#[test]
fn every_example_of_a_text_task_explains_itself_and_runs() {
    let place = Place::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for kind in ["instruct", "chat", "dpo", "grpo"] {
        let file = examples.join(format!("{kind}.toml"));
        let rows = format!("{kind}.json");
        // Paths in the example are relative to the repository.
        let text = std::fs::read_to_string(&file)
            .expect("readable")
            .replace("examples/rewards", &examples.join("rewards").to_string_lossy());
        std::fs::write(place.path("run.toml"), text).expect("written");
        let words = ["train", "text", "--config", "run.toml", "--model", "base", "--dataset", &rows];
        let dry = place.croupier(&[&words[..], &["--explain", "--dry-run", "--device", "cpu"]].concat());
        assert_eq!(code(&dry), 0, "{kind}: {}", said(&dry));
        for part in ["method ", "row: ", "lr ", "# settings", "run.hours: --config", "model.path: --model"] {
            assert!(told(&dry).contains(part), "{kind}: no `{part}` in\n{}", told(&dry));
        }
        let out = format!("{kind}-out");
        let run = place.train(&out, &["--config", "run.toml", "--dataset", &rows]);
        assert_eq!(code(&run), 0, "{kind}: {}", said(&run));
        assert!(tasks::holds_artifact(&place.path(&out)), "{kind}");
        assert_eq!(place.json(&format!("{out}.run/report.json"))["status"], "done");
    }
}
