//! A model's tokenizer together with what its folder says about special tokens and chats.
//!
//! The class names in `tokenizer_config.json` (`Qwen2Tokenizer`, transformers 5's `TokenizersBackend`) are ignored:
//! `tokenizer.json` alone says how text becomes tokens.

mod cuts;
mod specials;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schema::Message;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokenizers::PostProcessor;

use crate::chat::ChatTemplate;
use crate::{Error, ToolCallStyle, files};
use specials::Specials;

/// A text that no vocabulary has as a word: a private-use character, a digit, letters of two alphabets.
const PROBE: &str = "\u{F8FF} 7 aж\n";

/// Text to token ids and back, stop tokens, and the chat template of one model folder.
#[derive(Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    specials: Specials,
    template: Option<ChatTemplate>,
    sha256: String,
    folder: PathBuf,
    cuts_at_line_starts: bool,
}

impl Tokenizer {
    /// The tokenizer of a model folder.
    ///
    /// # Errors
    /// [`Error::File`] without a readable `tokenizer.json`; [`Error::Invalid`] if one of the folder's files is broken,
    /// the vocabulary cannot express arbitrary text, or no end-of-sequence token is named anywhere.
    pub fn from_dir(folder: impl AsRef<Path>) -> Result<Self, Error> {
        Self::from_file(folder.as_ref().join("tokenizer.json"))
    }

    /// The tokenizer of a `tokenizer.json`; the configuration files beside it are read too.
    ///
    /// # Errors
    /// As [`Tokenizer::from_dir`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let invalid = |reason: String| Error::Invalid { path: path.to_owned(), reason };
        let bytes = files::read(path)?;
        let mut inner =
            tokenizers::Tokenizer::from_bytes(&bytes).map_err(|error| invalid(error.to_string()))?;
        // Truncation and padding are the batch's business, never the file's.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| invalid(error.to_string()))?;
        inner
            .encode_fast(PROBE, false)
            .map_err(|error| invalid(format!("it cannot encode arbitrary text: {error}")))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let specials = Specials::read(&folder, &inner)?;
        let template = ChatTemplate::read(&folder)?;
        let sha256 = format!("sha256:{}", hex(&Sha256::digest(&bytes)));
        let cuts_at_line_starts = cuts::at_line_starts(&inner);
        Ok(Self { inner, specials, template, sha256, folder, cuts_at_line_starts })
    }

    /// The ids of `text`; special tokens written out in it count as such, none is added.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.encode_with(text, false)
    }

    /// The ids of `text` with what the tokenizer puts around a document by itself (often BOS, or nothing).
    pub fn encode_document(&self, text: &str) -> Vec<u32> {
        self.encode_with(text, true)
    }

    /// As [`Tokenizer::encode_document`], cut as transformers' `truncation=True` cuts: what the tokenizer puts around a
    /// document stays.
    pub(crate) fn encode_document_within(&self, text: &str, max_tokens: usize) -> Vec<u32> {
        let whole = self.encode_document(text);
        if whole.len() <= max_tokens {
            return whole;
        }
        let n_added = self.inner.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
        let mut encoding = self
            .inner
            .encode_fast(text, false)
            .expect("the text has just been encoded with what is added to it");
        encoding.truncate(max_tokens.saturating_sub(n_added), 0, self.specials.truncation);
        let encoding = self.inner.post_process(encoding, None, true);
        encoding.expect("the text has just been encoded with what is added to it").get_ids().to_vec()
    }

    /// True if a text cut between a line feed and a letter encodes to the tokens of the whole, piece by piece.
    pub fn cuts_at_line_starts(&self) -> bool {
        self.cuts_at_line_starts
    }

    fn encode_with(&self, text: &str, add_special: bool) -> Vec<u32> {
        let encoding = self.inner.encode_fast(text, add_special);
        encoding.expect("a vocabulary that encodes the probe text encodes any text").get_ids().to_vec()
    }

    /// The text of `ids` without special tokens: what a completion says.
    pub fn decode(&self, ids: &[u32]) -> String {
        self.inner.decode(ids, true).expect("decoders of known types accept any ids")
    }

    /// The text of `ids`, special tokens written out: the inverse of [`Tokenizer::encode`].
    pub fn decode_verbatim(&self, ids: &[u32]) -> String {
        self.inner.decode(ids, false).expect("decoders of known types accept any ids")
    }

    /// The id of a token by its exact entry in the vocabulary.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Number of ids, added tokens included. The model's own vocabulary may be larger.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Tokens that end a completion: those of `generation_config.json`, end of sequence, end of turn.
    pub fn stop_tokens(&self) -> &[u32] {
        &self.specials.stop
    }

    /// End of sequence.
    pub fn eos(&self) -> u32 {
        self.specials.eos
    }

    /// What a document begins with, if the folder names such a token.
    pub fn bos(&self) -> Option<u32> {
        self.specials.bos
    }

    /// The text of the token that ends a sequence.
    pub(crate) fn eos_text(&self) -> String {
        match self.specials.by_name.get("eos_token") {
            Some(text) => text.clone(),
            None => self.decode_verbatim(&[self.eos()]),
        }
    }

    /// Most tokens that the tokenizer was made for, if the folder says.
    pub fn model_max_length(&self) -> Option<usize> {
        self.specials.model_max_length
    }

    /// The folder's chat template.
    pub(crate) fn template(&self) -> Option<&ChatTemplate> {
        self.template.as_ref()
    }

    /// What templates see as `bos_token` and its siblings.
    pub(crate) fn named_tokens(&self) -> &BTreeMap<String, String> {
        &self.specials.by_name
    }

    /// The folder that all this was read from.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Padding; end of sequence where the folder names none.
    pub fn pad(&self) -> u32 {
        self.specials.pad
    }

    /// What ends an assistant's turn: `<|im_end|>` or its like, else end of sequence.
    pub fn end_of_turn(&self) -> u32 {
        self.specials.end_of_turn
    }

    /// `sha256:…` of `tokenizer.json`, as trajectories name their tokenizer.
    pub fn sha256(&self) -> String {
        self.sha256.clone()
    }

    /// The time of day that templates see, in seconds since 1970 UTC; without it a fixed date ([`Tokenizer`] reads no
    /// clock, so that a seed reproduces a run).
    #[must_use]
    pub fn with_now(mut self, unix_seconds: i64) -> Self {
        if let Some(template) = &mut self.template {
            template.set_now(unix_seconds);
        }
        self
    }

    /// The prompt text of a chat, character for character what transformers' `apply_chat_template` gives.
    ///
    /// # Errors
    /// [`Error::NoChatTemplate`], or [`Error::ChatTemplate`] with the template's own complaint.
    pub fn render_chat(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, Error> {
        let template =
            self.template.as_ref().ok_or_else(|| Error::NoChatTemplate { folder: self.folder.clone() })?;
        template.render(messages, &[], add_generation_prompt, &self.specials.by_name)
    }

    /// As [`Tokenizer::render_chat`] for messages with more than a role and a text, and with tools, which all reach the
    /// template as they are.
    ///
    /// # Errors
    /// As [`Tokenizer::render_chat`].
    pub fn render_tool_chat(
        &self,
        messages: &[Value],
        tools: &[Value],
        add_generation_prompt: bool,
    ) -> Result<String, Error> {
        let template =
            self.template.as_ref().ok_or_else(|| Error::NoChatTemplate { folder: self.folder.clone() })?;
        template.render(messages, tools, add_generation_prompt, &self.specials.by_name)
    }

    /// How the chat template teaches tool calls; `None` if it does not.
    pub fn tool_call_style(&self) -> Option<ToolCallStyle> {
        self.template.as_ref().and_then(ChatTemplate::tool_call_style)
    }

    /// The prompt tokens of a chat; the template writes every special token itself.
    ///
    /// # Errors
    /// As [`Tokenizer::render_chat`].
    pub fn encode_chat(&self, messages: &[Message], add_generation_prompt: bool) -> Result<Vec<u32>, Error> {
        Ok(self.encode(&self.render_chat(messages, add_generation_prompt)?))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
