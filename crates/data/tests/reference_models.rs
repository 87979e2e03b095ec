//! The tokenizers of the reference models against transformers (`tests/data/ids.json`).

#![expect(clippy::print_stderr, reason = "`.ci/run` counts the lines of skipped tests")]

use std::path::{Path, PathBuf};

use data::Tokenizer;
use schema::{Message, Role};
use serde_json::Value;

/// Folder of the reference data, or `None` with a line that `.ci/run` counts.
fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("CROUPIER_SHARED").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        eprintln!("skipped: no reference data");
        return None;
    }
    Some(folder)
}

#[test]
fn ids_and_texts_are_those_of_transformers() {
    let Some(shared) = shared() else { return };
    let tokenizer = Tokenizer::from_dir(shared.join("data/models/nano-qwen2")).unwrap();
    let reference: Value = serde_json::from_str(include_str!("data/ids.json")).unwrap();
    for case in reference["cases"].as_array().unwrap() {
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        let text = case["text"].as_str().unwrap();
        assert_eq!(tokenizer.encode(text), ids, "{text:?}");
        assert_eq!(tokenizer.encode_document(text), ids, "{text:?}");
        assert_eq!(tokenizer.decode_verbatim(&ids), case["back"].as_str().unwrap());
        assert_eq!(tokenizer.decode(&ids), case["plain"].as_str().unwrap());
    }
}

#[test]
fn all_nine_folders_load_and_render_chatml() {
    let Some(shared) = shared() else { return };
    let mut folders = 0;
    for entry in std::fs::read_dir(shared.join("data/models")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let tokenizer = Tokenizer::from_dir(&folder).unwrap();
        assert_eq!((tokenizer.eos(), tokenizer.pad(), tokenizer.end_of_turn()), (2047, 2045, 2047));
        assert_eq!(tokenizer.stop_tokens(), [2047, 2045]);
        assert_eq!(tokenizer.vocab_size(), 2048);
        let chat = [Message::new(Role::User, "act"), Message::new(Role::Assistant, "2")];
        let text = tokenizer.render_chat(&chat, true).unwrap();
        assert_eq!(
            text,
            "<|im_start|>user\nact<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n<|im_start|>assistant\n"
        );
        assert_eq!(tokenizer.decode_verbatim(&tokenizer.encode_chat(&chat, true).unwrap()), text);
        folders += 1;
    }
    assert_eq!(folders, 9);
}
