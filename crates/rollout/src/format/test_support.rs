//! Tokenizers of each family for tests: a small BPE with the family's special tokens, and our own templates.

use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::Codec;

/// Name, template, special tokens.
type Family = (&'static str, &'static str, &'static [&'static str]);

macro_rules! template {
    ($name:literal) => {
        include_str!(concat!("../../tests/data/tool_templates/", $name, ".jinja"))
    };
}

pub(super) const FAMILIES: [Family; 7] = [
    ("qwen", template!("qwen"), &["<tool_call>", "</tool_call>"]),
    ("hermes", template!("hermes"), &[]),
    ("llama3", template!("llama3"), &["<|start_header_id|>", "<|end_header_id|>", "<|python_tag|>"]),
    (
        "mistral",
        template!("mistral"),
        &["[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]"],
    ),
    (
        "gemma",
        template!("gemma"),
        &[
            "<|turn>",
            "<turn|>",
            "<|tool_call>",
            "<tool_call|>",
            "<|\"|>",
            "<|tool_response>",
            "<|tool>",
            "<tool|>",
        ],
    ),
    ("olmo", template!("olmo"), &[]),
    ("thinking", template!("thinking"), &["<think>", "</think>", "<tool_call>", "</tool_call>"]),
];
/// ChatML without tools, as the reference models have it.
pub(super) const GENERIC: Family = (
    "generic",
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}\
     {% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    &[],
);

/// The tokenizer of a family.
pub(super) fn tokenizer((_, template, specials): Family) -> Arc<data::Tokenizer> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let texts = [
        "You are playing it. Legal actions: 0 -> Fold call game_action \n\n".repeat(8),
        ", 1, 2, 3".repeat(8),
    ];
    data::train_bpe(texts.into_iter(), 300, &folder).expect("300 entries have room for the bytes");
    fs::write(folder.path().join("chat_template.jinja"), template).expect("the folder is there");
    let path = folder.path().join("tokenizer.json");
    let text = fs::read_to_string(&path).expect("just written");
    let mut file: Value = serde_json::from_str(&text).expect("just written");
    let known = file["model"]["vocab"].as_object().map_or(0, serde_json::Map::len);
    let added = file["added_tokens"].as_array_mut().expect("the three of ChatML");
    let first = known + added.len();
    for (idx, token) in specials.iter().enumerate() {
        added.push(json!({"id": first + idx, "content": token, "single_word": false, "lstrip": false,
                          "rstrip": false, "normalized": false, "special": true}));
    }
    fs::write(&path, file.to_string()).expect("the folder is there");
    Arc::new(data::Tokenizer::from_dir(&folder).expect("a tokenizer with more added tokens"))
}

/// The same as a codec.
pub(super) fn codec(family: Family) -> Arc<dyn Codec> {
    tokenizer(family)
}
