//! `croupier rollout serve` and `croupier play` as a user runs them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/rollout_client.py");

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_croupier"));
    command.env_remove("ENVIRONMENT_SERVER_URLS").args(words);
    command
}

/// Runs it with lines typed.
fn typed(words: &[&str], lines: &str) -> Output {
    let pipes = command(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut running = pipes.expect("the binary runs");
    let mut stdin = running.stdin.take().expect("piped");
    // It may have ended before it read everything.
    drop(stdin.write_all(lines.as_bytes()));
    drop(stdin);
    running.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_hand_is_played_through_a_pipe_and_added_to_its_file() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("hands.jsonl").to_string_lossy().into_owned();
    let words = ["play", "kuhn_poker", "--opponent", "random", "--seed", "5", "--seat", "0", "--save", &file];
    for hand in 0..2 {
        let output = typed(&words, "all in\nhint\nbet\nbet\n");
        let (shown, said) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{shown}{said}");
        assert!(shown.contains("seed 4") && shown.contains("You are Player 0."), "{shown}");
        assert!(shown.contains("`all in` is no action here") && shown.contains("CFR+:"), "{shown}");
        assert!(shown.contains("The hand is over") && shown.contains("Saved in"), "{shown}");
        let lines = std::fs::read_to_string(&file).expect("saved");
        let groups =
            lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["group"].clone());
        assert_eq!(groups.collect::<Vec<_>>(), (0..=hand).collect::<Vec<_>>());
    }
}

#[test]
fn what_cannot_be_played_is_bad_input_with_a_hint() {
    let wrong: [&[&str]; 8] = [
        &["play", "chess"],
        &["play", "gin_rummy", "--opponent", "cfr"],
        &["play", "leduc_poker", "--opponent", "genius"],
        &["play", "leduc_poker", "--opponent", "model:nowhere"],
        &["play", "leduc_poker", "--opponent", "model:nowhere", "--sidecar", "http://127.0.0.1:9"],
        &["play", "leduc_poker", "--adapter", "nowhere"],
        &["rollout", "serve", "--port", "0", "--policy", "genius"],
        &["rollout", "serve", "--port", "0", "--model", "nowhere"],
    ];
    for words in wrong {
        let output = typed(words, "");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.starts_with("Error: ") && said.contains("\nhint: "), "{words:?}: {said}");
    }
    let output = typed(&["rollout", "serve", "--policy-url", "http://127.0.0.1:9/v1"], "");
    assert_eq!((output.status.code(), text(&output.stderr).contains("--tokenizer")), (Some(2), true));
}

#[test]
fn a_server_serves_the_python_client_and_stops_when_asked() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (file, spool) = (dir.path().join("groups.jsonl"), dir.path().join("spool"));
    let words = ["rollout", "serve", "--port", "0", "--spool", &spool.to_string_lossy()];
    let mut server = command(&words).stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut shown = BufReader::new(server.stdout.take().expect("piped"));
    let mut line = String::new();
    shown.read_line(&mut line).expect("it says where it listens");
    let url = line.trim().strip_prefix("serving rollouts of random at ").expect("its first line");
    let mut client = Command::new("python3");
    client.arg(CLIENT).arg(url).arg(&file).args([
        "--groups",
        "12",
        "--group-size",
        "2",
        "--envs",
        "kuhn_poker,gin_rummy",
    ]);
    let client = client.output().expect("python3 is there");
    assert!(client.status.success(), "{}", text(&client.stderr));
    assert_eq!(std::fs::read_to_string(&file).expect("written").lines().count(), 1 + 12);
    let stop = Command::new("kill").arg("-INT").arg(server.id().to_string()).status();
    assert!(stop.expect("kill is there").success());
    assert_eq!(server.wait().expect("it ends").code(), Some(0));
    assert_eq!(std::fs::read_dir(&spool).expect("its folder").count(), 0, "it takes its spool with it");
}
