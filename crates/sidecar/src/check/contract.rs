//! Checks of routes, envelopes, texts and error replies.

use schema::EnvName;
use serde_json::{Value, json};

use super::probe::{Probe, Start, body};
use super::{CheckOptions, Finding, Problem, ensure};
use crate::text::legal_ids;

pub(super) async fn health(probe: &Probe) -> Finding {
    let (status, answer) = probe.get("health").await?;
    ensure(status == 200 && answer["status"] == "ok", || format!("{status} {answer}"))?;
    Ok("200 {\"status\":\"ok\"}".to_owned())
}

pub(super) async fn methods(probe: &Probe) -> Finding {
    let (status, answer) = probe.get("methods").await?;
    let text = answer.to_string();
    let missing: Vec<&str> =
        ["reset", "step", "state", "stop"].into_iter().filter(|name| !text.contains(name)).collect();
    if status != 200 || !missing.is_empty() {
        return Err(Problem::Warn(format!("status {status}, without {missing:?}")));
    }
    Ok("reset, step, state and stop are listed".to_owned())
}

/// Unknown and missing keywords are 500, unknown methods 404, malformed calls 422; the explicit form works.
pub(super) async fn arguments(probe: &Probe, options: &CheckOptions) -> Finding {
    let refused = [
        ("reset", json!({ "no_such_field": 1 }), 500),
        ("step", json!({ "episode_id": "nope" }), 500),
        ("reset", json!({ "task_id": 1, "seed": u64::from(u32::MAX) }), 500),
        ("no_such_method", json!({}), 404),
        ("call", json!({ "args": [] }), 422),
    ];
    for (method, request, want) in refused {
        let (status, answer) = probe.post(method, &request).await?;
        ensure(status == want && !answer["detail"].is_null(), || {
            format!("{method} {request} was answered with {status} {answer}, not {want} with a detail")
        })?;
    }
    let Some(game) = options.first_game() else {
        return Ok("no game to try".to_owned());
    };
    let start = Start::new(options, game, 0);
    let plain = probe.reset(&start).await?;
    let in_parts = json!({ "args": [start.task_id], "kwargs": { "seed": start.seed, "opponent": "random" } });
    let explicit = probe.result("reset", &in_parts).await?;
    let called = probe.result("call", &json!({ "method": "reset", "kwargs": start.body() })).await?;
    for reply in [&plain, &explicit, &called] {
        probe.stop(reply).await?;
        ensure(reply.observation == plain.observation, || {
            "the ways to call a reset give different deals".to_owned()
        })?;
    }
    Ok("500 for wrong arguments, 404, 422; plain, explicit and /call forms agree".to_owned())
}

/// Replies without an episode.
pub(super) async fn errors(probe: &Probe) -> Finding {
    let cases = [
        ("step", json!({ "action": "1" }), Value::Null, "no_episode_id"),
        ("state", json!({}), Value::Null, "no_episode_id"),
        ("step", json!({ "action": "1", "episode_id": "nope" }), json!("nope"), "episode_not_found"),
        ("state", json!({ "episode_id": "nope" }), json!("nope"), "episode_not_found"),
    ];
    for (method, request, id, kind) in cases {
        let (status, answer) = probe.post(method, &request).await?;
        let result = &answer["result"];
        let want = json!({ "done": true, "truncated": true, "reward": 0.0, "episode_id": id, "type": kind });
        let seen = json!({
            "done": result["done"], "truncated": result["truncated"], "reward": result["reward"].as_f64(),
            "episode_id": result["episode_id"], "type": result["info"]["error"]["type"],
        });
        ensure(status == 200 && seen == want, || format!("{method} {request}: {status} {seen}, not {want}"))?;
    }
    for request in [json!({}), json!({ "episode_id": "nope" })] {
        let (_, answer) = probe.post("stop", &request).await?;
        let result = &answer["result"];
        ensure(result["stopped"] == false && result["message"].is_string(), || {
            format!("stop {request}: {answer}")
        })?;
    }
    Ok("no_episode_id and episode_not_found come with 200, done and truncated".to_owned())
}

pub(super) async fn envelope(probe: &Probe, options: &CheckOptions, game: EnvName) -> Finding {
    let start = Start::new(options, game, 0);
    let (status, answer) = probe.post("reset", &start.body()).await?;
    let result = &answer["result"];
    let right = [
        ("status 200", status == 200),
        ("status", answer["status"] == "success"),
        ("error", answer.get("error") == Some(&Value::Null)),
        ("observation", result["observation"].is_string()),
        ("reward", result["reward"].as_f64() == Some(0.0)),
        ("done", result["done"] == false),
        ("truncated", result["truncated"] == false),
        ("episode_id", result["episode_id"].as_str().is_some_and(is_hex_id)),
    ];
    let info = &result["info"];
    let in_info = [
        ("info.task_id", info["task_id"] == start.task_id),
        ("info.seed", info["seed"] == start.seed),
        ("info.game_name", info["game_name"] == game.as_str()),
        ("info.llm_player_id", info["llm_player_id"] == start.seed % 2),
        ("info.opponent_type", info["opponent_type"] == "random"),
        ("info.step_count", info["step_count"].is_u64()),
        ("info.cumulative_reward", info["cumulative_reward"].as_f64() == Some(0.0)),
        ("info.error", info.get("error").is_none()),
    ];
    probe.post("stop", &json!({ "episode_id": result["episode_id"] })).await?;
    let wrong: Vec<&str> =
        right.iter().chain(&in_info).filter(|(_, holds)| !holds).map(|(name, _)| *name).collect();
    ensure(wrong.is_empty(), || format!("wrong or missing: {}", wrong.join(", ")))?;
    Ok(format!("{} fields as specified", right.len() + in_info.len()))
}

pub(super) async fn layout(probe: &Probe, options: &CheckOptions, game: EnvName) -> Finding {
    for index in 0..2 {
        let start = Start::new(options, game, index);
        let reply = probe.reset(&start).await?;
        probe.stop(&reply).await?;
        let text = &reply.observation;
        ensure(text.starts_with("# Game Rules\n") && text.contains("\n\n# Current Game State\n"), || {
            format!("a reset's observation starts with {:?}", text.chars().take(40).collect::<String>())
        })?;
        let head = format!("Game: {game}\nYou are Player {}.\n\nCurrent State:\n", start.seed % 2);
        ensure(body(text).starts_with(&head), || format!("the body does not start with {head:?}"))?;
        let end = match game {
            EnvName::Goofspiel => "\n\nWaiting for Player -2 to move...",
            _ => "\n\nYour choice (action ID only):",
        };
        ensure(text.ends_with(end), || "the last line is another".to_owned())?;
        let legal = legal_ids(text);
        ensure(!legal.is_empty() && legal.is_sorted(), || format!("legal actions are {legal:?}"))?;
    }
    Ok("rules, state, ascending legal actions, prompt".to_owned())
}

/// A stopped episode is gone, and stopping it again says so.
pub(super) async fn freed(probe: &Probe, options: &CheckOptions) -> Finding {
    let Some(game) = options.first_game() else {
        return Ok("no game to try".to_owned());
    };
    let reply = probe.reset(&Start::new(options, game, 0)).await?;
    let stopped = probe.stop(&reply).await?;
    ensure(stopped["stopped"] == true && stopped["status"] == "ok", || {
        format!("stop was answered with {stopped}")
    })?;
    let again = probe.stop(&reply).await?;
    ensure(again["stopped"] == false, || format!("a second stop was answered with {again}"))?;
    let state = probe.state(&reply).await?;
    let kind = state.info.error.map(|error| error.kind).unwrap_or_default();
    ensure(kind == "episode_not_found", || format!("a stopped episode still answers to state ({kind:?})"))?;
    Ok("stopped episodes are not found any more".to_owned())
}

fn is_hex_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}
