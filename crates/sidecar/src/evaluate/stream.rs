//! A chat completion, put together from its bytes: streamed as server-sent events, or one JSON object.
//!
//! Events may be cut anywhere. Bounded: a server that never stops is cut off.

use serde::Deserialize;
use serde_json::Value;

/// Events read at most, about one token each; the original's limit.
const MAX_EVENTS: usize = 32_000;
/// A line of an event holds a token, not a book.
const MAX_LINE_BYTES: usize = 1 << 20;
/// An answer of some hundred tokens, with all that servers add to it.
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// Puts an answer together.
pub(super) trait Assemble: Default + Send {
    /// What comes of it.
    type Answer;

    /// Takes the next bytes.
    fn push(&mut self, bytes: &[u8]) -> Result<(), Unreadable>;

    /// True when nothing more is to be read.
    fn is_done(&self) -> bool;

    /// What has been read.
    fn finish(self) -> Result<Self::Answer, Unreadable>;
}

/// Text and token counts of one completion.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Completion {
    pub(super) text: String,
    /// As the server says, if it does.
    pub(super) usage: Option<Value>,
}

/// Reads a stream.
#[derive(Debug, Default)]
pub(super) struct Reader {
    completion: Completion,
    line: Vec<u8>,
    n_events: usize,
    is_done: bool,
}

/// Reads one JSON object.
#[derive(Debug, Default)]
pub(super) struct Whole(Vec<u8>);

impl Assemble for Whole {
    type Answer = Value;

    fn push(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        if self.0.len() + bytes.len() > MAX_ANSWER_BYTES {
            return Err(Unreadable(format!("the answer is longer than {MAX_ANSWER_BYTES} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn is_done(&self) -> bool {
        false
    }

    fn finish(self) -> Result<Value, Unreadable> {
        serde_json::from_slice(&self.0).map_err(|error| Unreadable(format!("the answer: {error}")))
    }
}

/// Why an answer cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) String);

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
}

#[derive(Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
}

impl Assemble for Reader {
    type Answer = Completion;

    fn push(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            if self.line.len() + piece.len() > MAX_LINE_BYTES {
                return Err(Unreadable(format!("an event is longer than {MAX_LINE_BYTES} bytes")));
            }
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_line()?;
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn finish(mut self) -> Result<Completion, Unreadable> {
        self.end_line()?;
        Ok(self.completion)
    }
}

impl Reader {
    fn end_line(&mut self) -> Result<(), Unreadable> {
        let line = std::mem::take(&mut self.line);
        let Some(data) = line.strip_prefix(b"data:").map(<[u8]>::trim_ascii) else {
            return Ok(());
        };
        if self.is_done {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        let event: Event = serde_json::from_slice(data).map_err(|error| {
            let data = String::from_utf8_lossy(&data[..data.len().min(200)]).into_owned();
            Unreadable(format!("event `{data}`: {error}"))
        })?;
        if let Some(error) = event.error {
            return Err(Unreadable(format!("the server says {error}")));
        }
        if let Some(Choice { delta }) = event.choices.into_iter().next() {
            self.completion.text += delta.content.as_deref().unwrap_or_default();
        }
        self.completion.usage = event.usage.or(self.completion.usage.take());
        self.n_events += 1;
        self.is_done = self.n_events >= MAX_EVENTS;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
