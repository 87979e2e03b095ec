//! Whether a text may be encoded in pieces that are cut between a line feed and a letter.
//!
//! Tokenizers that first split a text by a pattern and merge within the parts give the same tokens then, if the pattern
//! never joins a line feed with a letter after it and nothing is put before a text. All byte-level ones of the families
//! that we know do; those without such a pattern (SentencePiece's) merge across.

use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, Tokenizer};

/// What may stand before the line feed, and after it.
const BEFORE: [&str; 9] = ["", "a", "7", ".", " ", "\n", "\r", "é—", "\t}"];
const AFTER: [&str; 5] = ["W", "You are", "a1 b", "It's", "X\n\nY"];

/// True if pieces encode to the tokens of the whole.
pub(super) fn at_line_starts(tokenizer: &Tokenizer) -> bool {
    let Some(splitter) = tokenizer.get_pre_tokenizer() else { return false };
    let encode = |text: &str| tokenizer.encode_fast(text, false).ok().map(|found| found.get_ids().to_vec());
    let holds = |before: &str, after: &str| {
        let first = format!("{before}\n");
        let whole = format!("{first}{after}");
        let mut parts = PreTokenizedString::from(whole.as_str());
        let is_split = splitter.pre_tokenize(&mut parts).is_ok()
            && parts
                .get_splits(OffsetReferential::Original, OffsetType::Byte)
                .iter()
                .any(|(_, (start, _), _)| *start == first.len());
        let pieces = encode(&first).zip(encode(after)).map(|(first, after)| [first, after].concat());
        is_split && encode(&whole) == pieces
    };
    BEFORE.iter().all(|before| AFTER.iter().all(|after| holds(before, after)))
}
