//! Which template a chat card means: one of ours by name, the tokenizer's own, or Jinja.

use std::path::Path;

use super::ChatTemplate;
use crate::bpe::CHATML;
use crate::{Error, files};

/// The tokenizer's own template.
const OWN: &str = "tokenizer_default";
/// The tokenizer's own template, or the named one where it has none.
const OWN_OR: &str = "tokenizer_default_fallback_";

/// Llama 3's form: trimmed messages under headers, with the token that begins a document before the first.
const LLAMA3: &str = "{% for message in messages %}{% if loop.first %}{{ bos_token }}{% endif %}\
{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}\
{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}";

/// The template that `choice` names, where it is not the folder's own; nothing (a `null` of the card) is the folder's own.
///
/// # Errors
/// [`Error::NoChatTemplate`] if it is the folder's own and there is none, [`Error::UnknownTemplate`] for other names, and
/// what is wrong with Jinja that does not compile.
pub(crate) fn choose(
    choice: Option<&str>,
    own: Option<&ChatTemplate>,
    folder: &Path,
) -> Result<Option<ChatTemplate>, Error> {
    let choice = choice.unwrap_or(OWN);
    if choice == OWN {
        return match own {
            Some(_) => Ok(None),
            None => Err(Error::NoChatTemplate { folder: folder.to_owned() }),
        };
    }
    match choice.strip_prefix(OWN_OR) {
        Some(_) if own.is_some() => Ok(None),
        Some(name) => named(name).map(Some),
        None => named(choice).map(Some),
    }
}

fn named(name: &str) -> Result<ChatTemplate, Error> {
    let inline =
        |source: &str| ChatTemplate::compile(source).map_err(|reason| Error::ChatTemplate { reason });
    match name {
        "chatml" => inline(CHATML),
        "llama3" => inline(LLAMA3),
        jinja if jinja.contains("{%") || jinja.contains("{{") => inline(jinja),
        path => {
            let path = Path::new(path);
            let source = if path.is_file() { files::read_text_if_there(path)? } else { None };
            let source = source.ok_or_else(|| Error::UnknownTemplate { name: name.to_owned() })?;
            ChatTemplate::compile(&source).map_err(|reason| Error::Invalid { path: path.to_owned(), reason })
        }
    }
}
