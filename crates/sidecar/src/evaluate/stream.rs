//! A streamed chat completion, put together from the bytes of its server-sent events.
//!
//! Events may be cut anywhere. Bounded: a server that never stops is cut off.

use serde::Deserialize;
use serde_json::Value;

/// Events read at most, about one token each; the original's limit.
const MAX_EVENTS: usize = 32_000;
/// A line of an event holds a token, not a book.
const MAX_LINE_BYTES: usize = 1 << 20;

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

/// Why a stream is no completion.
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

impl Reader {
    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
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

    /// True when nothing more is to be read.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// What has been read.
    pub(super) fn finish(mut self) -> Result<Completion, Unreadable> {
        self.end_line()?;
        Ok(self.completion)
    }

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
