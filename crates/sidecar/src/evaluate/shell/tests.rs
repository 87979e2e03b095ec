use std::sync::Arc;
use std::time::Duration;

use intercode::{Author, Sandbox, SandboxConfig, Tier, teacher};
use serde_json::{Value, json};

use super::super::stub::{Answer, Stub};
use super::*;
use crate::{ShellConfig, ShellTasks};

const SET: u64 = 77;

fn config() -> ShellConfig {
    ShellConfig { tasks: ShellTasks::Generated { set: SET }, ..ShellConfig::default() }
}

fn evaluator(config: ShellConfig) -> ShellEvaluator {
    ShellEvaluator::new(Arc::new(Shell::open(config).unwrap()))
}

/// False, with a look at whether that is right, where nothing keeps a model's commands in.
fn is_played(evaluator: &ShellEvaluator) -> bool {
    let status = evaluator.shell.status();
    let unshare = std::process::Command::new("unshare").args(["-Ur", "true"]).status();
    let is_played = !status.starts_with("no episodes");
    assert!(
        is_played || !unshare.is_ok_and(|status| status.success()),
        "unshare works here, and yet: {status}"
    );
    is_played
}

/// A task whose own command answers it on this machine, and that command.
fn solvable() -> (u64, String) {
    let sandbox = Sandbox::new(SandboxConfig::new(std::env::temp_dir())).unwrap();
    let found = (1..=200).find(|&id| teacher::lesson(&sandbox, SET, id).unwrap().is_some());
    let task_id = found.expect("most tasks can be answered");
    (task_id, intercode::tasks::task(SET, task_id).gold)
}

fn request(stub: &Stub, task_id: i64) -> ShellRequest {
    // The stub's address ends with `/v1/`; that is put behind it where it is missing.
    let base_url = stub.url().trim_end_matches("/v1/");
    let fields = json!({ "model": "m", "base_url": base_url, "task_id": task_id, "seed": 3, "top_p": 1 });
    ShellRequest::from_fields(fields.as_object().unwrap().clone()).unwrap()
}

async fn evaluate(evaluator: &ShellEvaluator, stub: &Stub, task_id: u64) -> Value {
    let reply = evaluator.evaluate(request(stub, task_id as i64)).await.unwrap();
    serde_json::to_value(reply).unwrap()["result"].clone()
}

fn says(content: &str, calls: &[(&str, &str)]) -> Answer {
    let calls: Vec<Value> = calls
        .iter()
        .map(|(name, arguments)| json!({ "type": "function", "function": { "name": name, "arguments": arguments } }))
        .collect();
    Answer::Whole(json!({ "choices": [{ "message": { "content": content, "tool_calls": calls } }] }))
}

#[tokio::test]
async fn a_model_that_knows_the_answer_is_asked_as_the_evaluator_asks_and_scores_fully() {
    let evaluator = evaluator(config());
    if !is_played(&evaluator) {
        return;
    }
    let (task_id, gold) = solvable();
    let command = json!({ "command": gold }).to_string();
    let stub = Stub::start(move |turn| match turn {
        0 => says(
            "<think>hm</think> Answer it.",
            &[("python", "{}"), ("execute_bash", &command), ("submit", "{}")],
        ),
        _ => says("", &[("submit", "{}")]),
    })
    .await;
    let result = evaluate(&evaluator, &stub, task_id).await;
    assert!(result["score"].as_f64().unwrap() >= 0.99, "{result}");
    assert_eq!((&result["task_id"], result.get("error")), (&json!(task_id), None));

    let requests = stub.requests();
    let [(head, first), (_, second)] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(head["authorization"], "Bearer dummy");
    let settings: Vec<&Value> =
        ["model", "tool_choice", "temperature", "max_tokens"].map(|key| &first[key]).to_vec();
    assert_eq!(settings, [&json!("m"), &json!("auto"), &json!(0.0), &json!(512)]);
    assert_eq!(first["tools"], json!(evaluator.shell.config().prose.tool_schemas()));
    let user = |body: &Value| body["messages"][1]["content"].as_str().unwrap().to_owned();
    assert!(
        user(first).ends_with("No commands have been executed yet.\n\nTurn 1: call exactly one tool now.")
    );
    assert!(
        user(second).contains("Thought 1: Answer it.\nTool 1: execute_bash(command="),
        "{}",
        user(second)
    );
    assert_eq!(second["messages"].as_array().unwrap().len(), 2, "the chat is built anew");
}

#[tokio::test]
async fn a_model_without_calls_has_ten_turns_and_then_submits() {
    let evaluator = evaluator(config());
    if !is_played(&evaluator) {
        return;
    }
    let stub = Stub::start(|turn| match turn % 2 {
        0 => says("ls", &[]),
        _ => says("", &[("execute_bash", "{\"command\":"), ("submit", "{}")]),
    })
    .await;
    let result = evaluate(&evaluator, &stub, 1).await;
    let sandbox = Sandbox::new(SandboxConfig::new(std::env::temp_dir())).unwrap();
    let idle = idle_reward(&sandbox, 1);
    assert_eq!((result["score"].as_f64(), result.get("error")), (Some(idle), None));
    let requests = stub.requests();
    assert_eq!(requests.len(), 10);
    let last = requests[9].1["messages"][1]["content"].as_str().unwrap();
    assert!(
        last.contains("Tool 1: no valid tool call\nObservation 1: Error executing query: no valid"),
        "{last}"
    );
    assert!(last.contains(
        "Tool 2: execute_bash(command=\"\")\nObservation 2: Error executing query: execute_bash req"
    ));
}

/// What submitting at once is worth.
fn idle_reward(sandbox: &Sandbox, task_id: u64) -> f64 {
    assert_ne!(sandbox.isolation().tier, Tier::TrustedOnly);
    let task = Arc::new(intercode::tasks::task(SET, task_id));
    let gold = Arc::new(intercode::Gold::run(sandbox, &task).unwrap());
    let rules = intercode::EpisodeConfig { author: Author::Ours, ..intercode::EpisodeConfig::EVALUATOR };
    let mut episode = Episode::reset(sandbox, task, gold, rules).unwrap();
    episode.step(Action::Submit).unwrap().reward.unwrap().total
}

#[tokio::test]
async fn what_fails_is_a_score_of_0_with_an_error() {
    let patient = evaluator(config());
    let failing = Stub::start(|_| Answer::Status(400)).await;
    let result = evaluate(&patient, &failing, 1).await;
    assert_eq!(result["score"], 0.0);
    let nonsense = Stub::start(|_| Answer::Whole(json!({ "choices": [] }))).await;
    let other = evaluate(&patient, &nonsense, 1).await;
    if is_played(&patient) {
        assert!(result["error"].as_str().unwrap().contains("API error 400"), "{result}");
        assert_eq!(other["error"], "the answer has no message");
        let hasty = evaluator(ShellConfig { task_timeout: Duration::from_millis(300), ..config() });
        let stuck = Stub::start(|_| Answer::Stuck).await;
        let late = evaluate(&hasty, &stuck, 1).await;
        assert_eq!(late["error"], "the task did not end within 300ms", "{late}");
    }
    let mut sandbox = SandboxConfig::new(std::env::temp_dir());
    sandbox.strongest = Tier::TrustedOnly;
    let unguarded = evaluator(ShellConfig { sandbox, ..config() });
    let refused = evaluate(&unguarded, &nonsense, 1).await;
    assert_eq!(refused["error"], "shell sandbox: trusted commands only");
    assert_eq!(nonsense.requests().len(), usize::from(is_played(&patient)), "nobody is asked in vain");
}

#[tokio::test]
async fn tasks_are_numbered_from_1_to_200() {
    let evaluator = evaluator(config());
    let stub = Stub::start(|_| Answer::Status(400)).await;
    for task_id in [0, -3, 201] {
        let refused = evaluator.evaluate(request(&stub, task_id)).await.unwrap_err();
        let expected = format!("task id {task_id} out of range; valid range is 1..200");
        assert_eq!(refused.to_string(), expected);
    }
    for fields in
        [json!({}), json!({ "model": "", "base_url": "u", "task_id": 1 }), json!({ "task_id": "x" })]
    {
        assert!(ShellRequest::from_fields(fields.as_object().unwrap().clone()).is_err(), "{fields}");
    }
}
