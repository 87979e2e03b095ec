//! Prompts to be answered and rewarded: raw text, and whatever else reward functions are given.

use schema::GrpoType;
use serde_json::{Map, Value};

use crate::dataset::{self, Cells, Row};
use crate::split::Fingerprint;
use crate::{Dataset, Error, Reason, Source, Tokenizer};

/// The name by which reward functions know the extra column.
const EXTRA_DATA: &str = "extra_data";

/// A prompt and the other columns of its row.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// As reward functions see it.
    pub text: String,
    /// As the model reads it: a document, without a chat template.
    pub token_ids: Vec<u32>,
    /// Keyword arguments of reward functions, as they are in the row (`extra_data` stays the string that it is).
    pub columns: Map<String, Value>,
}

/// Rows of a GrpoTask; rows with an empty prompt are left out.
///
/// The column that the card names as extra is called `extra_data`, unless the row has one of that name already.
///
/// # Errors
/// As [`super::load_instruct`].
pub fn load_grpo(
    source: Source<'_>,
    card: &GrpoType,
    tokenizer: &Tokenizer,
) -> Result<Dataset<Prompt>, Error> {
    let field_prompt = card.field_prompt.as_deref().unwrap_or("prompt");
    let encode = |cells: &mut Cells<'_>| {
        let text = cells.required(field_prompt)?;
        if text.is_empty() {
            return Err(Reason::EmptyPrompt.into());
        }
        let mut columns = cells.row().clone();
        columns.shift_remove(field_prompt);
        if let Some(extra) = &card.extra_column
            && !columns.contains_key(EXTRA_DATA)
            && let Some(value) = columns.shift_remove(extra)
        {
            columns.insert(EXTRA_DATA.to_owned(), value);
        }
        let token_ids = tokenizer.encode_document(&text);
        let (n_tokens, fingerprint) = (token_ids.len(), Fingerprint::of(&text));
        let item = Prompt { text: text.into_owned(), token_ids, columns };
        Ok(vec![Row { item, n_tokens, fingerprint }])
    };
    dataset::load(source, encode)?.checked(source.file, &[field_prompt])
}
