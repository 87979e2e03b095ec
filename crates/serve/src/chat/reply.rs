//! What an assistant says, as it grows: content at once, tool calls at the end.

use data::{ToolCall, ToolCallStyle, ToolText};
use serde_json::{Value, json};

/// The text of a reply, in which there may be tool calls.
pub(super) struct ReplyText {
    style: Option<ToolCallStyle>,
    text: String,
    /// Bytes that were given as content.
    n_given: usize,
    has_calls: bool,
}

/// What a reply has gained.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Growth {
    pub(super) content: String,
    pub(super) calls: Vec<ToolCall>,
}

impl ReplyText {
    /// Without a style everything is content.
    pub(super) fn new(style: Option<ToolCallStyle>) -> Self {
        Self { style, text: String::new(), n_given: 0, has_calls: false }
    }

    pub(super) fn has_calls(&self) -> bool {
        self.has_calls
    }

    pub(super) fn grow(&mut self, text: &str, is_last: bool) -> Growth {
        self.text.push_str(text);
        let style = match self.style {
            Some(style) => style,
            None => return Growth { content: text.to_owned(), calls: Vec::new() },
        };
        let ToolText { content, calls } = match is_last {
            true => style.parse(&self.text),
            false => {
                let content = self.text[..style.content_length(&self.text)].trim_end().to_owned();
                ToolText { content, calls: Vec::new() }
            }
        };
        self.has_calls = !calls.is_empty();
        let gained = content.get(self.n_given..).unwrap_or_default().to_owned();
        self.n_given = self.n_given.max(content.len());
        Growth { content: gained, calls }
    }
}

/// A tool call as OpenAI's clients expect it, under an id of its own.
pub(super) fn call(call: &ToolCall) -> Value {
    let arguments = Value::Object(call.arguments.clone()).to_string();
    json!({"id": format!("call_{:032x}", rand::random::<u128>()), "type": "function",
           "function": {"name": call.name, "arguments": arguments}})
}

#[cfg(test)]
mod tests;
