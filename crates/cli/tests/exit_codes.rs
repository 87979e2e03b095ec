//! The table of exit codes of `train text`, tried as a user would: the binary, a folder, a task card.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

fn croupier(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_croupier"));
    command.env_remove("ENVIRONMENT_SERVER_URLS").env_remove("CROUPIER_CONTAINER");
    command.args(words).output().expect("the binary runs")
}

/// A root with a pico model in its cache.
struct Root {
    dir: TempDir,
}

impl Root {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let model = dir.path().join("cache/models/org--pico");
        let made = croupier(&["model", "new", "--size", "pico", &model.to_string_lossy()]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { dir }
    }

    fn train(&self, words: &[&str]) -> Output {
        let root = self.dir.path().to_string_lossy().into_owned();
        let mut all =
            vec!["train", "text", "--task-id", "t1", "--expected-repo-name", "repo", "--root", &root];
        all.extend(["--dataset", "env_task_dummy_dataset", "--file-format", "s3", "--device", "cpu"]);
        all.extend(words);
        croupier(&all)
    }

    fn output(&self) -> PathBuf {
        self.dir.path().join("app/checkpoints/t1/repo")
    }
}

const LEDUC: [&str; 4] =
    ["--task-type", "EnvTask", "--dataset-type", r#"{"environment_names":["leduc_poker"]}"#];

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ended by itself")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .map(|entries| {
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}

#[test]
fn a_missing_model_is_bad_input_even_in_the_container() {
    let root = Root::new();
    for mode in [&[][..], &["--container"][..]] {
        std::fs::create_dir_all(root.dir.path().join("cache/models/second")).expect("made");
        std::fs::write(root.dir.path().join("cache/models/second/config.json"), "{}").expect("written");
        let mut words = vec!["--model", "0123456789abcdef", "--hours-to-complete", "0.5"];
        words.extend(LEDUC);
        words.extend(mode);
        let output = root.train(&words);
        assert_eq!(code(&output), 2, "{}", said(&output));
        assert!(said(&output).contains("Error: model `0123456789abcdef`"), "{}", said(&output));
        assert!(said(&output).contains("hint:"), "{}", said(&output));
    }
}

#[test]
fn a_bad_task_card_is_refused_here_and_leaves_the_floor_in_the_container() {
    let root = Root::new();
    let cards: [&[&str]; 4] = [
        &["--task-type", "EnvTask", "--dataset-type", "{not json", "--hours-to-complete", "0.5"],
        &["--task-type", "NoSuchTask", "--dataset-type", "{}", "--hours-to-complete", "0.5"],
        &[
            "--task-type",
            "EnvTask",
            "--dataset-type",
            r#"{"environment_names":["chess"]}"#,
            "--hours-to-complete",
            "1",
        ],
        &[
            "--task-type",
            "EnvTask",
            "--dataset-type",
            r#"{"environment_name":"leduc_poker"}"#,
            "--hours-to-complete",
            "-1",
        ],
    ];
    for card in cards {
        let mut words = vec!["--model", "org/pico"];
        words.extend(card);
        let local = root.train(&words);
        assert_eq!(code(&local), 2, "{card:?}: {}", said(&local));
        assert!(files(&root.output()).is_empty(), "{card:?}");
        words.push("--container");
        let container = root.train(&words);
        assert_eq!(code(&container), 0, "{card:?}: {}", said(&container));
        assert!(said(&container).contains("Error: "), "the reason is named: {}", said(&container));
        assert_eq!(files(&root.output()), ["adapter_config.json", "adapter_model.safetensors"], "{card:?}");
        std::fs::remove_dir_all(root.output()).expect("cleared for the next card");
    }
}

#[test]
fn a_model_of_another_family_gets_a_zero_adapter_in_the_container() {
    let root = Root::new();
    let path = root.dir.path().join("cache/models/org--pico/config.json");
    let text = std::fs::read_to_string(&path).expect("readable");
    let config = text.replace("\"model_type\": \"qwen3\"", "\"model_type\": \"falcon9\"");
    assert_ne!(config, text);
    std::fs::write(&path, config).expect("written");
    let mut words = vec!["--model", "org/pico", "--hours-to-complete", "0.5"];
    words.extend(LEDUC);
    let local = root.train(&words);
    assert_eq!(code(&local), 2, "{}", said(&local));
    assert!(said(&local).contains("model_type `falcon9` is not supported"), "{}", said(&local));
    assert!(files(&root.output()).is_empty());
    words.push("--container");
    let container = root.train(&words);
    assert_eq!(code(&container), 0, "{}", said(&container));
    assert!(said(&container).contains("model_type `falcon9` is not supported"), "{}", said(&container));
    assert_eq!(files(&root.output()), ["adapter_config.json", "adapter_model.safetensors"]);
    let bytes = std::fs::read(root.output().join("adapter_model.safetensors")).expect("readable");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    assert_eq!(tensors.len(), 2 * 2 * 7, "two matrices for seven maps in two layers");
    for (name, tensor) in tensors.tensors() {
        let is_zero = tensor.data().iter().all(|byte| *byte == 0);
        assert_eq!(is_zero, name.ends_with("lora_B.weight"), "{name}");
    }
}

#[test]
fn a_short_run_leaves_one_adapter_and_nothing_else() {
    let root = Root::new();
    std::fs::create_dir_all(root.output().join("checkpoint-7")).expect("a leftover of an earlier attempt");
    let mut words =
        vec!["--model", "org/pico", "--hours-to-complete", "0.05", "--steps", "2", "--future-flag", "x"];
    words.extend(LEDUC);
    let output = root.train(&words);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(said(&output).contains("--future-flag"), "unknown flags are named: {}", said(&output));
    assert_eq!(files(&root.output()), ["adapter_config.json", "adapter_model.safetensors"]);
    let config = std::fs::read_to_string(root.output().join("adapter_config.json")).expect("readable");
    assert!(config.contains(r#""base_model_name_or_path": "org/pico""#), "{config}");
    let last = String::from_utf8_lossy(&output.stdout).lines().last().map(str::to_owned);
    assert_eq!(last, Some(root.output().display().to_string()), "the path is printed last");
}

#[test]
fn some_unknown_environments_are_left_out_with_a_warning() {
    let root = Root::new();
    let card = r#"{"environment_names":["chess","kuhn_poker","intercode"]}"#;
    let words = ["--model", "org/pico", "--task-type", "EnvTask", "--dataset-type", card, "--steps", "1"];
    let output = root.train(&words);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(said(&output).contains("`chess`") && said(&output).contains("`intercode`"), "{}", said(&output));
}

#[test]
fn a_dry_run_prints_the_plan_with_origins_and_writes_nothing() {
    let root = Root::new();
    let mut words = vec!["--model", "org/pico", "--hours-to-complete", "0.75", "--dry-run"];
    words.extend(LEDUC);
    let output = root.train(&words);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(text.contains("leduc_poker") && text.contains("run.hours: --hours-to-complete"), "{text}");
    assert!(files(&root.output()).is_empty());
}

#[test]
fn who_may_make_rows_is_asked_and_named() {
    let root = Root::new();
    let model = root.dir.path().join("cache/models/org--pico");
    let planned = |policy: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_croupier"));
        command.env_remove("ENVIRONMENT_SERVER_URLS").env_remove("CROUPIER_CONTAINER");
        command.env("ENV_DATA_POLICY", policy).args([
            "train",
            "text",
            "--steps",
            "1",
            "--dry-run",
            "--model",
        ]);
        command.arg(&model).args(LEDUC).output().expect("the binary runs")
    };
    let refused = planned("whatever");
    assert_eq!(code(&refused), 2, "{}", said(&refused));
    assert!(said(&refused).contains("ENV_DATA_POLICY is `whatever`"), "{}", said(&refused));
    let alone = planned("sidecar_only");
    let plan = String::from_utf8_lossy(&alone.stdout).into_owned();
    assert_eq!(code(&alone), 0, "{}", said(&alone));
    assert!(said(&alone).contains("no rows of our own") && plan.contains("0 supervised steps"), "{plan}");
}

#[test]
fn mounted_data_sets_are_found_by_either_name_and_join_the_plan() {
    let root = Root::new();
    let dir = root.dir.path().join("cache/miner_datasets");
    std::fs::create_dir_all(dir.join("org--turns")).unwrap();
    std::fs::write(dir.join("org--turns/train.jsonl"), "{}\n").unwrap();
    let planned = |policy: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_croupier"));
        command.env_remove("ENVIRONMENT_SERVER_URLS").env_remove("CROUPIER_CONTAINER");
        command.env("ENV_DATA_POLICY", policy).env("MINER_DATASETS", "org/turns,org/others");
        command.args(["train", "text", "--steps", "1", "--dry-run", "--model", "org/tiny", "--root"]);
        command.arg(root.dir.path()).args(LEDUC).output().expect("the binary runs")
    };
    std::fs::remove_dir_all(root.dir.path().join("cache/models")).unwrap();
    let tiny = root.dir.path().join("cache/models/org--tiny");
    std::fs::create_dir_all(tiny.parent().unwrap()).unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_croupier"))
        .args(["model", "new", "--arch", "qwen2", "--size", "tiny", "--vocab", "4096"])
        .arg(&tiny)
        .output()
        .expect("the binary runs");
    assert_eq!(code(&made), 0, "{}", said(&made));
    for (policy, self_generated, mounted) in
        [("self_generated", true, true), ("whitelist_only", false, true), ("sidecar_only", false, false)]
    {
        let output = planned(policy);
        let plan = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(code(&output), 0, "{}", said(&output));
        assert_eq!(plan.contains("self-generated"), self_generated, "{plan}");
        assert_eq!(plan.contains("org--turns"), mounted, "{plan}");
        assert_eq!(said(&output).contains("MINER_DATASETS names `org/others`"), mounted, "{}", said(&output));
    }
}

/// Adds to one value of a tensor in a safetensors file.
fn alter(path: &Path, name: &str) {
    let mut bytes = std::fs::read(path).expect("readable");
    let start = {
        let file = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
        file.tensor(name).expect("present").data().as_ptr() as usize - bytes.as_ptr() as usize
    };
    let value = f32::from_le_bytes(bytes[start..start + 4].try_into().expect("four bytes"));
    bytes[start..start + 4].copy_from_slice(&(value + 0.1).to_le_bytes());
    std::fs::write(path, bytes).expect("written");
}

#[test]
fn an_altered_gradient_ends_with_exit_code_3() {
    let shared = std::env::var_os("CROUPIER_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let golden = shared.join("data/golden");
    if !golden.is_dir() {
        eprintln!("skipped: no reference data");
        return;
    }
    let copy = tempfile::tempdir().expect("a temporary folder");
    for name in ["cases.json", "batch.safetensors", "grads.safetensors"] {
        std::fs::write(copy.path().join(name), std::fs::read(golden.join(name)).expect("read"))
            .expect("copied");
    }
    for name in ["model", "adapter"] {
        std::os::unix::fs::symlink(golden.join(name), copy.path().join(name)).expect("linked");
    }
    let path = copy.path().to_string_lossy().into_owned();
    let same = croupier(&["verify", "gradients", &path]);
    assert_eq!(code(&same), 0, "{}", said(&same));
    alter(&copy.path().join("grads.safetensors"), "sft.full.all_tokens.mean.model.norm.weight");
    let altered = croupier(&["verify", "gradients", &path]);
    let printed = String::from_utf8_lossy(&altered.stdout).into_owned();
    assert_eq!(code(&altered), 3, "{printed}");
    assert!(printed.contains("FAIL sft.full.all_tokens.mean grad model.norm.weight"), "{printed}");
}

#[test]
fn verify_refuses_what_is_not_there_and_what_holds_nothing() {
    let missing = croupier(&["verify", "traces", "/no/such/folder"]);
    assert_eq!(code(&missing), 2, "{}", said(&missing));
    let empty = tempfile::tempdir().expect("a temporary folder");
    let nothing = croupier(&["verify", "traces", &empty.path().to_string_lossy()]);
    assert_eq!(code(&nothing), 3, "{}", said(&nothing));
}
