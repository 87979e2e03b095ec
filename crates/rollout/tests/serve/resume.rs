//! `examples/rollout_client.py`, killed and started again.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use schema::Trajectory;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::setup::{Gated, House, line, until};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/rollout_client.py");
const GROUPS: usize = 100;

fn client(house: &House, file: &Path) -> Child {
    let groups = GROUPS.to_string();
    let words = ["--groups", &groups, "--group-size", "4", "--envs", "leduc_poker,kuhn_poker"];
    let mut command = Command::new("python3");
    command.arg(CLIENT).arg(house.server.url()).arg(file).args(words).stdout(Stdio::piped());
    command.kill_on_drop(true).spawn().expect("python3 is there")
}

fn lines(file: &Path) -> usize {
    std::fs::read_to_string(file).map_or(0, |text| text.matches('\n').count())
}

#[tokio::test]
async fn a_client_that_is_killed_goes_on_without_loss_or_repeat() {
    // A hundred groups of four need some eight hundred turns; the gate keeps the server from finishing too early.
    let (policy, gate) = Gated::new(150);
    let house = House::open(policy).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("groups.jsonl");
    for (allowed, enough) in [(150, 5), (400, 30)] {
        gate.send(allowed).expect("it is waited for");
        let mut killed = client(&house, &file);
        until(async || (lines(&file) > enough).then_some(())).await;
        assert!(killed.try_wait().expect("asked").is_none(), "it is in the middle");
        killed.kill().await.expect("SIGKILL");
    }
    let whole = std::fs::read_to_string(&file).expect("its file");
    assert!(whole.lines().count() < GROUPS, "it was killed in the middle");
    let mut torn = std::fs::OpenOptions::new().append(true).open(&file).expect("its file");
    torn.write_all(b"{\"cursor\": 77, \"gro").expect("what a kill in a write leaves");
    gate.send(u64::MAX).expect("it is waited for");
    for _ in 0..2 {
        let done = client(&house, &file).wait_with_output().await.expect("it ends");
        assert!(done.status.success(), "{done:?}");
        assert!(String::from_utf8_lossy(&done.stdout).starts_with("100 groups of job "), "{done:?}");
    }
    let text = std::fs::read_to_string(&file).expect("its file");
    assert!(text.starts_with(whole.as_str()), "what was there stays as it was");
    let (head, rest) = text.split_once('\n').expect("a first line");
    let job: Value = serde_json::from_str(head).expect("JSON");
    let groups: Vec<(u64, Vec<Trajectory>)> = rest.lines().map(line).collect();
    assert!(groups.iter().map(|(cursor, _)| *cursor).eq(1..=GROUPS as u64), "every cursor once");
    let numbers: BTreeSet<u64> = groups.iter().map(|(_, group)| group[0].group).collect();
    assert_eq!(numbers, (0..GROUPS as u64).collect(), "every group once");
    assert!(groups.iter().all(|(_, group)| group.len() == 4));
    let path = format!("/v1/jobs/{}", job["job"].as_str().expect("an id"));
    assert_eq!(house.get(&path).await.0, reqwest::StatusCode::NOT_FOUND, "the client deletes its job");
}
