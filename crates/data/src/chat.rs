//! Chat templates: Jinja as transformers runs it, so that a prompt here is the prompt there.
//!
//! Not here: documents (templates see `none`), the template called `tool_use` of a list of templates, and the
//! `generation` mask of transformers, whose markers are rendered as if they were not there.
//!
//! Source: transformers 5.23 `utils/chat_template_utils.py` (`trim_blocks`, `lstrip_blocks`, `raise_exception`,
//! `strftime_now`, `tojson` without HTML escapes).

mod date;
mod json;
mod named;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, ErrorKind, context};
use serde::Serialize;

use crate::{Error, ToolCallStyle, files};
pub(crate) use json::to_python_json;
pub(crate) use named::choose;

/// The date that Llama's own templates fall back to (26 July 2024); a constant, so that a seed reproduces a run.
const DEFAULT_NOW: i64 = 1_721_952_000;
const NAME: &str = "chat";

/// A compiled template.
#[derive(Debug)]
pub(crate) struct ChatTemplate {
    environment: Environment<'static>,
    tool_call_style: Option<ToolCallStyle>,
}

impl ChatTemplate {
    /// The template of a model folder: `chat_template.jinja` if there, else that of `tokenizer_config.json`, else none.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let file = folder.join("chat_template.jinja");
        let (file, source) = match files::read_text_if_there(&file)? {
            Some(source) => (file, source),
            None => {
                let file = folder.join("tokenizer_config.json");
                let config = files::read_json_if_there(&file)?;
                match default_template(&config["chat_template"]) {
                    Some(source) => (file, source.to_owned()),
                    None => return Ok(None),
                }
            }
        };
        let mut template = Self::compile(&source).map_err(|reason| Error::Invalid { path: file, reason })?;
        let config = files::read_json_if_there(&folder.join("config.json"))?;
        template.tool_call_style = ToolCallStyle::of_model(&source, config["model_type"].as_str());
        Ok(Some(template))
    }

    fn compile(source: &str) -> Result<Self, String> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.expect("only the whitespace settings differ from the default"));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_filter("tojson", json::to_json);
        let tool_call_style = ToolCallStyle::of_template(source);
        let source = without_generation_markers(source);
        environment.add_template_owned(NAME, source).map_err(|error| describe(&error))?;
        let mut template = Self { environment, tool_call_style };
        template.set_now(DEFAULT_NOW);
        Ok(template)
    }

    /// Sets what `strftime_now` formats.
    pub(crate) fn set_now(&mut self, unix_seconds: i64) {
        let now = date::DateTime::from_unix(unix_seconds);
        self.environment.add_function("strftime_now", move |format: &str| now.strftime(format));
    }

    /// How the template teaches tool calls, if it does.
    pub(crate) fn tool_call_style(&self) -> Option<ToolCallStyle> {
        self.tool_call_style
    }

    /// The text of `messages` with `tools`, `none` without any; `tokens` are `bos_token` and its siblings.
    pub(crate) fn render(
        &self,
        messages: &[impl Serialize],
        tools: &[serde_json::Value],
        add_generation_prompt: bool,
        tokens: &BTreeMap<String, String>,
    ) -> Result<String, Error> {
        let (messages, tokens) = (Value::from(Serde(messages)), Value::from(Serde(tokens)));
        let tools = if tools.is_empty() { Value::from(()) } else { Value::from(Serde(tools)) };
        self.fill(context! { messages, add_generation_prompt, tools, documents => (), ..tokens })
    }

    /// The text of the first turns of a longer conversation, without a generation prompt.
    ///
    /// Templates that write earlier turns otherwise (without their thoughts, say) may ask for `real_last_index`, the index
    /// of the last turn of all; as in axolotl it is not defined where it would be 0.
    pub(crate) fn render_turns(
        &self,
        turns: &[serde_json::Value],
        tools: &[serde_json::Value],
        real_last_index: Option<usize>,
        tokens: &BTreeMap<String, String>,
    ) -> Result<String, Error> {
        let (messages, tokens) = (Value::from(Serde(turns)), Value::from(Serde(tokens)));
        let tools = if tools.is_empty() { Value::from(()) } else { Value::from(Serde(tools)) };
        let real_last_index = real_last_index.filter(|idx| *idx > 0).map_or(Value::UNDEFINED, Value::from);
        self.fill(context! {
            messages, add_generation_prompt => false, tools, documents => (), real_last_index, ..tokens
        })
    }

    fn fill(&self, fields: Value) -> Result<String, Error> {
        let template = self.environment.get_template(NAME).expect("compiled under this name by `compile`");
        template.render(fields).map_err(|error| Error::ChatTemplate { reason: describe(&error) })
    }
}

/// A template string, or the one called `default` of a list of named templates.
fn default_template(value: &serde_json::Value) -> Option<&str> {
    match value {
        serde_json::Value::Array(named) => {
            named.iter().find(|one| one["name"] == "default").and_then(|one| one["template"].as_str())
        }
        other => other.as_str(),
    }
}

/// The template's way to refuse its input.
fn raise_exception(message: String) -> Result<String, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
}

/// `{% generation %}` marks assistant text for transformers' loss mask; plain Jinja does not know the tag.
fn without_generation_markers(source: &str) -> String {
    let mut text = source.to_owned();
    for (open, close) in [("{%", "%}"), ("{%-", "%}"), ("{%", "-%}"), ("{%-", "-%}")] {
        text = text.replace(&format!("{open} generation {close}"), &format!("{open} if true {close}"));
        text = text.replace(&format!("{open} endgeneration {close}"), &format!("{open} endif {close}"));
    }
    text
}

/// The template's own words where it raised, else the engine's with the line.
fn describe(error: &minijinja::Error) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.line() {
        Some(line) => format!("{what} (line {line} of the template)"),
        None => what,
    }
}
