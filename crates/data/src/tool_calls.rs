//! Tool calls as families of models write them: reading what a model has written, and writing what it shall learn.
//!
//! A text in which something looks like a call and is none (broken JSON, no name) holds no calls at all: it is content,
//! for whoever judges it to see.
//!
//! Source: the formats as the chat templates of Qwen 2.5 and 3, Llama 3.1, Mistral, Gemma 4 and OLMo 3 teach them; of
//! vLLM's parsers (`hermes`, `llama3_json`, `mistral`, `gemma4`, `olmo3`) the leniency: the last closing tag may lack,
//! Llama may say `arguments`.

mod cursor;
mod gemma;
mod olmo;
mod write;

use serde_json::{Map, Value};

/// How a family writes tool calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolCallStyle {
    /// `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, any number, after the content (Qwen, Hermes).
    Hermes,
    /// `{"name": …, "parameters": {…}}` and nothing else, several separated by `;`, perhaps after `<|python_tag|>`.
    Llama3,
    /// `[TOOL_CALLS][{"name": …, "arguments": {…}}, …]`, or `[TOOL_CALLS]name{…}` for each, after the content.
    Mistral,
    /// `<|tool_call>call:name{key:value,…}<tool_call|>`, any number, after the content (Gemma 4).
    Gemma,
    /// `<function_calls>name(key=value, …)</function_calls>`, one a line, after the content (OLMo 3).
    Olmo,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// Of the tool.
    pub name: String,
    /// A JSON object.
    pub arguments: Map<String, Value>,
}

/// A text taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolText {
    /// What is said beside the calls.
    pub content: String,
    /// In the order of the text.
    pub calls: Vec<ToolCall>,
}

const HERMES: (&str, &str) = ("<tool_call>", "</tool_call>");
const MISTRAL: &str = "[TOOL_CALLS]";
const MISTRAL_ARGUMENTS: &str = "[ARGS]";
const PYTHON_TAG: &str = "<|python_tag|>";

impl ToolCallStyle {
    /// What a chat template teaches; `None` if it does not know tools.
    pub fn of_template(source: &str) -> Option<Self> {
        Self::of_model(source, None)
    }

    /// What a chat template teaches, by its own words or, where these do not tell, by the `model_type` of the
    /// configuration beside it; `None` if the template does not know tools.
    pub fn of_model(source: &str, model_type: Option<&str>) -> Option<Self> {
        if !source.contains("tools") {
            return None;
        }
        let marks = [
            (gemma::OPEN, Self::Gemma),
            (olmo::OPEN, Self::Olmo),
            (HERMES.0, Self::Hermes),
            (MISTRAL, Self::Mistral),
            ("\"parameters\"", Self::Llama3),
        ];
        let said = marks.into_iter().find(|(mark, _)| source.contains(mark)).map(|(_, style)| style);
        Some(said.or_else(|| Self::of_family(model_type?)).unwrap_or(Self::Llama3))
    }

    /// The style that a family is served with.
    fn of_family(model_type: &str) -> Option<Self> {
        let families = [
            ("qwen", Self::Hermes),
            ("llama", Self::Llama3),
            ("mixtral", Self::Mistral),
            ("mistral", Self::Mistral),
            ("ministral", Self::Mistral),
            ("gemma4", Self::Gemma),
            ("olmo", Self::Olmo),
        ];
        families.into_iter().find(|(family, _)| model_type.starts_with(family)).map(|(_, style)| style)
    }

    /// Most calls that one answer may hold, if there is a limit: Llama's templates show and ask for one.
    pub fn max_calls(self) -> Option<usize> {
        (self == Self::Llama3).then_some(1)
    }

    /// A text that [`ToolCallStyle::parse`] takes apart into this content and these calls, as the family writes it.
    ///
    /// Llama's way has no place for content beside calls: it is left out.
    pub fn write(self, content: &str, calls: &[ToolCall]) -> String {
        write::text(self, content, calls)
    }

    /// Content and calls of a finished text, special tokens written out and the stop token left away.
    pub fn parse(self, text: &str) -> ToolText {
        let calls = match self {
            Self::Hermes => hermes(text),
            Self::Llama3 => llama3(text),
            Self::Mistral => mistral(text),
            Self::Gemma => gemma::parse(text),
            Self::Olmo => olmo::parse(text),
        };
        let content = |until: usize| text[..until].trim_end().to_owned();
        match calls.filter(|calls| !calls.is_empty()) {
            Some(calls) => ToolText { content: content(self.content_length(text)), calls },
            None => ToolText { content: text.to_owned(), calls: Vec::new() },
        }
    }

    /// Bytes of an unfinished text that are content whatever follows.
    pub fn content_length(self, text: &str) -> usize {
        let before = |marker: &str| text.find(marker).unwrap_or(text.len() - held_back(text, [marker]));
        match self {
            Self::Hermes => before(HERMES.0),
            Self::Mistral => before(MISTRAL),
            Self::Gemma => before(gemma::OPEN),
            Self::Olmo => before(olmo::OPEN),
            Self::Llama3 => {
                let start = text.trim_start();
                let may_be_call =
                    start.starts_with('{') || start.starts_with(PYTHON_TAG) || PYTHON_TAG.starts_with(start);
                if may_be_call { 0 } else { text.len() }
            }
        }
    }
}

/// Bytes at the end of `text` that may be the beginning of one of `words`.
pub fn held_back<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> usize {
    let overlap = |word: &str| {
        let ends = word.char_indices().map(|(at, _)| at).filter(|&at| at > 0 && at <= text.len());
        ends.filter(|&at| text.ends_with(&word[..at])).max().unwrap_or(0)
    };
    words.into_iter().map(overlap).max().unwrap_or(0)
}

fn hermes(text: &str) -> Option<Vec<ToolCall>> {
    let (_, blocks) = text.split_once(HERMES.0)?;
    let json = |block: &str| serde_json::from_str(block.split(HERMES.1).next().unwrap_or(block).trim()).ok();
    blocks.split(HERMES.0).map(|block| call(&json(block)?)).collect()
}

fn llama3(text: &str) -> Option<Vec<ToolCall>> {
    let text = text.trim();
    let mut rest = text.strip_prefix(PYTHON_TAG).unwrap_or(text);
    let mut calls = Vec::new();
    while !rest.is_empty() {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        calls.push(call(&values.next()?.ok()?)?);
        rest = rest[values.byte_offset()..].trim_start();
        rest = rest.strip_prefix(';').unwrap_or(rest).trim_start();
    }
    Some(calls)
}

fn mistral(text: &str) -> Option<Vec<ToolCall>> {
    let (_, calls) = text.split_once(MISTRAL)?;
    if calls.trim_start().starts_with('[') {
        let Value::Array(calls) = serde_json::from_str(calls.trim()).ok()? else { return None };
        return calls.iter().map(call).collect();
    }
    let named = |part: &str| {
        let (name, arguments) = part.split_at(part.find('{')?);
        let name = name.trim().trim_end_matches(MISTRAL_ARGUMENTS).trim().to_owned();
        let arguments = serde_json::from_str(arguments.trim()).ok()?;
        (!name.is_empty()).then_some(ToolCall { name, arguments })
    };
    calls.split(MISTRAL).map(named).collect()
}

/// A call as JSON; a tool without parameters may be called without arguments.
fn call(value: &Value) -> Option<ToolCall> {
    let name = value["name"].as_str()?.to_owned();
    let arguments = match value.get("arguments").or_else(|| value.get("parameters")) {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(arguments)) => arguments.clone(),
        Some(Value::String(json)) => serde_json::from_str(json).ok()?,
        Some(_) => return None,
    };
    Some(ToolCall { name, arguments })
}

#[cfg(test)]
mod tests;
