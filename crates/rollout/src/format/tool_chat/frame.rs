//! What a template writes around a system and a user message with certain tools, rendered once.
//!
//! Filling a frame is joining five strings, where rendering runs a template over tools that have not changed.

use serde_json::Value;

use super::{ChatRequest, ToolChat};
use crate::Error;

const SYSTEM: &str = "croupier-system-goes-here";
const USER: &str = "croupier-user-goes-here";

/// See the module.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) head: String,
    pub(crate) between: String,
    pub(crate) tail: String,
}

impl ToolChat {
    /// The frame of `tools`; nothing if the template does not put both contents, once and in order, as they are.
    ///
    /// # Errors
    /// If the chat template cannot show a request with them.
    pub(crate) fn frame(&self, tools: &[Value]) -> Result<Option<Frame>, Error> {
        let text = self.prompt_text(&request(SYSTEM, USER, tools))?;
        let Some(frame) = split(&text) else { return Ok(None) };
        // A template may look at what it is given: contents of the usual size and form must come out the same.
        let system =
            "You are playing it.\n# Game Rules Two.\n\n\nNOTES:\n  [1] (empty)\n\nCall a tool.".repeat(9);
        let user = "Current state:\nx o -\n\nLegal actions:\n0 -> a1b1\n1 -> [P0]Bid: 2";
        let rendered = self.prompt_text(&request(&system, user, tools))?;
        let filled = frame.filled(&system, user);
        Ok((filled.as_deref() == Some(&rendered)).then_some(frame))
    }
}

impl Frame {
    /// False for contents that a template which trims could write otherwise.
    pub(crate) fn takes(system: &str, user: &str) -> bool {
        system.trim() == system && user.trim() == user
    }

    /// The prompt's text, if the frame takes these contents.
    pub(crate) fn filled(&self, system: &str, user: &str) -> Option<String> {
        let parts = [self.head.as_str(), system, &self.between, user, &self.tail];
        Self::takes(system, user).then(|| parts.concat())
    }
}

fn request(system: &str, user: &str, tools: &[Value]) -> ChatRequest {
    ChatRequest { system: system.to_owned(), user: user.to_owned(), tools: tools.to_vec() }
}

fn split(text: &str) -> Option<Frame> {
    let (head, rest) = text.split_once(SYSTEM)?;
    let (between, tail) = rest.split_once(USER)?;
    let is_once = ![between, tail].iter().any(|part| part.contains(SYSTEM) || part.contains(USER))
        && !head.contains(USER);
    is_once.then(|| Frame { head: head.to_owned(), between: between.to_owned(), tail: tail.to_owned() })
}
