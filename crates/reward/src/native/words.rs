//! Python's `split`, `strip` and `lower` on Rust strings.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;

use super::ascii::{Block, blocks};

/// Words that the table on the stack has room for: a completion of 256 tokens has about 200.
const SLOTS: usize = 512;
/// Neighbouring slots that a word may lie in.
const PROBES: usize = 8;

/// What a function does to a completion before it looks at it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Text(Vec<Method>);

/// A method of `str` without arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    Lower,
    Strip,
    Lstrip,
    Rstrip,
}

impl Text {
    /// The text looked at, or `None` if Python's Unicode tables might give another one.
    pub(super) fn of<'a>(&self, completion: &'a str) -> Option<Cow<'a, str>> {
        let mut text = Cow::Borrowed(completion);
        for method in &self.0 {
            text = match method {
                Method::Lower => Cow::Owned(lower(&text)?),
                Method::Strip => apply(text, strip),
                Method::Lstrip => apply(text, |text| text.trim_start_matches(is_space)),
                Method::Rstrip => apply(text, |text| text.trim_end_matches(is_space)),
            };
        }
        Some(text)
    }
}

fn apply<'a>(text: Cow<'a, str>, cut: impl for<'b> Fn(&'b str) -> &'b str) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(cut(text)),
        Cow::Owned(text) => Cow::Owned(cut(&text).to_owned()),
    }
}

/// `str.isspace` of one character: Rust's white space and the four ASCII separators.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// `text.strip()`
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `text.split()`
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// `len(text.split())`
pub(super) fn n_words(text: &str) -> usize {
    if !text.is_ascii() {
        return split(text).count();
    }
    let (mut n, mut after_space) = (0, 1);
    blocks(text.as_bytes()).for_each(|Block { spaces, .. }| {
        n += (!spaces & (spaces << 1 | after_space)).count_ones() as usize;
        after_space = spaces >> 63;
    });
    n
}

/// `len(set(text.split())) / len(text.split())`, or `None` if there are no words.
pub(super) fn unique_ratio(text: &str) -> Option<f64> {
    let mut seen = Distinct { slots: [0; SLOTS], rest: HashSet::new(), n: 0 };
    let mut n = 0;
    let mut see = |start: usize, end: usize| {
        if start < end {
            n += 1;
            seen.insert(text.as_bytes(), start, end);
        }
    };
    let mut start = 0;
    if text.is_ascii() {
        blocks(text.as_bytes()).enumerate().for_each(|(idx, Block { spaces, .. })| {
            let mut left = spaces;
            while left != 0 {
                let at = (64 * idx + left.trailing_zeros() as usize).min(text.len());
                see(start, at);
                start = at + 1;
                left &= left - 1;
            }
        });
    } else {
        for (at, space) in text.match_indices(is_space) {
            see(start, at);
            start = at + space.len();
        }
    }
    see(start, text.len());
    (n > 0).then(|| seen.n as f64 / n as f64)
}

/// `text.lower()`, or `None` if a character is of a range in which Unicode still changes.
fn lower(text: &str) -> Option<String> {
    if text.is_ascii() {
        return Some(text.to_ascii_lowercase());
    }
    text.chars().all(is_settled).then(|| text.to_lowercase())
}

/// Ranges whose case has been the same since Unicode 9; a test compares every character of them with Python.
pub(super) fn is_settled(c: char) -> bool {
    matches!(c,
        '\0'..='\u{24f}' | '\u{370}'..='\u{52f}' | '\u{2000}'..='\u{2064}' | '\u{20a0}'..='\u{20be}' | '\u{2100}'..='\u{218b}'
        | '\u{2190}'..='\u{23fe}' | '\u{2460}'..='\u{27bf}' | '\u{3000}'..='\u{30ff}' | '\u{4e00}'..='\u{9fa5}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{fe0f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6c0}')
}

/// Words seen so far: short ones in a small table on the stack, others in an ordinary set.
struct Distinct<'a> {
    /// Up to 15 bytes of a word and, in the highest byte, how many; 0 is no word.
    slots: [u128; SLOTS],
    rest: HashSet<&'a [u8]>,
    n: usize,
}

impl<'a> Distinct<'a> {
    fn insert(&mut self, text: &'a [u8], start: usize, end: usize) {
        if let Some(key) = short_word(text, start, end) {
            let mixed = (key as u64 ^ (key >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let first = (mixed >> 55) as usize;
            for probe in 0..PROBES {
                let slot = &mut self.slots[(first + probe) % SLOTS];
                if *slot == key {
                    return;
                }
                if *slot == 0 {
                    *slot = key;
                    self.n += 1;
                    return;
                }
            }
        }
        self.n += usize::from(self.rest.insert(&text[start..end]));
    }
}

/// All bits of the first so many bytes.
const FIRST_BYTES: [u128; 16] = {
    let mut masks = [0; 16];
    let mut length = 1;
    while length < 16 {
        masks[length] = (1 << (8 * length)) - 1;
        length += 1;
    }
    masks
};

/// The word as one number, if it is short; sixteen bytes are read at once where there are as many.
fn short_word(text: &[u8], start: usize, end: usize) -> Option<u128> {
    let length = end - start;
    if length > 15 {
        return None;
    }
    let bytes = match text.get(start..start + 16) {
        Some(bytes) => bytes.try_into().expect("sixteen bytes"),
        None => {
            let mut padded = [0; 16];
            padded[..length].copy_from_slice(&text[start..end]);
            padded
        }
    };
    let word = u128::from_le_bytes(bytes) & FIRST_BYTES[length];
    Some(word | (length as u128) << 120)
}
