//! Which ids end, pad and separate, from the three files that may say so.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tokenizers::TruncationDirection;

use crate::{Error, files};

/// Tokens by which common chat formats end a turn.
const END_OF_TURN: [&str; 5] = ["<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<turn|>", "<|end|>"];

/// The special tokens of one model folder.
#[derive(Debug)]
pub(super) struct Specials {
    pub(super) eos: u32,
    pub(super) pad: u32,
    pub(super) end_of_turn: u32,
    pub(super) stop: Vec<u32>,
    /// What a document begins with, if there is such a token.
    pub(super) bos: Option<u32>,
    /// Most tokens that the tokenizer was made for.
    pub(super) model_max_length: Option<usize>,
    /// Which end of a text that is too long is cut off.
    pub(super) truncation: TruncationDirection,
    /// `eos_token` and its siblings as templates see them.
    pub(super) by_name: BTreeMap<String, String>,
}

impl Specials {
    /// Reads `tokenizer_config.json`, `generation_config.json` and `config.json` of `folder`, each of which may lack.
    pub(super) fn read(folder: &Path, tokenizer: &tokenizers::Tokenizer) -> Result<Self, Error> {
        let tokenizer_config = files::read_json_if_there(&folder.join("tokenizer_config.json"))?;
        let mut by_name = named_tokens(&tokenizer_config);
        // Older folders keep special tokens in a file of their own, which transformers prefers to such a configuration.
        if tokenizer_config["added_tokens_decoder"].is_null() {
            by_name
                .extend(named_tokens(&files::read_json_if_there(&folder.join("special_tokens_map.json"))?));
        }
        let generation = files::read_json_if_there(&folder.join("generation_config.json"))?;
        let config = files::read_json_if_there(&folder.join("config.json"))?;
        let id_of = |name: &str| by_name.get(name).and_then(|token| tokenizer.token_to_id(token));
        let listed = ids(&generation["eos_token_id"]);
        let eos = id_of("eos_token")
            .or_else(|| listed.first().copied())
            .or_else(|| ids(&config["eos_token_id"]).first().copied())
            .ok_or_else(|| Error::Invalid {
                path: folder.join("tokenizer_config.json"),
                reason: "no end-of-sequence token is named here, in generation_config.json or in config.json"
                    .to_owned(),
            })?;
        let pad =
            id_of("pad_token").or_else(|| ids(&generation["pad_token_id"]).first().copied()).unwrap_or(eos);
        let end_of_turn = END_OF_TURN.iter().find_map(|token| tokenizer.token_to_id(token)).unwrap_or(eos);
        let mut stop = listed;
        for id in [eos, end_of_turn] {
            if !stop.contains(&id) {
                stop.push(id);
            }
        }
        let bos = id_of("bos_token");
        let model_max_length = whole(&tokenizer_config["model_max_length"]);
        let truncation = match tokenizer_config["truncation_side"].as_str() {
            Some("left") => TruncationDirection::Left,
            _ => TruncationDirection::Right,
        };
        Ok(Self { eos, pad, end_of_turn, stop, bos, model_max_length, truncation, by_name })
    }
}

/// Entries `…_token` of a `tokenizer_config.json`, whose values are strings, objects with `content`, or null.
fn named_tokens(config: &Value) -> BTreeMap<String, String> {
    let entries = config.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with("_token"));
    entries
        .filter_map(|(name, value)| {
            let token = value.as_str().or_else(|| value["content"].as_str())?;
            Some((name.clone(), token.to_owned()))
        })
        .collect()
}

/// One id or a list of them.
fn ids(value: &Value) -> Vec<u32> {
    let one = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Value::Array(many) => many.iter().filter_map(one).collect(),
        other => one(other).into_iter().collect(),
    }
}

/// A count, which transformers writes as an integer of any size (1e30 where there is no limit).
fn whole(value: &Value) -> Option<usize> {
    value.as_f64().filter(|number| *number >= 1.0).map(|number| number as usize)
}
