//! Asking with tools and answering with calls, through a model's own chat template.
//!
//! A prompt is what the template makes of a system message, a user message and tools; an answer is what it writes for the
//! assistant after that prompt, up to the end of the turn. An answer that its family's parser would not read back as
//! intended is never given out: where the template writes it otherwise than the parser wants, the family's own form is
//! written in its place. A template that knows no tools is given the generic form: the tools told in the system message,
//! the calls in tags ([`ToolCallStyle::Hermes`]).

mod frame;

use std::sync::Arc;

use data::{ToolCall, ToolCallStyle, ToolText};
use serde_json::{Value, json};

pub(crate) use self::frame::Frame;
use super::Prompt;
use crate::codec::chatml;
use crate::{Codec, Error};

const THINK: (&str, &str) = ("<think>", "</think>");
/// Nine characters, as Mistral's templates demand.
const FIRST_CALL_ID: u32 = 100_000_000;

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// Content of the system message.
    pub system: String,
    /// Content of the user message.
    pub user: String,
    /// As in OpenAI's API.
    pub tools: Vec<Value>,
}

/// What an assistant says to a request, the token that ends its turn included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For people.
    pub text: String,
    /// The truth.
    pub tokens: Vec<u32>,
}

/// Who tells the model of its tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ToolsIn {
    Template,
    SystemMessage,
}

/// Where the system's words go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SystemIn {
    Message,
    /// Templates that refuse or leave out system messages.
    UserMessage,
}

/// See the module.
pub struct ToolChat {
    codec: Arc<dyn Codec>,
    style: ToolCallStyle,
    tools_in: ToolsIn,
    system_in: SystemIn,
}

impl ToolChat {
    /// The way of this model, found out by trying.
    ///
    /// # Errors
    /// [`Error::Prompt`] if the template cannot show a system and a user message in any way.
    pub fn new(codec: Arc<dyn Codec>) -> Result<Self, Error> {
        let own = codec.tool_call_style().map(|style| (style, ToolsIn::Template));
        let generic = (ToolCallStyle::Hermes, ToolsIn::SystemMessage);
        for (style, tools_in) in own.into_iter().chain([generic]) {
            for system_in in [SystemIn::Message, SystemIn::UserMessage] {
                let chat = Self { codec: Arc::clone(&codec), style, tools_in, system_in };
                if chat.shows_probe() {
                    return Ok(chat);
                }
            }
        }
        let (style, tools_in) = generic;
        let plainest = Self { codec, style, tools_in, system_in: SystemIn::UserMessage };
        // The template's own complaint, if it has one.
        plainest.prompt(&probe())?;
        Ok(plainest)
    }

    /// True if what has to reach the model does.
    ///
    /// A template with tools that drops the system message does so for the evaluator too: it is taken as it is.
    fn shows_probe(&self) -> bool {
        let request = probe();
        let Ok(text) = self.prompt_text(&request) else { return false };
        let tool = request.tools[0]["function"]["name"].as_str().unwrap_or_default();
        let may_drop_system = (self.tools_in, self.system_in) == (ToolsIn::Template, SystemIn::Message);
        let system = if may_drop_system { "" } else { request.system.as_str() };
        [system, &request.user, tool].iter().all(|part| text.contains(part))
    }

    /// What encodes it.
    pub fn codec(&self) -> &dyn Codec {
        self.codec.as_ref()
    }

    /// False if the template knows no tools: then the evaluator's server shows the model none, and a person should be told.
    pub fn has_native_tools(&self) -> bool {
        self.tools_in == ToolsIn::Template
    }

    /// How calls are written and read.
    pub fn style(&self) -> ToolCallStyle {
        self.style
    }

    /// The prompt of a request.
    ///
    /// # Errors
    /// If the chat template cannot show it.
    pub fn prompt(&self, request: &ChatRequest) -> Result<Prompt, Error> {
        let text = self.prompt_text(request)?;
        let tokens = self.codec.encode(&text);
        Ok(Prompt { text, tokens })
    }

    /// The prompt after any messages, for templates that show them all.
    ///
    /// # Errors
    /// As [`ToolChat::prompt`]; [`Error::NoPlace`] if this model's template has none for tools or for the system.
    pub(crate) fn prompt_of(&self, messages: &[Value], tools: &[Value]) -> Result<Prompt, Error> {
        if (self.tools_in, self.system_in) != (ToolsIn::Template, SystemIn::Message) {
            return Err(Error::NoPlace);
        }
        let text = self.render(messages, tools, true)?;
        let tokens = self.codec.encode(&text);
        Ok(Prompt { text, tokens })
    }

    fn prompt_text(&self, request: &ChatRequest) -> Result<String, Error> {
        self.render(&self.messages(request), &request.tools, true)
    }

    fn messages(&self, request: &ChatRequest) -> Vec<Value> {
        let system = match self.tools_in {
            ToolsIn::Template => request.system.clone(),
            ToolsIn::SystemMessage => format!("{}\n\n{}", request.system, told(&request.tools)),
        };
        match self.system_in {
            SystemIn::Message => vec![
                json!({"role": "system", "content": system}),
                json!({"role": "user", "content": request.user}),
            ],
            SystemIn::UserMessage => {
                vec![json!({"role": "user", "content": format!("{system}\n\n{}", request.user)})]
            }
        }
    }

    /// A model without a template is shown ChatML.
    fn render(&self, messages: &[Value], tools: &[Value], is_open: bool) -> Result<String, Error> {
        let tools = if self.tools_in == ToolsIn::Template { tools } else { &[] };
        match self.codec.render_tool_chat(messages, tools, is_open) {
            Err(data::Error::NoChatTemplate { .. }) => Ok(chatml(messages, is_open)),
            rendered => Ok(rendered?),
        }
    }

    /// The assistant's turn that says `content` and makes `calls`, which does not depend on the request.
    ///
    /// # Errors
    /// [`Error::AnswerNotReadable`] if the family's parser would read something else.
    pub fn answer(&self, content: &str, calls: &[ToolCall]) -> Result<Answer, Error> {
        let stub = probe();
        let open = self.prompt_text(&stub)?;
        let by_template = self.by_template(&stub, &open, content, calls);
        let by_style = || {
            // A prompt that begins a thought is answered by ending it.
            let thought = open.trim_end().ends_with(THINK.0);
            let close = if thought { format!("\n{}\n\n", THINK.1) } else { String::new() };
            close + &self.style.write(content, calls)
        };
        let answers = by_template.into_iter().chain(std::iter::once_with(by_style));
        let mut answers = answers.map(|text| self.ended(&text));
        let found = answers.find(|answer| self.says(answer, content, calls));
        found.ok_or_else(|| Error::AnswerNotReadable { answer: self.style.write(content, calls) })
    }

    /// What the template adds to the prompt for the assistant's turn; `None` if it refuses or writes the prompt anew.
    fn by_template(
        &self,
        stub: &ChatRequest,
        open: &str,
        content: &str,
        calls: &[ToolCall],
    ) -> Option<String> {
        let mut messages = self.messages(stub);
        messages.push(match self.tools_in {
            ToolsIn::Template if !calls.is_empty() => {
                let calls: Vec<Value> =
                    (FIRST_CALL_ID..).zip(calls).map(|(id, call)| message(id, call)).collect();
                json!({"role": "assistant", "content": content, "tool_calls": calls})
            }
            _ => json!({"role": "assistant", "content": self.style.write(content, calls)}),
        });
        let whole = self.render(&messages, &stub.tools, false).ok()?;
        whole.strip_prefix(open).map(str::to_owned)
    }

    /// The tokens of `text` up to the end of the turn.
    fn ended(&self, text: &str) -> Answer {
        let mut tokens = self.codec.encode(text);
        match tokens.iter().position(|id| self.codec.stop_tokens().contains(id)) {
            Some(at) => tokens.truncate(at + 1),
            None => tokens.push(self.codec.end_of_turn()),
        }
        Answer { text: self.codec.decode_verbatim(&tokens), tokens }
    }

    fn says(&self, answer: &Answer, content: &str, calls: &[ToolCall]) -> bool {
        let read = self.read_tokens(&answer.tokens);
        let loses_content = self.style == ToolCallStyle::Llama3 && !calls.is_empty();
        read.calls == calls && (loses_content || read.content.trim() == content.trim())
    }

    /// Content and calls of a completion's text, special tokens written out and the stop token left away.
    ///
    /// Thoughts are no content; calls are what the family's parser finds, which does not know of thoughts.
    pub fn read(&self, text: &str) -> ToolText {
        let ToolText { content, calls } = self.style.parse(text);
        ToolText { content: without_thoughts(&content), calls }
    }

    /// As [`ToolChat::read`] for a completion's tokens.
    pub fn read_tokens(&self, tokens: &[u32]) -> ToolText {
        let stops = self.codec.stop_tokens();
        let end = tokens.iter().position(|id| stops.contains(id)).unwrap_or(tokens.len());
        self.read(&self.codec.decode_verbatim(&tokens[..end]))
    }
}

/// A small request, to see how a template shows one.
fn probe() -> ChatRequest {
    let tool = json!({"type": "function", "function": {"name": "croupier_probe",
        "description": "A probe.", "parameters": {"properties": {}, "required": [], "type": "object"}}});
    ChatRequest { system: "croupier-system".to_owned(), user: "croupier-user".to_owned(), tools: vec![tool] }
}

/// A call as templates expect it in a message.
fn message(id: u32, call: &ToolCall) -> Value {
    json!({"id": id.to_string(), "type": "function",
           "function": {"name": call.name, "arguments": call.arguments}})
}

/// The tools in words, for templates that do not know any.
fn told(tools: &[Value]) -> String {
    let lines: Vec<String> = tools.iter().map(|tool| tool["function"].to_string()).collect();
    format!(
        "TOOLS (one a line, with its parameters as JSON Schema):\n{}\n\nTo call a tool, write this and nothing after it; \
         several calls follow one another:\n<tool_call>\n{{\"name\": \"…\", \"arguments\": {{…}}}}\n</tool_call>",
        lines.join("\n")
    )
}

/// The text without what stands between think tags; a thought may have begun in the prompt.
fn without_thoughts(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    if let Some((before, after)) = text.split_once(THINK.1)
        && !before.contains(THINK.0)
    {
        rest = after;
    }
    while let Some((before, thought)) = rest.split_once(THINK.0) {
        kept.push_str(before);
        rest = thought.split_once(THINK.1).map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests;
