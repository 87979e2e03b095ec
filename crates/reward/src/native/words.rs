//! Python's `split`, `strip` and `lower` on Rust strings.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use serde::Deserialize;

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

/// The same of an ASCII byte.
pub(super) fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13 | 0x1c..=0x1f)
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
    let (mut n, mut outside) = (0, true);
    for byte in text.bytes() {
        let space = is_ascii_space(byte);
        n += usize::from(outside & !space);
        outside = space;
    }
    n
}

/// `len(set(text.split())) / len(text.split())`, or `None` if there are no words.
pub(super) fn unique_ratio(text: &str) -> Option<f64> {
    let mut seen: HashSet<&str, BuildHasherDefault<WordHasher>> =
        HashSet::with_capacity_and_hasher(text.len() / 8 + 8, BuildHasherDefault::default());
    let mut n = 0;
    let mut see = |word| {
        n += 1;
        seen.insert(word);
    };
    if text.is_ascii() {
        let words = text.as_bytes().split(|byte| is_ascii_space(*byte)).filter(|word| !word.is_empty());
        words.for_each(|word| see(std::str::from_utf8(word).expect("a part of ASCII is ASCII")));
    } else {
        split(text).for_each(see);
    }
    (n > 0).then(|| seen.len() as f64 / n as f64)
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

/// A fast hash for short words. Not safe against chosen keys, which could only slow their own score down.
#[derive(Default)]
struct WordHasher(u64);

impl WordHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.add(u64::from_le_bytes(chunk.try_into().expect("eight bytes")));
        }
        let rest = chunks.remainder().iter().fold(0, |rest, byte| rest << 8 | u64::from(*byte));
        self.add(rest);
    }

    fn write_u8(&mut self, _end_of_text: u8) {}

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }
}
