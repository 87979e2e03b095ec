//! How many words of a text differ.
//!
//! Short words are numbers and play musical chairs: each sits down where its bits send it, on whom it finds there; then
//! whoever equals the one left on its chair is settled, and the others play again. Writing and reading take turns and
//! nothing branches on whether a word is new, which a processor cannot foretell: half the time of an ordinary table.

use std::collections::HashSet;

/// A power of two. A completion of 256 tokens has about 100 different words, of which few then share a chair.
const CHAIRS: usize = 2048;
/// More words than this are left to an ordinary set; numbered, they fit into 16 bits.
const MOST_PLAYERS: usize = 4 * CHAIRS;

/// The words of a text: up to 15 bytes as a number, longer ones as they are.
pub(super) struct Words<'a> {
    text: &'a [u8],
    short: Vec<u128>,
    long: Vec<&'a [u8]>,
}

impl<'a> Words<'a> {
    /// None yet.
    pub(super) fn of(text: &'a str) -> Self {
        Self { text: text.as_bytes(), short: Vec::with_capacity(text.len() / 4), long: Vec::new() }
    }

    /// The bytes from `start` to `end` are a word, unless there are none.
    #[inline(always)]
    pub(super) fn push(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        match short_word(self.text, start, end) {
            Some(word) => self.short.push(word),
            None => self.long.push(&self.text[start..end]),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }

    pub(super) fn n_distinct(mut self) -> usize {
        let n_long = self.long.into_iter().collect::<HashSet<_>>().len();
        if self.short.len() > MOST_PLAYERS {
            return n_long + self.short.into_iter().collect::<HashSet<_>>().len();
        }
        n_long + n_settled(&mut self.short)
    }
}

/// Plays until every word is settled; counts those left on a chair.
fn n_settled(mut words: &mut [u128]) -> usize {
    let mut chairs = [0_u16; CHAIRS];
    let mut n = 0;
    while !words.is_empty() {
        for (idx, &word) in words.iter().enumerate() {
            chairs[chair(word)] = idx as u16;
        }
        let mut n_left = 0;
        for idx in 0..words.len() {
            let word = words[idx];
            let sitting = usize::from(chairs[chair(word)]);
            n += usize::from(sitting == idx);
            // Who sits came last: no word is overwritten that is still compared with.
            let plays_on = words[sitting] != word;
            words[n_left] = word;
            n_left += usize::from(plays_on);
        }
        words = &mut words[..n_left];
    }
    n
}

fn chair(word: u128) -> usize {
    let mixed = (word as u64 ^ (word >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - CHAIRS.ilog2())) as usize
}

/// All bits but those of the first so many bytes; no byte of UTF-8 has all of its bits.
const PADDING: [u128; 16] = {
    let mut masks = [u128::MAX; 16];
    let mut length = 1;
    while length < 16 {
        masks[length] = u128::MAX << (8 * length);
        length += 1;
    }
    masks
};

/// The word as one number, if it is short; sixteen bytes are read at once where there are as many.
#[inline(always)]
fn short_word(text: &[u8], start: usize, end: usize) -> Option<u128> {
    let length = end - start;
    let padding = PADDING.get(length)?;
    let bytes = text[start..].first_chunk().copied().unwrap_or_else(|| {
        let mut padded = [0; 16];
        padded[..length].copy_from_slice(&text[start..end]);
        padded
    });
    Some(u128::from_le_bytes(bytes) | padding)
}

#[cfg(test)]
mod tests;
