//! The text of tokens that come one by one.
//!
//! A token may hold part of a character, and some tokenizers write a word's space only behind another word. So the text
//! of a token is what the last few tokens read together gain by it, and it waits until its last character is whole.

use crate::Tokenizer;

/// Which text a stream of tokens gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialTokens {
    /// As [`Tokenizer::decode`].
    LeftAway,
    /// As [`Tokenizer::decode_verbatim`].
    WrittenOut,
}

/// Text that grows by tokens. What it gives, one after the other, is the text of all its tokens.
#[derive(Debug)]
pub struct TextStream {
    specials: SpecialTokens,
    /// The last tokens that gave text, and those since.
    window: Vec<u32>,
    /// Tokens of the window whose text was given.
    n_given: usize,
}

impl TextStream {
    /// No tokens, no text.
    pub fn new(specials: SpecialTokens) -> Self {
        Self { specials, window: Vec::new(), n_given: 0 }
    }

    /// What the text gains by a token; empty while a character is not whole.
    pub fn push(&mut self, tokenizer: &Tokenizer, token: u32) -> String {
        self.window.push(token);
        let gained = self.gained(tokenizer);
        if gained.is_empty() || gained.ends_with(char::REPLACEMENT_CHARACTER) {
            return String::new();
        }
        self.window.drain(..self.n_given);
        self.n_given = self.window.len();
        gained
    }

    /// What is left at the end: a character that never became whole.
    pub fn finish(&mut self, tokenizer: &Tokenizer) -> String {
        let gained = self.gained(tokenizer);
        self.n_given = self.window.len();
        gained
    }

    fn gained(&self, tokenizer: &Tokenizer) -> String {
        let (given, all) =
            (self.text(tokenizer, &self.window[..self.n_given]), self.text(tokenizer, &self.window));
        all.strip_prefix(&given).unwrap_or_default().to_owned()
    }

    fn text(&self, tokenizer: &Tokenizer, ids: &[u32]) -> String {
        match self.specials {
            SpecialTokens::LeftAway => tokenizer.decode(ids),
            SpecialTokens::WrittenOut => tokenizer.decode_verbatim(ids),
        }
    }
}

#[cfg(test)]
mod tests;
