//! Recorded conversations, as data sets of tool calls hold them, turn by turn in a model's own words.
//!
//! Sets write the same thing in several ways: `messages` with roles or `conversations` with `from` and `value`; calls as
//! OpenAI's API has them or in the text, as Hermes writes them; lists as themselves or as strings of JSON. What is said
//! beside a call is left out: at the table it costs time, and rows of our own say nothing either.

use data::{ToolCall, ToolCallStyle};
use serde_json::{Map, Value, json};

use super::match_layout;
use super::tool_chat::{Answer, ToolChat};
use super::{ChatRequest, Prompt};
use crate::Error;

/// A turn at which somebody called a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedTurn {
    /// Game of match play that it is a turn of, `intercode` for its shell, or nothing that we know.
    pub env: Option<String>,
    /// What was shown.
    pub prompt: Prompt,
    /// What was called.
    pub answer: Answer,
}

/// A record in one form: messages with `role`, `content` and perhaps `tool_calls`, whose arguments are objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Conversation {
    pub(crate) messages: Vec<Value>,
    pub(crate) tools: Vec<Value>,
}

impl Conversation {
    /// What a record of a data set says; empty if it is of no known form.
    pub(crate) fn of(record: &Value) -> Self {
        let list = |key: &str| match parsed(&record[key]) {
            Value::Array(list) => list,
            _ => Vec::new(),
        };
        let mut messages = [list("messages"), list("conversations")].concat();
        if messages.is_empty() {
            let plain = ["system", "user", "assistant"].into_iter();
            messages =
                plain.filter_map(|role| Some(json!({"role": role, "content": record.get(role)?}))).collect();
        }
        let messages = messages.iter().map(|message| message_of(&parsed(message))).collect();
        Self { messages, tools: list("tools").iter().map(parsed).collect() }
    }

    /// The environment that the turns are of.
    fn env(&self) -> Option<String> {
        let is_shell = |tool: &Value| tool["function"]["name"] == "execute_bash";
        if self.tools.iter().any(is_shell) {
            return Some("intercode".to_owned());
        }
        let system = self.messages.first().filter(|message| message["role"] == "system")?;
        Some(match_layout::take_apart(system["content"].as_str()?)?.game.to_owned())
    }
}

impl ToolChat {
    /// The turns of a record at which the assistant calls tools; an error for each that cannot be shown to this model, or
    /// that its parser would not read back.
    pub fn recorded(&self, record: &Value) -> Vec<Result<RecordedTurn, Error>> {
        let conversation = Conversation::of(record);
        let env = conversation.env();
        let turn = |(idx, message): (usize, &Value)| {
            let mut calls = calls_of(message);
            // Families that make one call a turn make the last: it is the one that acts.
            let n_calls = calls.len().min(self.style().max_calls().unwrap_or(usize::MAX));
            let calls = calls.split_off(calls.len() - n_calls);
            if calls.is_empty() {
                return None;
            }
            let turn = || {
                let prompt = self.shown(&conversation.messages[..idx], &conversation.tools)?;
                Ok(RecordedTurn { env: env.clone(), prompt, answer: self.answer("", &calls)? })
            };
            Some(turn())
        };
        conversation.messages.iter().enumerate().filter_map(turn).collect()
    }

    /// The prompt after these messages.
    fn shown(&self, messages: &[Value], tools: &[Value]) -> Result<Prompt, Error> {
        if let [system, user] = messages
            && (&system["role"], &user["role"]) == (&json!("system"), &json!("user"))
        {
            let [system, user] = [system, user].map(|message| text(&message["content"]));
            return self.prompt(&ChatRequest { system, user, tools: tools.to_vec() });
        }
        self.prompt_of(messages, tools)
    }
}

/// A message of any of the known forms.
fn message_of(message: &Value) -> Value {
    let role =
        message.get("role").or_else(|| message.get("from")).and_then(Value::as_str).unwrap_or_default();
    let role = match role {
        "human" => "user",
        "gpt" => "assistant",
        other => other,
    };
    let content = message.get("content").or_else(|| message.get("value")).unwrap_or(&Value::Null);
    let mut whole = json!({"role": role, "content": text(content)});
    if let Value::Array(calls) = parsed(&message["tool_calls"])
        && !calls.is_empty()
    {
        whole["tool_calls"] = calls.iter().map(|call| with_arguments(&parsed(call))).collect();
    }
    for key in ["tool_call_id", "name"] {
        if let Some(value) = message.get(key).filter(|value| !value.is_null()) {
            whole[key] = value.clone();
        }
    }
    whole
}

/// A call whose arguments are an object, whatever they were.
fn with_arguments(call: &Value) -> Value {
    let mut call = call.clone();
    let function = if call.get("function").is_some() { &mut call["function"] } else { &mut call };
    function["arguments"] = parsed(&function["arguments"]);
    call
}

fn calls_of(message: &Value) -> Vec<ToolCall> {
    if message["role"] != "assistant" {
        return Vec::new();
    }
    let Some(calls) = message["tool_calls"].as_array() else {
        return ToolCallStyle::Hermes.parse(message["content"].as_str().unwrap_or_default()).calls;
    };
    let call = |call: &Value| {
        let function = call.get("function").unwrap_or(call);
        let arguments: Map<String, Value> = function["arguments"].as_object().cloned().unwrap_or_default();
        Some(ToolCall { name: function["name"].as_str()?.to_owned(), arguments })
    };
    calls.iter().filter_map(call).collect()
}

/// A value, or what a string of JSON says.
pub(crate) fn parsed(value: &Value) -> Value {
    let inner = value.as_str().and_then(|json| serde_json::from_str(json).ok());
    inner.unwrap_or_else(|| value.clone())
}

/// The text of a content: a string, or the texts of its parts.
pub(crate) fn text(content: &Value) -> String {
    match content {
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests;
