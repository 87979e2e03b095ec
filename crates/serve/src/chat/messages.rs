//! Messages as chat templates expect them.

use serde_json::{Value, json};

use crate::refusal::Refusal;

/// Content as one string, arguments of tool calls as objects, `developer` as `system`; everything else as it is.
pub(super) fn normalized(messages: Vec<Value>) -> Result<Vec<Value>, Refusal> {
    if messages.is_empty() {
        return Err(refuse("there are no messages"));
    }
    messages.into_iter().map(message).collect()
}

fn refuse(what: impl Into<String>) -> Refusal {
    Refusal::invalid("messages", what)
}

fn message(mut message: Value) -> Result<Value, Refusal> {
    let Some(fields) = message.as_object_mut() else { return Err(refuse("a message is an object")) };
    match fields.get("role").and_then(Value::as_str) {
        Some("developer") => drop(fields.insert("role".to_owned(), json!("system"))),
        Some("system" | "user" | "assistant" | "tool") => {}
        role => return Err(refuse(format!("role {role:?} is none of system, user, assistant, tool"))),
    }
    let content = text(fields.get("content").unwrap_or(&Value::Null))?;
    fields.insert("content".to_owned(), json!(content));
    // Templates ask whether there are calls by the field.
    if fields.get("tool_calls").is_some_and(Value::is_null) {
        fields.remove("tool_calls");
    }
    for call in fields.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
        let arguments = &mut call["function"]["arguments"];
        if let Value::String(json) = arguments {
            let parsed = serde_json::from_str(json)
                .map_err(|error| refuse(format!("the arguments of a tool call are no JSON: {error}")))?;
            *arguments = parsed;
        }
    }
    Ok(message)
}

/// A string, nothing, or a list of parts, which have to be text.
fn text(content: &Value) -> Result<String, Refusal> {
    match content {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => {
            let part =
                |part: &Value| part["text"].as_str().filter(|_| part["type"] == "text").map(str::to_owned);
            let texts = parts.iter().map(part).collect::<Option<Vec<_>>>();
            texts.map(|texts| texts.concat()).ok_or_else(|| refuse("parts of a content other than text"))
        }
        _ => Err(refuse("a content is a string or a list of parts")),
    }
}

#[cfg(test)]
mod tests;
