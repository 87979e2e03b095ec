//! Rows to tokens, one file per task: exactly what the tournament's evaluator makes of the same rows.
//!
//! Sources: axolotl of 2026-07 (`user_defined`, `completion` and `chat_template` strategies) and TRL 1.5.1 (`DPOTrainer`,
//! `GRPOTrainer`), as the evaluator configures them (contract §2 and §3). `scripts/golden/text_rows.py` states the same
//! rules in Python on transformers' tokenizers; `croupier verify rows` compares.

mod chat;
mod dpo;
mod grpo;
mod instruct;
#[cfg(test)]
mod tests;

pub use chat::load_chat;
pub use dpo::{Pair, load_dpo};
pub use grpo::{Prompt, load_grpo};
pub use instruct::load_instruct;

use crate::dataset::{self, Cells, Refusal, Row};
use crate::{Dataset, Encoded, Error, Reason, SequenceLimit, Source};

/// Shorter rows are dropped before the loss is computed.
const MIN_TOKENS: usize = 2;

/// Loads rows under the first limit that some row keeps; `encode` is told the limit.
fn load_within(
    source: Source<'_>,
    limit: SequenceLimit,
    columns: &[&str],
    encode: impl Fn(&mut Cells<'_>, usize) -> Result<Vec<Row<Encoded>>, Refusal> + Sync,
) -> Result<Dataset<Encoded>, Error> {
    let mut candidates = limit.candidates().peekable();
    loop {
        let max_tokens = candidates.next().expect("a limit has at least one candidate");
        let mut loaded = dataset::load(source, |cells| encode(cells, max_tokens))?;
        loaded.sequence_len = Some(max_tokens);
        let may_grow = loaded.counts.of(Reason::TooLong) > 0 && candidates.peek().is_some();
        if loaded.rows.is_empty() && may_grow {
            continue;
        }
        return loaded.checked(source.file, columns);
    }
}

/// A sequence as a row, if the evaluator would score it.
fn kept(encoded: Encoded, max_tokens: usize, asked: &str) -> Result<Row<Encoded>, Refusal> {
    let n_tokens = encoded.n_tokens();
    if n_tokens > max_tokens {
        return Err(Refusal::Row(Reason::TooLong, format!("{n_tokens} tokens")));
    }
    if n_tokens < MIN_TOKENS {
        return Err(Refusal::Row(Reason::TooShort, format!("{n_tokens} tokens")));
    }
    if encoded.n_loss_tokens() == 0 {
        return Err(Reason::NothingTrained.into());
    }
    Ok(Row::of(encoded, asked))
}
