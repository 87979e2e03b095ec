//! Text to tokens, as the formats need it: a model's tokenizer, or plain bytes where no model plays.

use data::ToolCallStyle;
use schema::{Message, Role};
use serde_json::Value;

/// Encodes prompts and decodes completions.
pub trait Codec: Send + Sync {
    /// The ids of `text`; special tokens written out in it count as such.
    fn encode(&self, text: &str) -> Vec<u32>;

    /// The text of `ids` without special tokens.
    fn decode(&self, ids: &[u32]) -> String;

    /// The text of `ids`, special tokens written out: calls of tools begin with such tokens in some families.
    fn decode_verbatim(&self, ids: &[u32]) -> String;

    /// True if a text cut between a line feed and a letter encodes to the tokens of the whole, piece by piece.
    fn cuts_at_line_starts(&self) -> bool;

    /// Tokens that end a completion.
    fn stop_tokens(&self) -> &[u32];

    /// The token that a well-formed completion ends with.
    fn end_of_turn(&self) -> u32;

    /// The prompt text of a chat.
    ///
    /// # Errors
    /// If there is no template, or it refuses these messages.
    fn render_chat(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, data::Error>;

    /// As [`Codec::render_chat`] for messages with more than a role and a text, and with tools.
    ///
    /// # Errors
    /// As [`Codec::render_chat`].
    fn render_tool_chat(
        &self,
        messages: &[Value],
        tools: &[Value],
        add_generation_prompt: bool,
    ) -> Result<String, data::Error>;

    /// How the chat template teaches tool calls; `None` if it does not.
    fn tool_call_style(&self) -> Option<ToolCallStyle>;

    /// `sha256:…` as trajectories name their tokenizer; empty if there is none.
    fn id(&self) -> String;
}

impl Codec for data::Tokenizer {
    fn encode(&self, text: &str) -> Vec<u32> {
        self.encode(text)
    }

    fn decode(&self, ids: &[u32]) -> String {
        self.decode(ids)
    }

    fn decode_verbatim(&self, ids: &[u32]) -> String {
        self.decode_verbatim(ids)
    }

    fn cuts_at_line_starts(&self) -> bool {
        self.cuts_at_line_starts()
    }

    fn stop_tokens(&self) -> &[u32] {
        self.stop_tokens()
    }

    fn end_of_turn(&self) -> u32 {
        self.end_of_turn()
    }

    fn render_chat(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, data::Error> {
        self.render_chat(messages, add_generation_prompt)
    }

    fn render_tool_chat(
        &self,
        messages: &[Value],
        tools: &[Value],
        add_generation_prompt: bool,
    ) -> Result<String, data::Error> {
        self.render_tool_chat(messages, tools, add_generation_prompt)
    }

    fn tool_call_style(&self) -> Option<ToolCallStyle> {
        self.tool_call_style()
    }

    fn id(&self) -> String {
        self.sha256()
    }
}

/// Bytes as tokens, ChatML as chat template: for random and scripted policies, which need no model.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByteCodec;

const START_TEXT: &str = "<|im_start|>";
const END_TEXT: &str = "<|im_end|>";

impl ByteCodec {
    /// The one special token, `<|im_end|>`.
    pub const END_OF_TURN: u32 = 256;
}

impl Codec for ByteCodec {
    fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len());
        for (index, part) in text.split(END_TEXT).enumerate() {
            if index > 0 {
                ids.push(Self::END_OF_TURN);
            }
            ids.extend(part.bytes().map(u32::from));
        }
        ids
    }

    fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().filter_map(|&id| u8::try_from(id).ok()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn decode_verbatim(&self, ids: &[u32]) -> String {
        ids.split(|&id| id == Self::END_OF_TURN)
            .map(|part| self.decode(part))
            .collect::<Vec<_>>()
            .join(END_TEXT)
    }

    fn cuts_at_line_starts(&self) -> bool {
        true
    }

    fn stop_tokens(&self) -> &[u32] {
        &[Self::END_OF_TURN]
    }

    fn end_of_turn(&self) -> u32 {
        Self::END_OF_TURN
    }

    fn render_chat(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, data::Error> {
        let turn = |message: &Message| {
            let role = match message.role {
                Role::System => "system",
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            turn(role, &message.content)
        };
        Ok(closed(messages.iter().map(turn).collect(), add_generation_prompt))
    }

    fn render_tool_chat(
        &self,
        messages: &[Value],
        _tools: &[Value],
        add_generation_prompt: bool,
    ) -> Result<String, data::Error> {
        Ok(chatml(messages, add_generation_prompt))
    }

    fn tool_call_style(&self) -> Option<ToolCallStyle> {
        None
    }

    fn id(&self) -> String {
        String::new()
    }
}

/// Messages in ChatML, for whoever has no template.
pub(crate) fn chatml(messages: &[Value], add_generation_prompt: bool) -> String {
    let field = |message: &Value, name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let turn = |message: &Value| turn(&field(message, "role"), &field(message, "content"));
    closed(messages.iter().map(turn).collect(), add_generation_prompt)
}

fn turn(role: &str, content: &str) -> String {
    format!("{START_TEXT}{role}\n{content}{END_TEXT}\n")
}

fn closed(turns: String, add_generation_prompt: bool) -> String {
    if add_generation_prompt { format!("{turns}{START_TEXT}assistant\n") } else { turns }
}
