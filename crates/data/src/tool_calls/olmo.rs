//! OLMo 3's calls: Python calls with named arguments, one a line, between `<function_calls>` and its closing tag.
//!
//! Source: the chat template of OLMo 3 and vLLM's parser `olmo3`: constants in JSON's or Python's spelling, strings in
//! either quotes, perhaps the whole in brackets with commas.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::ToolCall;
use super::cursor::{Cursor, plain_value};
use crate::chat::to_python_json;

pub(super) const OPEN: &str = "<function_calls>";
const CLOSE: &str = "</function_calls>";

/// The calls of a text, if all that is between the tags are calls.
pub(super) fn parse(text: &str) -> Option<Vec<ToolCall>> {
    let (_, block) = text.split_once(OPEN)?;
    // A closing tag inside a string does not close.
    let block = block.rsplit_once(CLOSE).map_or(block, |(block, _)| block).trim();
    let block = block.strip_prefix('[').and_then(|block| block.strip_suffix(']')).unwrap_or(block);
    let mut cursor = Cursor::new(block);
    let mut calls = Vec::new();
    while cursor.skip_separators() {
        let name = cursor.through("(")?.trim().to_owned();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
        if !is_name {
            return None;
        }
        calls.push(ToolCall { name, arguments: members(&mut cursor, "=", ")")? });
    }
    Some(calls)
}

/// Keys and values up to `end`.
fn members(cursor: &mut Cursor<'_>, equals: &str, end: &str) -> Option<Map<String, Value>> {
    let mut members = Map::new();
    loop {
        if !cursor.skip_separators() {
            return None;
        }
        if cursor.eat(end) {
            return Some(members);
        }
        let key = cursor.through(equals)?.trim().trim_matches(['"', '\'']).to_owned();
        members.insert(key, value(cursor)?);
    }
}

fn value(cursor: &mut Cursor<'_>) -> Option<Value> {
    cursor.skip_separators();
    for quote in ['"', '\''] {
        if cursor.eat(quote.encode_utf8(&mut [0; 4])) {
            return string(cursor, quote).map(Value::String);
        }
    }
    if cursor.eat("{") {
        return members(cursor, ":", "}").map(Value::Object);
    }
    if cursor.eat("[") {
        let mut items = Vec::new();
        while cursor.skip_separators() {
            if cursor.eat("]") {
                return Some(Value::Array(items));
            }
            items.push(value(cursor)?);
        }
        return None;
    }
    plain_value(cursor.until(&[',', ')', ']', '}']).trim())
}

/// A string literal whose first quote has been read.
fn string(cursor: &mut Cursor<'_>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match cursor.next()? {
            '\\' => match cursor.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                'b' => text.push('\u{8}'),
                'f' => text.push('\u{c}'),
                'u' => {
                    let code: String = (0..4).map_while(|_| cursor.next()).collect();
                    text.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
                }
                quoted @ ('\\' | '\'' | '"' | '/') => text.push(quoted),
                other => text.extend(['\\', other]),
            },
            end if end == quote => return Some(text),
            plain => text.push(plain),
        }
    }
}

/// A call with its values as JSON, which Python reads too but for its constants.
pub(super) fn write(call: &ToolCall) -> String {
    let mut text = format!("{}(", call.name);
    for (idx, (key, value)) in call.arguments.iter().enumerate() {
        let comma = if idx > 0 { ", " } else { "" };
        let _ = write!(text, "{comma}{key}={}", to_python_json(value));
    }
    text + ")"
}

/// The whole block.
pub(super) fn write_all(calls: &[ToolCall]) -> String {
    let lines: Vec<String> = calls.iter().map(write).collect();
    format!("{OPEN}{}{CLOSE}", lines.join("\n"))
}
