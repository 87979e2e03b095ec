//! Calls as a model of a family shall write them: in its template's own spacing, so that it learns nothing new.

use serde_json::{Map, Value, json};

use super::{HERMES, MISTRAL, ToolCall, ToolCallStyle, gemma, olmo};
use crate::chat::to_python_json;

/// See [`ToolCallStyle::write`].
pub(super) fn text(style: ToolCallStyle, content: &str, calls: &[ToolCall]) -> String {
    if calls.is_empty() {
        return content.to_owned();
    }
    let joined = |separator: &str, one: &dyn Fn(&ToolCall) -> String| {
        calls.iter().map(one).collect::<Vec<_>>().join(separator)
    };
    let named = |arguments: &'static str| move |call: &ToolCall| to_python_json(&object(call, arguments));
    let (separator, written) = match style {
        ToolCallStyle::Hermes => {
            let tagged =
                |call: &ToolCall| format!("{}\n{}\n{}", HERMES.0, named("arguments")(call), HERMES.1);
            ("\n", joined("\n", &tagged))
        }
        ToolCallStyle::Llama3 => return joined(";", &named("parameters")),
        ToolCallStyle::Mistral => ("", format!("{MISTRAL} [{}]", joined(", ", &named("arguments")))),
        ToolCallStyle::Gemma => ("", joined("", &gemma::write)),
        ToolCallStyle::Olmo => ("\n", olmo::write_all(calls)),
    };
    match content {
        "" => written,
        content => format!("{content}{separator}{written}"),
    }
}

/// A call under the family's name for arguments.
fn object(call: &ToolCall, arguments: &str) -> Value {
    let members = [("name", json!(call.name)), (arguments, Value::Object(call.arguments.clone()))];
    Value::Object(members.map(|(key, value)| (key.to_owned(), value)).into_iter().collect::<Map<_, _>>())
}
