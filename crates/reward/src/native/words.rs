//! Python's `split`, `strip` and `lower` on Rust strings.

use std::borrow::Cow;

use serde::Deserialize;

use super::ascii::{Block, blocks};
use super::distinct::Words;

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

/// A completion, or what a function makes of it before it looks.
#[derive(Clone, Debug)]
pub(super) struct View<'a> {
    pub(super) text: Cow<'a, str>,
    /// Asked once for all functions, which are faster then; no method makes anything else of ASCII.
    pub(super) is_ascii: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(completion: &'a str) -> Self {
        Self { text: Cow::Borrowed(completion), is_ascii: completion.is_ascii() }
    }

    /// `text.lower()`, or `None` if a character is of a range in which Unicode still changes.
    fn lower(&self) -> Option<String> {
        if self.is_ascii {
            return Some(self.text.to_ascii_lowercase());
        }
        self.text.chars().all(is_settled).then(|| self.text.to_lowercase())
    }
}

impl Text {
    /// The text looked at, or `None` if Python's Unicode tables might give another one.
    pub(super) fn of<'a>(&self, completion: &View<'a>) -> Option<View<'a>> {
        let mut view = completion.clone();
        for method in &self.0 {
            view.text = match method {
                Method::Lower => Cow::Owned(view.lower()?),
                Method::Strip => apply(view.text, strip),
                Method::Lstrip => apply(view.text, |text| text.trim_start_matches(is_space)),
                Method::Rstrip => apply(view.text, |text| text.trim_end_matches(is_space)),
            };
        }
        Some(view)
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
pub(super) fn n_words(View { text, is_ascii }: &View) -> usize {
    if !is_ascii {
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
pub(super) fn unique_ratio(View { text, is_ascii }: &View) -> Option<f64> {
    let mut words = Words::of(text);
    let mut start = 0;
    if *is_ascii {
        for (idx, Block { spaces, .. }) in blocks(text.as_bytes()).enumerate() {
            let mut left = spaces;
            while left != 0 {
                let at = (64 * idx + left.trailing_zeros() as usize).min(text.len());
                words.push(start, at);
                start = at + 1;
                left &= left - 1;
            }
        }
    } else {
        for (at, space) in text.match_indices(is_space) {
            words.push(start, at);
            start = at + space.len();
        }
    }
    words.push(start, text.len());
    let n = words.len();
    (n > 0).then(|| words.n_distinct() as f64 / n as f64)
}

/// Ranges whose case has been the same since Unicode 9; a test compares every character of them with Python.
pub(super) fn is_settled(c: char) -> bool {
    matches!(c,
        '\0'..='\u{24f}' | '\u{370}'..='\u{52f}' | '\u{2000}'..='\u{2064}' | '\u{20a0}'..='\u{20be}' | '\u{2100}'..='\u{218b}'
        | '\u{2190}'..='\u{23fe}' | '\u{2460}'..='\u{27bf}' | '\u{3000}'..='\u{30ff}' | '\u{4e00}'..='\u{9fa5}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{fe0f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6c0}')
}
