//! A row's messages under the names that templates know: `role`, `content`, and whatever else a message has.

use schema::ChatType;
use serde_json::{Map, Value};

use crate::Reason;
use crate::dataset::{Cells, Refusal};

/// Columns that count beside the messages, if a row has them.
const SYSTEM: &str = "system";
const TOOLS: &str = "tools";

/// Turns as templates see them.
pub(super) struct Conversation {
    pub(super) turns: Vec<Value>,
    pub(super) tools: Vec<Value>,
}

impl Conversation {
    /// What stands before the first answer.
    pub(super) fn asked(&self) -> String {
        let asked = self.turns.iter().take_while(|turn| turn["role"] != super::ASSISTANT);
        asked.filter_map(|turn| turn["content"].as_str()).collect::<Vec<_>>().join("\n")
    }
}

/// How the data name things.
pub(super) struct Fields<'a> {
    column: &'a str,
    role: &'a str,
    content: &'a str,
    user: &'a str,
    assistant: &'a str,
}

impl<'a> Fields<'a> {
    /// The card's names; for those that are `null`, axolotl's own.
    pub(super) fn new(card: &'a ChatType) -> Self {
        Self {
            column: card.chat_column.as_deref().unwrap_or("messages"),
            role: card.chat_role_field.as_deref().unwrap_or("role"),
            content: card.chat_content_field.as_deref().unwrap_or("content"),
            user: card.chat_user_reference.as_deref().unwrap_or("user"),
            assistant: card.chat_assistant_reference.as_deref().unwrap_or("assistant"),
        }
    }

    pub(super) fn column(&self) -> &'a str {
        self.column
    }

    /// The conversation of a row. Messages without a role, or with neither text nor tool calls, are left out.
    ///
    /// A plain string is read as the JSON of a list of messages. A `system` column becomes the first turn, unless the
    /// messages begin with one of that role.
    pub(super) fn conversation(&self, cells: &mut Cells<'_>) -> Result<Conversation, Refusal> {
        let missing = || Refusal::Row(Reason::MissingColumn, format!("column `{}`", self.column));
        let messages = cells.value(self.column).ok_or_else(missing)?;
        let messages = match messages {
            Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
            other => other.clone(),
        };
        let Value::Array(messages) = messages else { return Err(Reason::TooFewMessages.into()) };
        let mut turns: Vec<Value> =
            messages.into_iter().filter_map(|message| self.turn(without_nulls(message))).collect();
        if turns.len() < 2 {
            return Err(Refusal::Row(Reason::TooFewMessages, format!("{} usable", turns.len())));
        }
        let system = cells.value(SYSTEM).filter(|value| value.is_string() && turns[0]["role"] != SYSTEM);
        if let Some(system) = system {
            turns.insert(0, serde_json::json!({"role": SYSTEM, "content": system}));
        }
        let tools = match cells.value(TOOLS) {
            Some(Value::Array(tools)) => tools.iter().cloned().map(with_parsed_parameters).collect(),
            _ => Vec::new(),
        };
        Ok(Conversation { turns, tools })
    }

    /// A message as a turn. Keys that the card does not name come after those it does, and win where both are there.
    fn turn(&self, message: Value) -> Option<Value> {
        let Value::Object(mut message) = message else { return None };
        let role = message.shift_remove(self.role)?;
        let role = role.as_str().filter(|role| !role.is_empty())?;
        let role = match role {
            user if user == self.user => "user",
            assistant if assistant == self.assistant => super::ASSISTANT,
            other => other,
        };
        let mut turn = Map::from_iter([("role".to_owned(), Value::from(role))]);
        match message.shift_remove(self.content) {
            Some(content) => {
                turn.insert("content".to_owned(), content_of(content)?);
            }
            None if message.contains_key("tool_calls") => {}
            None => return None,
        }
        turn.extend(message);
        if let Some(calls) = turn.get_mut("tool_calls").and_then(Value::as_array_mut) {
            calls
                .iter_mut()
                .filter_map(|call| call.get_mut("function"))
                .for_each(|call| parse_in(call, "arguments"));
        }
        Some(Value::Object(turn))
    }
}

/// Text as it is, numbers and truth values as text; anything else is for templates that know it.
fn content_of(content: Value) -> Option<Value> {
    match content {
        Value::String(_) | Value::Array(_) => Some(content),
        Value::Number(number) => Some(Value::from(number.to_string())),
        Value::Bool(truth) => Some(Value::from(if truth { "True" } else { "False" })),
        Value::Null | Value::Object(_) => None,
    }
}

/// Files of tables spell every message with the keys of all.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let present = fields.into_iter().filter(|(_, value)| !value.is_null());
            present.map(|(key, value)| (key, without_nulls(value))).collect()
        }
        Value::Array(values) => values.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

fn with_parsed_parameters(mut tool: Value) -> Value {
    if let Some(function) = tool.get_mut("function") {
        parse_in(function, "parameters");
    }
    tool
}

/// Replaces a string under `key` by the JSON that it holds, if it holds any.
fn parse_in(object: &mut Value, key: &str) {
    if let Some(value) = object.get_mut(key)
        && let Some(parsed) = value.as_str().and_then(|text| serde_json::from_str(text).ok())
    {
        *value = parsed;
    }
}
