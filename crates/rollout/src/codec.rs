//! Text to tokens, as the formats need it: a model's tokenizer, or plain bytes where no model plays.

use schema::{Message, Role};

/// Encodes prompts and decodes completions.
pub trait Codec: Send + Sync {
    /// The ids of `text`; special tokens written out in it count as such.
    fn encode(&self, text: &str) -> Vec<u32>;

    /// The text of `ids` without special tokens.
    fn decode(&self, ids: &[u32]) -> String;

    /// Tokens that end a completion.
    fn stop_tokens(&self) -> &[u32];

    /// The token that a well-formed completion ends with.
    fn end_of_turn(&self) -> u32;

    /// The prompt text of a chat.
    ///
    /// # Errors
    /// If there is no template, or it refuses these messages.
    fn render_chat(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, data::Error>;

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

    fn stop_tokens(&self) -> &[u32] {
        self.stop_tokens()
    }

    fn end_of_turn(&self) -> u32 {
        self.end_of_turn()
    }

    fn render_chat(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, data::Error> {
        self.render_chat(messages, add_generation_prompt)
    }

    fn id(&self) -> String {
        self.sha256()
    }
}

/// Bytes as tokens, ChatML as chat template: for random and scripted policies, which need no model.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByteCodec;

impl ByteCodec {
    /// The one special token, `<|im_end|>`.
    pub const END_OF_TURN: u32 = 256;
    const END_TEXT: &str = "<|im_end|>";
}

impl Codec for ByteCodec {
    fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len());
        for (index, part) in text.split(Self::END_TEXT).enumerate() {
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

    fn stop_tokens(&self) -> &[u32] {
        &[Self::END_OF_TURN]
    }

    fn end_of_turn(&self) -> u32 {
        Self::END_OF_TURN
    }

    fn render_chat(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, data::Error> {
        let mut text = String::new();
        for message in messages {
            let role = match message.role {
                Role::System => "system",
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            text += &format!("<|im_start|>{role}\n{}{}\n", message.content, Self::END_TEXT);
        }
        if add_generation_prompt {
            text += "<|im_start|>assistant\n";
        }
        Ok(text)
    }

    fn id(&self) -> String {
        String::new()
    }
}
