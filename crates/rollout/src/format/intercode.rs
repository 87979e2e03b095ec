//! The shell environment as the evaluator asks it: a fresh request each turn, with the history as text.
//!
//! Layout, tools and the reading of calls are [`intercode::prompt`]'s; here they go through a model's chat template.
//!
//! # Source
//! spec/contract.md §5.7.

use std::sync::{Arc, OnceLock};

use ::intercode::prompt::user_message;
pub use ::intercode::prompt::{PastTurn as ShellStep, ToolCall as ShellCall};
use data::{ToolCall, ToolText};
use serde_json::Value;

use super::tool_chat::{Answer, ChatRequest, Frame, ToolChat};
use super::{Prompt, PromptPack};
use crate::{Codec, Error};

/// A task and what has been done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellView {
    /// The task.
    pub question: String,
    /// In order; the turn that is asked for is the next.
    pub steps: Vec<ShellStep>,
}

/// An answer, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellAnswer {
    /// What is said beside the call.
    pub thought: String,
    /// The first call of a tool that there is; without one the turn is lost.
    pub call: Option<ShellCall>,
}

/// See the module.
pub struct IntercodeFormat {
    chat: ToolChat,
    pack: Arc<PromptPack>,
    frame: OnceLock<Option<Frame>>,
}

impl IntercodeFormat {
    /// With this tokenizer and this prose.
    ///
    /// # Errors
    /// If the chat template cannot show a request.
    pub fn new(codec: Arc<dyn Codec>, pack: Arc<PromptPack>) -> Result<Self, Error> {
        Ok(Self { chat: ToolChat::new(codec)?, pack, frame: OnceLock::new() })
    }

    /// How the model is asked; [`ToolChat::has_native_tools`] says whether to warn.
    pub fn chat(&self) -> &ToolChat {
        &self.chat
    }

    /// What is sent to a chat server for the next turn.
    pub fn request(&self, view: &ShellView) -> ChatRequest {
        let prose = &self.pack.intercode;
        ChatRequest {
            system: prose.system.clone(),
            user: user_message(&view.question, &view.steps),
            tools: prose.tool_schemas(),
        }
    }

    /// The prompt of the next turn.
    ///
    /// # Errors
    /// If the chat template cannot show it.
    pub fn prompt(&self, view: &ShellView) -> Result<Prompt, Error> {
        let request = self.request(view);
        let frame = self.frame.get_or_init(|| self.chat.frame(&request.tools).ok().flatten());
        match frame.as_ref().and_then(|frame| frame.filled(&request.system, &request.user)) {
            Some(text) => {
                let tokens = self.chat.codec().encode(&text);
                Ok(Prompt { text, tokens })
            }
            None => self.chat.prompt(&request),
        }
    }

    /// The answer that makes `call` after a thought; families without a place for content leave the thought out.
    ///
    /// # Errors
    /// [`Error::AnswerNotReadable`] if the family's parser would not read it back.
    pub fn answer(&self, thought: &str, call: &ShellCall) -> Result<Answer, Error> {
        self.chat.answer(thought, &[tool_call(call)])
    }

    /// What a completion's text says, special tokens written out and the stop token left away.
    pub fn parse(&self, text: &str) -> ShellAnswer {
        taken_apart(self.chat.read(text))
    }

    /// What a completion's tokens say.
    pub fn parse_tokens(&self, tokens: &[u32]) -> ShellAnswer {
        taken_apart(self.chat.read_tokens(tokens))
    }
}

fn tool_call(call: &ShellCall) -> ToolCall {
    let (name, arguments) = call.parts();
    let arguments = arguments.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value)));
    ToolCall { name: name.to_owned(), arguments: arguments.collect() }
}

/// The evaluator takes the first call by its name alone, whatever its arguments are.
fn taken_apart(read: ToolText) -> ShellAnswer {
    let shell_call = |call: &ToolCall| ShellCall::read(&call.name, call.arguments.get("command"));
    ShellAnswer { call: read.calls.iter().find_map(shell_call), thought: read.content }
}

#[cfg(test)]
mod tests;
