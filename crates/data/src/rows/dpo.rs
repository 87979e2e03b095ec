//! Preference pairs: raw text on both sides, as TRL's trainer tokenises strings.

use schema::DpoType;

use crate::dataset::{self, Cells, Refusal, Row};
use crate::split::Fingerprint;
use crate::{Dataset, Encoded, Error, Reason, Source, Tokenizer};

/// A prompt with the completion that is preferred, and with the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Preferred.
    pub chosen: Encoded,
    /// Not preferred.
    pub rejected: Encoded,
}

/// Rows of a DpoTask, cut at `max_length` tokens from the start (the model's positions; 8192 where it names none).
///
/// The text of the EOS token follows each completion that does not end with it. Prompt, and prompt with completion, are
/// tokenised each as a document; a completion is what follows the prompt's number of tokens. The card's formats and its
/// system column do not count, as they do not for the evaluator. Pairs without a completion token are left out.
///
/// # Errors
/// As [`super::load_instruct`].
pub fn load_dpo(
    source: Source<'_>,
    card: &DpoType,
    tokenizer: &Tokenizer,
    max_length: usize,
) -> Result<Dataset<Pair>, Error> {
    let field = |name: &Option<String>, default: &str| name.clone().unwrap_or_else(|| default.to_owned());
    let prompt = field(&card.field_prompt, "prompt");
    let chosen = field(&card.field_chosen, "chosen");
    let rejected = field(&card.field_rejected, "rejected");
    let eos = tokenizer.eos_text();
    let encode = |cells: &mut Cells<'_>| {
        let prompt = cells.required(&prompt)?;
        let (chosen, rejected) = (cells.required(&chosen)?, cells.required(&rejected)?);
        if prompt.is_empty() {
            return Err(Reason::EmptyPrompt.into());
        }
        if chosen.is_empty() || rejected.is_empty() {
            return Err(Reason::EmptyOutput.into());
        }
        let prompt_ids = tokenizer.encode_document(&prompt);
        let side = |completion: &str| {
            let ending = if completion.ends_with(&eos) { "" } else { &eos };
            let ids = tokenizer.encode_document(&format!("{prompt}{completion}{ending}"));
            let suffix = ids.get(prompt_ids.len()..).unwrap_or_default();
            Encoded::of_completion(prompt_ids.clone(), suffix).truncated(max_length)
        };
        Ok(vec![row(Pair { chosen: side(&chosen), rejected: side(&rejected) }, &prompt)?])
    };
    let mut loaded = dataset::load(source, encode)?;
    loaded.sequence_len = Some(max_length);
    loaded.checked(source.file, &[&prompt, &chosen, &rejected])
}

fn row(pair: Pair, prompt: &str) -> Result<Row<Pair>, Refusal> {
    if pair.chosen.n_loss_tokens() == 0 || pair.rejected.n_loss_tokens() == 0 {
        return Err(Reason::NothingTrained.into());
    }
    let n_tokens = pair.chosen.n_tokens().max(pair.rejected.n_tokens());
    Ok(Row { item: pair, n_tokens, fingerprint: Fingerprint::of(prompt) })
}
