//! Texts that share most of what they say, encoded piece by piece.
//!
//! The tokens are those of the whole text: pieces are joined wherever the tokenizer does not allow a cut.

use super::kept::Kept;
use crate::Codec;

/// Pieces that are kept: a few a legal set. About 10 KiB each.
const MAX_PIECES: usize = 2048;

/// Whether a piece will come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    Often,
    Seldom,
}

/// Tokens of pieces that come often.
pub(super) struct Pieces {
    tokens: Kept<String, Vec<u32>>,
}

impl Pieces {
    pub(super) fn new() -> Self {
        Self { tokens: Kept::new(MAX_PIECES) }
    }

    /// The tokens of all pieces, one after the other.
    pub(super) fn encode(&self, pieces: Vec<(String, Reuse)>, codec: &dyn Codec) -> Vec<u32> {
        let mut tokens = Vec::new();
        for (piece, reuse) in joined(pieces, codec.cuts_at_line_starts()) {
            match reuse {
                Reuse::Often => tokens.extend_from_slice(&self.tokens.of(piece, |piece| codec.encode(piece))),
                Reuse::Seldom => tokens.extend(codec.encode(&piece)),
            }
        }
        tokens
    }
}

/// The pieces, those that must not be cut as one.
fn joined(pieces: Vec<(String, Reuse)>, may_cut: bool) -> Vec<(String, Reuse)> {
    let mut joined: Vec<(String, Reuse)> = Vec::with_capacity(pieces.len());
    for (piece, reuse) in pieces {
        match joined.last_mut() {
            Some((last, of_last)) if !(may_cut && is_line_start(last, &piece)) => {
                last.push_str(&piece);
                if reuse == Reuse::Seldom {
                    *of_last = Reuse::Seldom;
                }
            }
            _ => joined.push((piece, reuse)),
        }
    }
    joined
}

fn is_line_start(before: &str, after: &str) -> bool {
    before.ends_with('\n') && after.starts_with(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests;
