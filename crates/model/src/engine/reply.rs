//! The way back to whoever asked.

use tokio::sync::{mpsc, oneshot};

use super::Generation;
use super::sequence::Sequence;
use crate::{Error, Result};

/// A token as it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// The token.
    pub token_id: u32,
    /// As in [`Generation::logprobs`].
    pub logprob: f32,
    /// As in [`Generation::top_logprobs`].
    pub top_logprobs: Vec<(u32, f32)>,
}

/// What a [`TokenStream`] gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The next token.
    Token(Token),
    /// All of it again, after the last token.
    End(Generation),
}

/// A completion token by token. Dropping it withdraws the request.
#[derive(Debug)]
pub struct TokenStream {
    events: mpsc::Receiver<Result<Event>>,
}

impl TokenStream {
    /// The next event. [`Event::End`] is the last.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// [`Error::Refused`] in place of the first event; [`Error::EngineStopped`], also after the last.
    pub async fn next(&mut self) -> Result<Event> {
        self.events.recv().await.unwrap_or(Err(Error::EngineStopped))
    }
}

/// Takes the answer to one request.
#[derive(Debug)]
pub(super) enum Reply {
    Whole(oneshot::Sender<Result<Generation>>),
    Stream {
        events: mpsc::Sender<Result<Event>>,
        /// Tokens sent.
        n_sent: usize,
    },
}

impl Reply {
    /// A stream for a completion of at most `n_tokens`: its channel holds them all, so that the engine never waits.
    pub(super) fn stream(n_tokens: usize) -> (Self, TokenStream) {
        let (events, receiver) = mpsc::channel(n_tokens + 1);
        (Self::Stream { events, n_sent: 0 }, TokenStream { events: receiver })
    }

    /// True if nobody waits any more.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Whole(reply) => reply.is_closed(),
            Self::Stream { events, .. } => events.is_closed(),
        }
    }

    /// Sends what the sequence has gained, if that is wanted.
    pub(super) fn advance(&mut self, sequence: &Sequence) {
        let Self::Stream { events, n_sent } = self else { return };
        for index in *n_sent..sequence.n_drawn() {
            let (token_id, logprob, top) = sequence.drawn(index);
            // Only a closed channel refuses.
            let _ =
                events.try_send(Ok(Event::Token(Token { token_id, logprob, top_logprobs: top.to_vec() })));
        }
        *n_sent = sequence.n_drawn();
    }

    /// Sends the end; a caller that has gone is not an error.
    pub(super) fn finish(self, result: Result<Generation>) {
        match self {
            Self::Whole(reply) => drop(reply.send(result)),
            Self::Stream { events, .. } => drop(events.try_send(result.map(Event::End))),
        }
    }
}
