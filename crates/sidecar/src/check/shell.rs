//! Checks of the shell environment: our own steps of it, and the evaluator's `evaluate`.

use schema::EnvName;
use schema::env_api::EnvResult;
use serde_json::{Value, json};

use super::probe::Probe;
use super::{Finding, Problem, ensure};

/// Turns that an episode may have before it has to submit by itself; the evaluator allows ten.
const MANY_TURNS: usize = 64;
/// No sidecar of ours has a game of this number (the original plays backgammon).
const NO_GAME: i64 = 500_000_001;
/// Nothing listens there.
const NOBODY: &str = "http://127.0.0.1:9";

/// `/health` says how many tasks there are.
pub(super) async fn tasks(probe: &Probe) -> Finding {
    let (status, answer) = probe.get("health").await?;
    let n_tasks = answer["tasks"].as_u64().unwrap_or_default();
    ensure(status == 200 && n_tasks > 0, || format!("{status} {answer}"))?;
    Ok(format!("{n_tasks} tasks"))
}

/// A reset asks a question, in the envelope of the games.
pub(super) async fn envelope(probe: &Probe) -> Finding {
    let (status, answer) = probe.post("reset", &start(1)).await?;
    if answer["result"]["info"]["error"]["type"] == "no_sandbox" {
        return Err(Problem::Warn(format!("not played here: {}", answer["result"]["observation"])));
    }
    let result = &answer["result"];
    probe.post("stop", &json!({ "episode_id": result["episode_id"] })).await?;
    let info = &result["info"];
    let fields = [
        ("status 200", status == 200 && answer["status"] == "success"),
        ("observation", result["observation"].as_str().is_some_and(|text| !text.is_empty())),
        ("reward", result["reward"].as_f64() == Some(0.0)),
        ("done", result["done"] == false && result["truncated"] == false),
        ("episode_id", result["episode_id"].is_string()),
        ("info.task_id", info["task_id"] == 1),
        ("info.game_name", info["game_name"] == EnvName::Intercode.as_str()),
        ("info.step_count", info["step_count"] == 0),
    ];
    let wrong: Vec<&str> = fields.iter().filter(|(_, holds)| !holds).map(|(name, _)| *name).collect();
    ensure(wrong.is_empty(), || format!("wrong or missing: {}", wrong.join(", ")))?;
    Ok(format!("{} fields as specified", fields.len()))
}

/// Commands run one after the other in a tree of the episode's own.
pub(super) async fn steps(probe: &Probe) -> Finding {
    let (one, other) = (probe.result("reset", &start(1)).await?, probe.result("reset", &start(1)).await?);
    let played = async {
        let see = async |episode: &EnvResult, action: &str, seen: &str| -> Result<(), Problem> {
            let reply = probe.step(episode, action).await?;
            let is_right = reply.observation == seen && reply.reward == 0.0 && !reply.done;
            ensure(is_right, || format!("`{action}` was answered with {reply:?}, not {seen:?}"))
        };
        see(&one, "echo out; echo err >&2", "out\n").await?;
        see(&one, "echo err >&2", "err\n").await?;
        // Where a weaker sandbox keeps its own folder, only the working folder can be written to.
        let write = "for d in . /tmp; do echo 5 2> /dev/null > $d/croupier-check && break; done";
        let read = "cat croupier-check /tmp/croupier-check 2> /dev/null | grep 5 || echo none";
        see(&one, write, "").await?;
        see(&one, read, "5\n").await?;
        see(&other, read, "none\n").await?;
        see(&one, "cd /", "").await?;
        see(&one, "pwd", "/\n").await?;
        let long = "x".repeat(350);
        see(&other, "printf 'x%.0s' $(seq 400)", &long).await?;
        let state = probe.state(&other).await?;
        ensure(state.observation == long && state.info.step_count == Some(2), || {
            format!("the state is {state:?}")
        })
    }
    .await;
    probe.stop(&one).await?;
    probe.stop(&other).await?;
    played.map(|()| "outputs, folder, 350 characters; episodes do not see each other".to_owned())
}

/// A submission ends the episode with a reward, and so does the last turn.
pub(super) async fn ends(probe: &Probe) -> Finding {
    let submitted = probe.result("reset", &start(2)).await?;
    let last = probe.step(&submitted, "submit").await?;
    let again = probe.step(&submitted, "true").await?;
    probe.stop(&submitted).await?;
    ensure(last.done && (0.0..=1.001).contains(&last.reward), || {
        format!("submit was answered with {last:?}")
    })?;
    let kind = again.info.error.map(|error| error.kind).unwrap_or_default();
    ensure(kind == "episode_done", || format!("a step after the end is answered with {kind:?}"))?;
    let played_out = probe.result("reset", &start(2)).await?;
    let mut n_turns = 0;
    let mut reply = played_out.clone();
    while !reply.done && n_turns < MANY_TURNS {
        reply = probe.step(&played_out, "").await?;
        n_turns += 1;
    }
    probe.stop(&played_out).await?;
    ensure(reply.done && reply.reward == last.reward, || {
        format!("{n_turns} turns without a call ended with {reply:?}")
    })?;
    Ok(format!("submit scores {:.2}; {n_turns} turns without a call score the same", last.reward))
}

/// `evaluate` refuses what it cannot play, and reports what fails as data.
pub(super) async fn evaluate(probe: &Probe) -> Finding {
    let request = |task_id: i64| json!({ "model": "m", "base_url": NOBODY, "task_id": task_id });
    for task_id in [-1, NO_GAME] {
        let (status, answer) = probe.post("evaluate", &request(task_id)).await?;
        let says = answer["detail"].as_str().unwrap_or_default();
        ensure(status == 400 && says.contains(&format!("task id {task_id} out of range")), || {
            format!("task {task_id}: {status} {answer}")
        })?;
    }
    let (status, answer) = probe.post("evaluate", &request(1)).await?;
    let result = &answer["result"];
    let is_right = status == 200
        && result["score"].as_f64() == Some(0.0)
        && result["task_id"] == 1
        && result["time_taken"].is_number()
        && result["error"].as_str().is_some_and(|error| !error.is_empty());
    ensure(is_right, || format!("without an endpoint: {status} {answer}"))?;
    Ok("bad tasks are refused, failures are data".to_owned())
}

fn start(task_id: u64) -> Value {
    json!({ "task_id": task_id, "seed": 0 })
}
