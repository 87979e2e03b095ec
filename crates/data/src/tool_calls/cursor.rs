//! Reading from the front of a text, for the ways of writing calls that are not JSON.

use serde_json::Value;

/// What is left of a text.
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Leaves white space and commas behind; true if something is left.
    pub(super) fn skip_separators(&mut self) -> bool {
        self.rest = self.rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        !self.rest.is_empty()
    }

    /// True, and it is left behind, if `word` comes next.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The text before `word`, which is left behind too.
    pub(super) fn through(&mut self, word: &str) -> Option<&'a str> {
        let (before, rest) = self.rest.split_once(word)?;
        self.rest = rest;
        Some(before)
    }

    /// The text before any of `ends`, which stays.
    pub(super) fn until(&mut self, ends: &[char]) -> &'a str {
        let (before, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        before
    }

    /// The next character.
    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }
}

/// The value that a word without quotes stands for, in JSON's or Python's spelling.
pub(super) fn plain_value(word: &str) -> Option<Value> {
    match word {
        "true" | "True" => Some(Value::Bool(true)),
        "false" | "False" => Some(Value::Bool(false)),
        "null" | "None" => Some(Value::Null),
        number => serde_json::from_str(number).ok().filter(Value::is_number),
    }
}
