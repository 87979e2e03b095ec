//! Small byte-level BPE tokenizers, trained at run time: no vocabulary is shipped.
//!
//! The form is that of Qwen's tokenizers (NFC, GPT-2-like split in which every digit stands alone, so that action ids
//! are sequences of digits) with ChatML's three special tokens as the last ids.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::json;
use tokenizers::models::bpe::{BPE, BpeTrainerBuilder};
use tokenizers::normalizers::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior, TokenizerBuilder};

use crate::{Error, Tokenizer, files};

/// Padding, and the end of a document.
pub const END_OF_TEXT: &str = "<|endoftext|>";
/// Start of a chat turn.
pub const IM_START: &str = "<|im_start|>";
/// End of a chat turn, and of a completion.
pub const IM_END: &str = "<|im_end|>";

const SPECIAL_TOKENS: [&str; 3] = [END_OF_TEXT, IM_START, IM_END];
/// All bytes must be expressible.
const BYTES: usize = 256;
/// Merges seen once are noise of the training text.
const MIN_FREQUENCY: u64 = 2;
/// Qwen2's split: contractions, words with one leading sign, single digits, runs of signs, line ends, blanks.
const SPLIT: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The template of all ChatML models, as they write it.
pub(crate) const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + \
                      '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/// The same with tools, described and called as Qwen's and Hermes' models have it; [`CHATML`] where there are none.
const CHATML_WITH_TOOLS: &str = include_str!("bpe/tools.jinja");

/// Trains a tokenizer on `texts` and writes it into `folder`, which is created if need be.
///
/// The result depends on the texts alone, not on threads. It has fewer than `vocab_size` entries if the texts have
/// fewer pairs worth merging; the special tokens are always the last three ids. Written are `tokenizer.json`,
/// `tokenizer_config.json`, `chat_template.jinja` (ChatML, with tools) and `generation_config.json`.
///
/// # Errors
/// [`Error::Train`] if `vocab_size` has no room for the bytes; [`Error::File`] if the folder cannot be written.
pub fn train_bpe(
    texts: impl Iterator<Item = String> + Send,
    vocab_size: usize,
    folder: impl AsRef<Path>,
) -> Result<Tokenizer, Error> {
    let folder = folder.as_ref();
    let failed = |reason: String| Error::Train { vocab_size, reason };
    let learnt = vocab_size.saturating_sub(SPECIAL_TOKENS.len());
    if learnt < BYTES {
        return Err(failed(format!(
            "the bytes and special tokens alone take {}",
            BYTES + SPECIAL_TOKENS.len()
        )));
    }
    let (text, size) = train(texts, learnt).map_err(|error| failed(error.to_string()))?;
    fs::create_dir_all(folder).map_err(|source| Error::File {
        verb: "write",
        path: folder.to_owned(),
        source,
    })?;
    files::write(&folder.join("tokenizer.json"), &text)?;
    files::write(&folder.join("tokenizer_config.json"), &pretty(&tokenizer_config()))?;
    files::write(&folder.join("chat_template.jinja"), CHATML_WITH_TOOLS)?;
    let (pad, eos) = (size - 3, size - 1);
    let generation = json!({ "eos_token_id": [eos, pad], "pad_token_id": pad });
    files::write(&folder.join("generation_config.json"), &pretty(&generation))?;
    Tokenizer::from_dir(folder)
}

/// The text of `tokenizer.json` and its number of ids.
fn train(texts: impl Iterator<Item = String> + Send, learnt: usize) -> tokenizers::Result<(String, usize)> {
    let split = Split::new(SplitPattern::Regex(SPLIT.to_owned()), SplitDelimiterBehavior::Isolated, false)?;
    let bytes = ByteLevel::new(false, true, false);
    let mut tokenizer = TokenizerBuilder::new()
        .with_model(BPE::default())
        .with_normalizer(Some(NFC))
        .with_pre_tokenizer(Some(Sequence::new(vec![split.into(), bytes.into()])))
        .with_post_processor(Some(ByteLevel::new(true, false, true)))
        .with_decoder(Some(ByteLevel::new(true, true, true)))
        .build()?;
    let mut trainer = BpeTrainerBuilder::new()
        .vocab_size(learnt)
        .min_frequency(MIN_FREQUENCY)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect::<HashSet<char>>())
        .build();
    tokenizer.train(&mut trainer, texts)?;
    tokenizer.add_special_tokens(&SPECIAL_TOKENS.map(|token| AddedToken::from(token, true)));
    Ok((tokenizer.to_string(true)?, tokenizer.get_vocab_size(true)))
}

fn tokenizer_config() -> serde_json::Value {
    json!({
        "bos_token": null,
        "clean_up_tokenization_spaces": false,
        "eos_token": IM_END,
        "model_max_length": 32768,
        "pad_token": END_OF_TEXT,
        "padding_side": "left",
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": null,
    })
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).expect("a JSON value is serialisable")
}
