//! Gemma 4's calls: `<|tool_call>call:name{key:value,…}<tool_call|>`, strings between `<|"|>`, keys without quotes.
//!
//! Source: what Gemma 4's chat template writes, and the leniency of the parsers `gemma4` of vLLM and SGLang: the last
//! closing tag may lack, a bare word that is no number is a string.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::ToolCall;
use super::cursor::{Cursor, plain_value};

pub(super) const OPEN: &str = "<|tool_call>";
const CLOSE: &str = "<tool_call|>";
const QUOTE: &str = "<|\"|>";
const NAME: &str = "call:";

/// The calls of a text, if all that begin as calls are calls.
pub(super) fn parse(text: &str) -> Option<Vec<ToolCall>> {
    let (_, blocks) = text.split_once(OPEN)?;
    let block = |block: &str| {
        let (name, members) = block.split(CLOSE).next()?.trim().strip_prefix(NAME)?.split_once('{')?;
        let arguments = object(&mut Cursor::new(members))?;
        Some(ToolCall { name: name.trim().to_owned(), arguments })
    };
    blocks.split(OPEN).map(block).collect()
}

/// The members of an object whose brace has been read.
fn object(cursor: &mut Cursor<'_>) -> Option<Map<String, Value>> {
    let mut members = Map::new();
    while cursor.skip_separators() && !cursor.eat("}") {
        let key = match cursor.eat(QUOTE) {
            true => {
                let key = cursor.through(QUOTE)?;
                cursor.through(":")?;
                key
            }
            false => cursor.through(":")?.trim(),
        };
        members.insert(key.to_owned(), value(cursor)?);
    }
    Some(members)
}

fn value(cursor: &mut Cursor<'_>) -> Option<Value> {
    cursor.skip_separators();
    if cursor.eat(QUOTE) {
        return Some(Value::String(cursor.through(QUOTE)?.to_owned()));
    }
    if cursor.eat("{") {
        return object(cursor).map(Value::Object);
    }
    if cursor.eat("[") {
        let mut items = Vec::new();
        while cursor.skip_separators() && !cursor.eat("]") {
            items.push(value(cursor)?);
        }
        return Some(Value::Array(items));
    }
    let word = cursor.until(&[',', '}', ']']).trim();
    Some(plain_value(word).unwrap_or_else(|| Value::String(word.to_owned())))
}

/// A call as the template writes it: keys in order of the alphabet.
pub(super) fn write(call: &ToolCall) -> String {
    let mut text = format!("{OPEN}{NAME}{}", call.name);
    write_object(&mut text, &call.arguments);
    text + CLOSE
}

fn write_object(text: &mut String, members: &Map<String, Value>) {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    text.push('{');
    for (idx, (key, value)) in sorted.into_iter().enumerate() {
        let comma = if idx > 0 { "," } else { "" };
        let _ = write!(text, "{comma}{key}:");
        write_value(text, value);
    }
    text.push('}');
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::String(string) => {
            let _ = write!(text, "{QUOTE}{string}{QUOTE}");
        }
        Value::Object(members) => write_object(text, members),
        Value::Array(items) => {
            text.push('[');
            for (idx, item) in items.iter().enumerate() {
                text.push_str(if idx > 0 { "," } else { "" });
                write_value(text, item);
            }
            text.push(']');
        }
        plain => {
            let _ = write!(text, "{plain}");
        }
    }
}
