//! Properties of trained tokenizers.

use std::fs;

use super::train_bpe;
use crate::{Error, Tokenizer};

fn texts() -> impl Iterator<Item = String> + Send {
    (0..200).map(|i| {
        format!("Player {} to act. Pot {} chips, legal actions: {} call, raise, fold\n", i % 2, i * 7, i % 61)
    })
}

fn trained(vocab_size: usize) -> (tempfile::TempDir, Tokenizer) {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = train_bpe(texts(), vocab_size, &folder).unwrap();
    (folder, tokenizer)
}

#[test]
fn special_tokens_are_the_last_ids_and_single_tokens() {
    let (_folder, tokenizer) = trained(290);
    assert_eq!(tokenizer.vocab_size(), 290);
    assert_eq!(tokenizer.encode("<|endoftext|><|im_start|><|im_end|>"), [287, 288, 289]);
    assert_eq!((tokenizer.pad(), tokenizer.eos()), (287, 289));
}

#[test]
fn every_digit_is_a_token_of_its_own() {
    let (_folder, tokenizer) = trained(400);
    let tokens = tokenizer.encode("1234567890");
    assert_eq!(tokens.len(), 10);
    for (token, digit) in tokens.iter().zip("1234567890".chars()) {
        assert_eq!(tokenizer.decode(&[*token]), digit.to_string());
        assert_eq!(tokenizer.token_id(&digit.to_string()), Some(*token));
    }
}

#[test]
fn any_text_survives_the_round_trip() {
    let (_folder, tokenizer) = trained(270);
    for text in ["Pot 14 chips", "  \t\r\n\n x", "Kühn 日本 😀", "\u{0}\u{7f}", ""] {
        assert_eq!(tokenizer.decode(&tokenizer.encode(text)), text);
    }
}

#[test]
fn special_tokens_are_written_out_only_on_request() {
    let (_folder, tokenizer) = trained(290);
    let tokens = tokenizer.encode("2<|im_end|>");
    assert_eq!(tokenizer.decode(&tokens), "2");
    assert_eq!(tokenizer.decode_verbatim(&tokens), "2<|im_end|>");
}

#[test]
fn training_depends_on_the_texts_alone() {
    let (first, a) = trained(384);
    let (second, b) = trained(384);
    for name in ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"] {
        assert_eq!(
            fs::read(first.path().join(name)).unwrap(),
            fs::read(second.path().join(name)).unwrap(),
            "{name}"
        );
    }
    assert_eq!(a.sha256(), b.sha256());
    assert!(a.sha256().starts_with("sha256:") && a.sha256().len() == 7 + 64);
}

#[test]
fn a_vocabulary_smaller_than_the_bytes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = train_bpe(texts(), 200, &folder).unwrap_err();
    assert!(matches!(error, Error::Train { vocab_size: 200, .. }), "{error}");
}

#[test]
fn nothing_temporary_is_left_in_the_folder() {
    let (folder, _tokenizer) = trained(290);
    let names: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
}
