//! One completion as text: decodes the engine's tokens, finds stop strings, says why it ended.
//!
//! Tokens are the source of truth: what is cut off the text at a stop string stays among the tokens.

use std::sync::Arc;

use data::{SpecialTokens, TextStream, Tokenizer, held_back};
use model::{Event, Finish, GenerateRequest, Token, TokenStream};

use crate::refusal::Refusal;
use crate::routes::App;

/// A completion that is under way. Dropping it withdraws it.
pub(crate) struct Choice {
    /// Of all the choices of a request.
    pub(crate) index: usize,
    tokenizer: Arc<Tokenizer>,
    /// Gone once the completion has ended.
    stream: Option<TokenStream>,
    /// Tokens without a text.
    stop_tokens: Vec<u32>,
    text: TextStream,
    stops: StopStrings,
}

/// What a completion has gained.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Those drawn since the last piece; their text may be held back for the next one.
    pub(crate) tokens: Vec<Token>,
    /// With the last piece.
    pub(crate) finish: Option<&'static str>,
}

impl Choice {
    /// Sends the request.
    pub(crate) async fn begin(
        app: &App,
        index: usize,
        request: GenerateRequest,
        stops: Vec<String>,
        specials: SpecialTokens,
    ) -> Result<Self, Refusal> {
        let mut stop_tokens = request.stop_tokens.clone();
        if request.candidates.is_some() {
            stop_tokens.push(app.served.tokenizer.end_of_turn());
        }
        Ok(Self {
            index,
            tokenizer: Arc::clone(&app.served.tokenizer),
            stream: Some(app.served.engine.stream(request).await?),
            stop_tokens,
            text: TextStream::new(specials),
            stops: StopStrings::new(stops),
        })
    }

    /// Waits until there is text, or the end; `None` after that.
    ///
    /// Cancel safe only in that dropping the choice withdraws it: a dropped future loses the tokens that it had taken.
    pub(crate) async fn next(&mut self) -> Option<Result<Piece, Refusal>> {
        let mut piece = Piece::default();
        loop {
            let event = self.stream.as_mut()?.next().await;
            match event {
                Err(error) => {
                    self.stream = None;
                    return Some(Err(error.into()));
                }
                Ok(Event::Token(token)) => {
                    let is_stop = self.stop_tokens.contains(&token.token_id);
                    let gained =
                        if is_stop { String::new() } else { self.text.push(&self.tokenizer, token.token_id) };
                    piece.tokens.push(token);
                    piece.text.push_str(&self.stops.push(&gained));
                }
                Ok(Event::End(generation)) => {
                    let rest = self.text.finish(&self.tokenizer);
                    piece.text.push_str(&self.stops.push(&rest));
                    piece.text.push_str(&self.stops.finish());
                    piece.finish = Some(reason(generation.finish));
                }
            }
            if self.stops.is_found {
                piece.finish = Some(reason(Finish::Stop));
            }
            if piece.finish.is_some() {
                self.stream = None;
            }
            if piece.finish.is_some() || !piece.text.is_empty() {
                return Some(Ok(piece));
            }
        }
    }

    /// All that is left, as one piece.
    pub(crate) async fn rest(&mut self) -> Result<Piece, Refusal> {
        let mut whole = Piece::default();
        while let Some(piece) = self.next().await {
            let Piece { text, tokens, finish } = piece?;
            whole.text.push_str(&text);
            whole.tokens.extend(tokens);
            whole.finish = finish;
        }
        Ok(whole)
    }
}

/// OpenAI has no word for a deadline; what is there is cut off, as by a length.
fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length | Finish::Deadline => "length",
    }
}

/// Lets text through up to the first stop string; an end that may become one waits.
struct StopStrings {
    stops: Vec<String>,
    held: String,
    is_found: bool,
}

impl StopStrings {
    fn new(stops: Vec<String>) -> Self {
        Self { stops, held: String::new(), is_found: false }
    }

    fn push(&mut self, text: &str) -> String {
        if self.is_found {
            return String::new();
        }
        self.held.push_str(text);
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.is_found = true;
            return self.held[..at].to_owned();
        }
        let n_held = held_back(&self.held, self.stops.iter().map(String::as_str));
        let rest = self.held.split_off(self.held.len() - n_held);
        std::mem::replace(&mut self.held, rest)
    }

    /// What was held back for nothing.
    fn finish(&mut self) -> String {
        if self.is_found { String::new() } else { std::mem::take(&mut self.held) }
    }
}

#[cfg(test)]
mod tests;
