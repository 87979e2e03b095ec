//! Python's regular expressions in the syntax of `regex`, as far as only "does it match" is asked.
//!
//! Whether there is a match does not depend on greediness, so quantifiers carry over. Look-around, back references,
//! named groups and whatever is spelt differently are not translated.

use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;
use serde::Deserialize;

use super::words::View;

/// `\s` of Python: Rust's white space and `\x1c` to `\x1f`.
const SPACE: &str =
    r"\x09-\x0d\x1c-\x20\x85\xa0\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}";
/// First of the ten decimal digits of each script of the basic plane.
const ZEROS: [u32; 37] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
    0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];

/// Which function of `re` is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum How {
    Search,
    Match,
    Fullmatch,
}

/// A translated expression, and the texts that it is not sure about.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Regex,
    ignores_case: bool,
    has_digits: bool,
    ascii_only: bool,
}

impl Pattern {
    /// The same expression, or `None` if it has parts that are not translated.
    pub(super) fn translate(pattern: &str, flags: &str, how: How) -> Option<Self> {
        let mut translation = Translation {
            rest: pattern.chars().peekable(),
            flags,
            how,
            out: String::new(),
            has_digits: false,
            ascii_only: false,
        };
        while translation.item()? {}
        let Translation { out, has_digits, ascii_only, .. } = translation;
        let ignores_case = flags.contains('i');
        let case = if ignores_case { "(?i)" } else { "" };
        let whole = match how {
            How::Search => format!("{case}(?:{out})"),
            How::Match => format!(r"{case}\A(?:{out})"),
            How::Fullmatch => format!(r"{case}\A(?:{out})\z"),
        };
        Some(Self { regex: Regex::new(&whole).ok()?, ignores_case, has_digits, ascii_only })
    }

    /// Whether it matches, or `None` if only Python can tell.
    pub(super) fn is_match(&self, View { text, is_ascii }: &View) -> Option<bool> {
        // Letters that Python and `regex` take for another ASCII letter, each in its own way.
        let folds = |c| matches!(c, '\u{130}' | '\u{131}' | '\u{17f}' | '\u{212a}');
        let may_be_digit = |c| c >= '\u{10000}' && !('\u{1f300}'..='\u{1faff}').contains(&c);
        let unsure = !is_ascii
            && (self.ascii_only
                || self.ignores_case && text.contains(folds)
                || self.has_digits && text.contains(may_be_digit));
        (!unsure).then(|| self.regex.is_match(text))
    }
}

struct Translation<'a> {
    rest: Peekable<Chars<'a>>,
    flags: &'a str,
    how: How,
    out: String,
    has_digits: bool,
    ascii_only: bool,
}

impl Translation<'_> {
    /// Translates the next item with its quantifier; false at the end, `None` if it cannot be translated.
    fn item(&mut self) -> Option<bool> {
        let Some(c) = self.rest.next() else { return Some(false) };
        let repeatable = match c {
            '\\' => self.escape()?,
            '[' => self.class()?,
            '(' => self.open()?,
            ')' => self.push(")", true),
            '|' => self.push("|", false),
            '^' if self.has('m') => self.push("(?m:^)", false),
            '^' => self.push(r"\A", false),
            '$' => self.end()?,
            '.' if self.has('s') => self.push("(?s:.)", true),
            '.' => self.push(r"[^\n]", true),
            '*' | '+' | '?' | '{' | '}' => return None,
            c => self.literal(c)?,
        };
        self.quantifier(repeatable)?;
        Some(true)
    }

    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    fn push(&mut self, text: &str, repeatable: bool) -> bool {
        self.out.push_str(text);
        repeatable
    }

    fn literal(&mut self, c: char) -> Option<bool> {
        if self.has('i') && !c.is_ascii() {
            return None;
        }
        self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        Some(true)
    }

    /// `$`: before a line feed at the end, too. Only where nothing follows can that be said by consuming it.
    fn end(&mut self) -> Option<bool> {
        if self.has('m') {
            return Some(self.push("(?m:$)", false));
        }
        if self.rest.peek().is_some() {
            return None;
        }
        Some(self.push(if self.how == How::Fullmatch { "" } else { r"\n?\z" }, false))
    }

    /// `(` or `(?:`; other groups are not translated.
    fn open(&mut self) -> Option<bool> {
        if self.rest.next_if_eq(&'?').is_some() {
            self.rest.next_if_eq(&':')?;
        }
        Some(self.push("(?:", false))
    }

    fn escape(&mut self) -> Option<bool> {
        let c = self.rest.next()?;
        Some(match c {
            's' => self.push(&format!("[{SPACE}]"), true),
            'S' => self.push(&format!("[^{SPACE}]"), true),
            'd' => {
                self.has_digits = true;
                self.push(&format!("[{}]", digits()), true)
            }
            'w' => {
                self.ascii_only = true;
                self.push("[0-9A-Z_a-z]", true)
            }
            'b' => {
                self.ascii_only = true;
                self.push(r"(?-u:\b)", false)
            }
            'n' | 't' | 'r' => self.push(&format!("\\{c}"), true),
            'A' => self.push(r"\A", false),
            'Z' => self.push(r"\z", false),
            c if c.is_ascii_punctuation() => self.literal(c)?,
            _ => return None,
        })
    }

    /// A set in brackets: single characters, ranges, `\s`, `\S`, `\d`, `\w`.
    fn class(&mut self) -> Option<bool> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut set = String::from(if negated { "[^" } else { "[" });
        let mut n_items = 0;
        loop {
            match self.rest.next()? {
                ']' if n_items == 0 => return None,
                ']' => break,
                '\\' => match self.rest.next()? {
                    's' => set.push_str(SPACE),
                    'S' => set.push_str(&format!("[^{SPACE}]")),
                    'd' => {
                        self.has_digits = true;
                        set.push_str(&digits());
                    }
                    'w' => {
                        self.ascii_only = true;
                        set.push_str("0-9A-Z_a-z");
                    }
                    c @ ('n' | 't' | 'r') => set.extend(['\\', c]),
                    c if c.is_ascii_punctuation() => set.extend(['\\', c]),
                    _ => return None,
                },
                // What begins a nested set or an operation in one of the two languages.
                '[' | '&' | '~' => return None,
                '-' => self.range(&mut set)?,
                c if self.has('i') && !c.is_ascii() => return None,
                c if c.is_ascii_punctuation() => set.extend(['\\', c]),
                c => set.push(c),
            }
            n_items += 1;
        }
        set.push(']');
        self.out.push_str(&set);
        Some(true)
    }

    /// `-` between two ASCII letters or digits, or last in the set.
    fn range(&mut self, set: &mut String) -> Option<()> {
        if self.rest.peek() == Some(&']') {
            set.push_str(r"\-");
            return Some(());
        }
        let from = set.chars().last()?;
        let before = set.bytes().rev().nth(1)?;
        let to = *self.rest.peek()?;
        let plain = from.is_ascii_alphanumeric() && to.is_ascii_alphanumeric() && from <= to;
        (plain && !matches!(before, b'\\' | b'-')).then(|| set.push('-'))
    }

    /// A quantifier behind an item; `repeatable` is false where Python has nothing to repeat.
    fn quantifier(&mut self, repeatable: bool) -> Option<()> {
        let quantifier = match self.rest.peek() {
            Some(c @ ('*' | '+' | '?')) => c.to_string(),
            Some('{') => self.counted()?,
            _ => return Some(()),
        };
        if !repeatable {
            return None;
        }
        if quantifier.len() == 1 {
            self.rest.next();
        }
        self.out.push_str(&quantifier);
        if self.rest.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        // Another quantifier is an error in Python, `+` a possessive one.
        (!matches!(self.rest.peek(), Some('*' | '+' | '?' | '{'))).then_some(())
    }

    /// `{m}`, `{m,}` or `{m,n}` with up to three digits each.
    fn counted(&mut self) -> Option<String> {
        let text: String = self.rest.by_ref().take_while(|c| *c != '}').collect();
        let (least, most) = text[1..].split_once(',').unwrap_or((&text[1..], ""));
        let is_count = |text: &str| text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        (!least.is_empty() && is_count(least) && is_count(most)).then(|| format!("{text}}}"))
    }
}

fn digits() -> String {
    ZEROS.iter().map(|zero| format!(r"\x{{{zero:x}}}-\x{{{:x}}}", zero + 9)).collect()
}
