//! `evaluate` of the shell environment: the server plays one task by asking an OpenAI-compatible LLM for every turn.
//!
//! Request and reply are those of the evaluator's own server, without the envelope of the games: 400 for a task that is
//! not there, 422 for an unreadable request, everything else 200, a failure with a score of 0 and an `error`. One task is
//! played at a time; waiting for that counts as time taken, not against the task's limit. Deviations from the original:
//!
//! 1. An endpoint that fails is asked three times instead of once.
//! 2. A task that runs out of time has an `error` that says so (the original's is empty, so that it leaves it out).
//! 3. The prose of the prompt is ours unless a prompt pack brings another one; layout and tools are the original's.
//!
//! # Source
//! `intercode_server.py` and `eval_intercode.py` of gradients-ai/G.O.D; spec/env_sidecars.md §3.1.

use std::sync::Arc;
use std::time::Duration;

use intercode::prompt::ToolCall;
use intercode::{Action, Episode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::warn;

use super::ApiKey;
use super::llm::{Llm, Patience};
use super::parse::without_thoughts;
use super::stream::Whole;
use crate::shell::{Refusal, Shell};

/// What the original sends where nothing is configured.
const API_KEY: &str = "dummy";

/// Body of the request; the original leaves further fields unread.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ShellRequest {
    model: String,
    base_url: String,
    task_id: i64,
    #[serde(default)]
    temperature: f64,
    /// For the log alone, as in the original.
    #[serde(default)]
    seed: Option<i64>,
}

impl ShellRequest {
    /// Reads the fields of a request.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn from_fields(fields: Map<String, Value>) -> Result<Self, String> {
        let request: Self =
            serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
        match request.model.is_empty() || request.base_url.is_empty() {
            true => Err("model and base_url should have at least 1 character".to_owned()),
            false => Ok(request),
        }
    }

    /// The original takes addresses with and without their version.
    fn base_url(&self) -> String {
        let base_url = self.base_url.trim_end_matches('/');
        if base_url.ends_with("/v1") { base_url.to_owned() } else { format!("{base_url}/v1") }
    }
}

/// There is no task of this number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("task id {task_id} out of range; valid range is 1..{n_tasks}")]
pub(crate) struct OutOfRange {
    task_id: i64,
    n_tasks: u64,
}

/// The reply.
#[derive(Debug, Serialize)]
pub(crate) struct ShellReply {
    result: ShellScore,
}

#[derive(Debug, Serialize)]
struct ShellScore {
    score: f64,
    time_taken: f64,
    task_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Plays tasks for callers of `evaluate`.
#[derive(Debug)]
pub(crate) struct ShellEvaluator {
    shell: Arc<Shell>,
    llm: Llm,
    /// Held by the task that is played.
    table: Mutex<()>,
}

impl ShellEvaluator {
    pub(crate) fn new(shell: Arc<Shell>) -> Self {
        let patience = Patience {
            // An answer is not streamed: its first byte comes with its last.
            piece: shell.config().task_timeout,
            first_pause: Duration::from_millis(500),
            tries: 3,
            ..Patience::default()
        };
        Self { shell, llm: Llm::new(patience), table: Mutex::new(()) }
    }

    /// The score of one task. Cancel safe: dropping it loses the task, and a command that runs ends within its own limit.
    ///
    /// # Errors
    /// [`OutOfRange`].
    pub(crate) async fn evaluate(&self, request: ShellRequest) -> Result<ShellReply, OutOfRange> {
        let started = Instant::now();
        let known = u64::try_from(request.task_id).ok().filter(|&task_id| self.shell.has(task_id));
        let Some(task_id) = known else {
            return Err(OutOfRange { task_id: request.task_id, n_tasks: self.shell.n_tasks() });
        };
        let limit = self.shell.config().task_timeout;
        let played = {
            let _alone = self.table.lock().await;
            tokio::time::timeout(limit, self.play(&request, task_id)).await
        };
        let played = played.unwrap_or_else(|_| Err(format!("the task did not end within {limit:?}")));
        let error = played.as_ref().err().cloned();
        if let Some(error) = &error {
            warn!(task_id, seed = request.seed, error, "a task could not be evaluated");
        }
        let (score, time_taken) = (played.unwrap_or(0.0), started.elapsed().as_secs_f64());
        Ok(ShellReply { result: ShellScore { score, time_taken, task_id: request.task_id, error } })
    }

    /// The reward, or what went wrong.
    async fn play(&self, request: &ShellRequest, task_id: u64) -> Result<f64, String> {
        let shell = Arc::clone(&self.shell);
        let mut episode = blocking(move || shell.play(task_id).map_err(reason)).await??;
        loop {
            let body = self.body(request, &episode.user_message());
            let key = ApiKey(API_KEY.to_owned());
            let answer = self.llm.exchange::<Whole>(&request.base_url(), Some(&key), &body).await?;
            let (action, thought) = taken_apart(&answer)?;
            let played = blocking(move || step(episode, action, thought)).await?;
            let reward;
            (episode, reward) = played?;
            if let Some(reward) = reward {
                return Ok(reward);
            }
        }
    }

    fn body(&self, request: &ShellRequest, user: &str) -> Value {
        let config = self.shell.config();
        json!({
            "model": request.model,
            "messages": [
                { "role": "system", "content": config.prose.system },
                { "role": "user", "content": user },
            ],
            "tools": config.prose.tool_schemas(),
            "tool_choice": "auto",
            "temperature": request.temperature,
            "max_tokens": config.max_tokens_per_call,
        })
    }
}

/// The episode after a turn, and its reward if that was the last.
fn step(mut episode: Episode, action: Action, thought: String) -> Result<(Episode, Option<f64>), String> {
    let step = episode.step_with_thought(action, thought).map_err(|error| error.to_string())?;
    Ok((episode, step.reward.map(|reward| reward.total)))
}

/// What an answer does, and what it says beside it. The first call of a tool that there is counts; arguments that are no
/// JSON are none.
fn taken_apart(answer: &Value) -> Result<(Action, String), String> {
    let message = answer["choices"].get(0).map(|choice| &choice["message"]);
    let Some(message) = message.filter(|message| message.is_object()) else {
        return Err("the answer has no message".to_owned());
    };
    let call = |call: &Value| {
        let function = &call["function"];
        let arguments = match &function["arguments"] {
            Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
            arguments => arguments.clone(),
        };
        ToolCall::read(function["name"].as_str()?, arguments.get("command"))
    };
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    let action = calls.filter_map(call).next().map_or(Action::Nothing, Action::from);
    Ok((action, without_thoughts(message["content"].as_str().unwrap_or_default())))
}

fn reason(refusal: Refusal) -> String {
    match refusal {
        Refusal::NoSandbox(reason) | Refusal::Failed(reason) => reason,
        Refusal::Full(open) => format!("{open} sandboxes are open"),
    }
}

/// Result of `work` on a thread of its own. If dropped, the work ends unheard.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| format!("the task crashed: {error}"))
}

#[cfg(test)]
mod tests;
