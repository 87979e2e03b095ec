//! Which action an LLM's answer means. Laxer than `step`, which takes the first number.
//!
//! # Source
//! affinetes `llm_bot.py`.

use games::Action;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// The legal action that `answer` names; `legal` has ids with their texts, ascending.
///
/// An answer that is a number means that number. Otherwise it means the first legal id that occurs in it as a word,
/// else the first legal action whose text occurs, letter case and punctuation aside.
pub(super) fn action(answer: &str, legal: &[(Action, String)]) -> Option<Action> {
    let answer = answer.trim();
    if !answer.is_empty() && answer.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: Action = answer.parse().ok()?;
        return legal.iter().map(|(id, _)| *id).find(|&id| id == number);
    }
    let as_word = legal.iter().find(|(id, _)| has_word(answer, &id.to_string()));
    let lower = answer.to_lowercase();
    let simple = simplified(&lower);
    let by_text = || {
        legal.iter().find(|(_, text)| {
            let text = text.to_lowercase();
            let simple_text = simplified(&text);
            lower.contains(&text) || !simple_text.is_empty() && simple.contains(&simple_text)
        })
    };
    as_word.or_else(by_text).map(|(id, _)| *id)
}

/// True if `word` stands in `text` with no letter, digit or underscore beside it.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// The lower-case letters and digits alone.
fn simplified(lower: &str) -> String {
    lower.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit()).collect()
}

/// `answer` without what the LLM thought: complete blocks, one that never ends, one that never began.
pub(super) fn without_thoughts(answer: &str) -> String {
    let mut kept = String::new();
    let mut rest = answer;
    while let Some(start) = find_ignoring_case(rest, OPEN) {
        kept.push_str(&rest[..start]);
        let thought = &rest[start..];
        rest = find_ignoring_case(thought, CLOSE).map_or("", |end| &thought[end + CLOSE.len()..]);
    }
    kept.push_str(rest);
    let answer = kept.rsplit(CLOSE).next().unwrap_or_default();
    squeeze_blank_lines(answer).trim().to_owned()
}

fn find_ignoring_case(text: &str, tag: &str) -> Option<usize> {
    // Lower case of ASCII letters alone leaves all positions as they are.
    text.to_ascii_lowercase().find(tag)
}

/// Several blank lines become one.
fn squeeze_blank_lines(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.split('\n') {
        let is_blank = |line: &str| line.trim().is_empty();
        if is_blank(line) && lines.len() > 1 && lines.last().is_some_and(|last| is_blank(last)) {
            continue;
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
