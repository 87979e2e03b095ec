//! Python's `split`, `strip` and `lower` on Rust strings.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;

/// Bytes whose word beginnings are counted in one byte.
const BLOCK: usize = 128;
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
    // A word begins where a space does not follow what is one; written so that the compiler takes many bytes at once.
    let bytes = text.as_bytes();
    let Some((first, rest)) = bytes.split_first() else { return 0 };
    let begins = |(before, here): (&u8, &u8)| is_ascii_space(*before) & !is_ascii_space(*here);
    let blocks = bytes.chunks(BLOCK).zip(rest.chunks(BLOCK));
    let in_block = |(before, here): (&[u8], &[u8])| {
        before.iter().zip(here).map(|pair| u8::from(begins(pair))).fold(0_u8, u8::wrapping_add)
    };
    usize::from(!is_ascii_space(*first)) + blocks.map(|block| usize::from(in_block(block))).sum::<usize>()
}

/// `len(set(text.split())) / len(text.split())`, or `None` if there are no words.
pub(super) fn unique_ratio(text: &str) -> Option<f64> {
    let mut seen = Distinct::default();
    let mut n = 0;
    let mut see = |word| {
        n += 1;
        seen.insert(word);
    };
    if text.is_ascii() {
        text.as_bytes()
            .split(|byte| is_ascii_space(*byte))
            .filter(|word| !word.is_empty())
            .for_each(&mut see);
    } else {
        split(text).for_each(|word| see(word.as_bytes()));
    }
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

/// Words seen so far: a small table on the stack, and an ordinary set for what it has no room for.
struct Distinct<'a> {
    slots: [Option<&'a [u8]>; SLOTS],
    rest: HashSet<&'a [u8]>,
    n: usize,
}

impl Default for Distinct<'_> {
    fn default() -> Self {
        Self { slots: [None; SLOTS], rest: HashSet::new(), n: 0 }
    }
}

impl<'a> Distinct<'a> {
    fn insert(&mut self, word: &'a [u8]) {
        let first = slot(word);
        for probe in 0..PROBES {
            let slot = &mut self.slots[(first + probe) % SLOTS];
            match slot {
                Some(seen) if *seen == word => return,
                Some(_) => {}
                None => {
                    *slot = Some(word);
                    self.n += 1;
                    return;
                }
            }
        }
        self.n += usize::from(self.rest.insert(word));
    }
}

/// Where a word is looked for first: its first and last bytes, mixed.
fn slot(word: &[u8]) -> usize {
    let eight = |bytes: &[u8]| {
        let mut padded = [0; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(padded)
    };
    let (head, tail) = match word.len() {
        0..=8 => (eight(word), 0),
        n => (eight(&word[..8]), eight(&word[n - 8..])),
    };
    let mixed = (head ^ tail.rotate_left(29) ^ word.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 55) as usize % SLOTS
}
