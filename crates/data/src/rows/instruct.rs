//! Instruction and response: raw text, without a chat template and without anything in between.

use std::borrow::Cow;

use schema::InstructType;

use super::{MIN_TOKENS, kept, load_within};
use crate::dataset::{Cells, Refusal, Row};
use crate::python_format::python_format;
use crate::{Dataset, Encoded, Error, Reason, SequenceLimit, Source, Tokenizer};

/// A text to complete is cut after so many sequences.
const MAX_SEQUENCES: usize = 64;

/// Rows of an InstructTextTask.
///
/// Prompt and response are tokenised apart, each with what the tokenizer puts around a document. A response loses a
/// leading BOS and gains an EOS. Only the response is learnt. Each part is cut at the limit, and rows over it are left
/// out (they never are where the prompt is empty: such a response is cut, and stays). Without a column of responses the
/// instructions are texts to complete, cut into sequences of the limit and learnt whole.
///
/// # Errors
/// [`Error::MissingColumn`], [`Error::EmptyDataset`], [`Error::AllTooLong`] or [`Error::NoUsableRows`] if there is nothing
/// to learn from; [`Error::Format`] if a format that a row needs cannot be filled in; [`Error::File`].
pub fn load_instruct(
    source: Source<'_>,
    card: &InstructType,
    tokenizer: &Tokenizer,
    limit: SequenceLimit,
) -> Result<Dataset<Encoded>, Error> {
    let Some(field_output) = filled(&card.field_output) else {
        let column = filled(&card.field_instruction).unwrap_or("text");
        return load_within(source, limit, &[column], |cells, max_tokens| {
            completion(cells, column, tokenizer, max_tokens)
        });
    };
    let layout = PromptLayout::new(card);
    load_within(source, limit, &[layout.field_instruction, field_output], |cells, max_tokens| {
        let prompt = layout.prompt(cells)?;
        let response = cells.required(field_output)?;
        if response.is_empty() {
            return Err(Reason::EmptyOutput.into());
        }
        let encoded = encode(&prompt, &response, tokenizer, max_tokens);
        Ok(vec![kept(encoded, max_tokens, &prompt)?])
    })
}

/// How prompts are put together.
struct PromptLayout<'a> {
    system_prompt: &'a str,
    system_format: &'a str,
    field_system: &'a str,
    field_instruction: &'a str,
    field_input: &'a str,
    format: &'a str,
    no_input_format: &'a str,
}

impl<'a> PromptLayout<'a> {
    /// The card with the evaluator's defaults for what it leaves open. Columns called `system` and `input` count even where
    /// the card names none.
    fn new(card: &'a InstructType) -> Self {
        let default_format =
            if filled(&card.field_input).is_some() { "{instruction} {input}" } else { "{instruction}" };
        Self {
            system_prompt: card.system_prompt.as_deref().unwrap_or(""),
            system_format: card.system_format.as_deref().unwrap_or("{system}"),
            field_system: card.field_system.as_deref().unwrap_or("system"),
            field_instruction: card.field_instruction.as_deref().unwrap_or("instruction"),
            field_input: card.field_input.as_deref().unwrap_or("input"),
            format: card.format.as_deref().unwrap_or(default_format),
            no_input_format: card.no_input_format.as_deref().unwrap_or("{instruction}"),
        }
    }

    fn prompt(&self, cells: &mut Cells<'_>) -> Result<String, Refusal> {
        let instruction = cells.required(self.field_instruction)?;
        let input = cells.text(self.field_input)?.unwrap_or_default();
        let system = cells.text(self.field_system)?.unwrap_or(Cow::Borrowed(self.system_prompt));
        let mut prompt = String::new();
        if !system.is_empty() && !self.system_format.is_empty() {
            prompt.push_str(&fill(self.system_format, &[("system", &system)])?);
        }
        prompt.push_str(&if input.is_empty() {
            fill(self.no_input_format, &[("instruction", &instruction)])?
        } else {
            fill(self.format, &[("instruction", &instruction), ("input", &input)])?
        });
        Ok(prompt)
    }
}

fn fill(format: &str, fields: &[(&str, &str)]) -> Result<String, Error> {
    python_format(format, fields).map_err(|reason| Error::Format { format: format.to_owned(), reason })
}

/// Empty names count as none, as in Python.
fn filled(name: &Option<String>) -> Option<&str> {
    name.as_deref().filter(|name| !name.is_empty())
}

fn encode(prompt: &str, response: &str, tokenizer: &Tokenizer, max_tokens: usize) -> Encoded {
    let mut completion = with_eos(response, tokenizer, max_tokens);
    if completion.first().is_some_and(|first| Some(*first) == tokenizer.bos()) {
        completion.remove(0);
    }
    // The empty text is no document: nothing is put around it.
    let prompt =
        if prompt.is_empty() { Vec::new() } else { tokenizer.encode_document_within(prompt, max_tokens) };
    Encoded::of_completion(prompt, &completion)
}

/// The ids of a document that ends in EOS, unless it is cut before.
fn with_eos(text: &str, tokenizer: &Tokenizer, max_tokens: usize) -> Vec<u32> {
    let mut ids = tokenizer.encode_document_within(text, max_tokens);
    if ids.last().is_some_and(|last| *last != tokenizer.eos()) && ids.len() < max_tokens {
        ids.push(tokenizer.eos());
    }
    ids
}

/// The sequences of a text to complete.
fn completion(
    cells: &mut Cells<'_>,
    column: &str,
    tokenizer: &Tokenizer,
    max_tokens: usize,
) -> Result<Vec<Row<Encoded>>, Refusal> {
    let text = cells.required(column)?;
    if text.is_empty() {
        return Err(Reason::EmptyPrompt.into());
    }
    let ids = with_eos(&text, tokenizer, max_tokens.saturating_mul(MAX_SEQUENCES));
    let sequences = ids.chunks(max_tokens).filter(|ids| ids.len() >= MIN_TOKENS);
    let rows: Vec<Row<Encoded>> =
        sequences.map(|ids| Row::of(Encoded::of_completion(Vec::new(), ids), &text)).collect();
    if rows.is_empty() { Err(Reason::TooShort.into()) } else { Ok(rows) }
}
