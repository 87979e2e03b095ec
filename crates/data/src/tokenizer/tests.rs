//! What a model folder says, in its several spellings; folders are made by `train_bpe` and then altered.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Tokenizer;
use crate::{Error, train_bpe};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    train_bpe(["call raise fold ".repeat(20)].into_iter(), 264, &folder).unwrap();
    folder
}

fn alter(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

#[test]
fn stop_tokens_are_those_of_the_generation_config_and_the_end_of_turn() {
    let folder = folder();
    let tokenizer = Tokenizer::from_dir(&folder).unwrap();
    let size = u32::try_from(tokenizer.vocab_size()).unwrap();
    assert_eq!(tokenizer.stop_tokens(), [size - 1, size - 3]);
    assert_eq!((tokenizer.eos(), tokenizer.pad(), tokenizer.end_of_turn()), (size - 1, size - 3, size - 1));

    fs::remove_file(folder.path().join("generation_config.json")).unwrap();
    alter(&folder.path().join("tokenizer_config.json"), |config| {
        config["eos_token"] = json!("<|endoftext|>")
    });
    let tokenizer = Tokenizer::from_dir(&folder).unwrap();
    assert_eq!(tokenizer.stop_tokens(), [size - 3, size - 1]);
}

#[test]
fn tokens_may_be_objects_and_the_class_may_be_unknown() {
    let folder = folder();
    alter(&folder.path().join("tokenizer_config.json"), |config| {
        config["eos_token"] = json!({ "content": "<|im_end|>", "lstrip": false });
        config["pad_token"] = Value::Null;
        config["tokenizer_class"] = json!("TokenizersBackend");
        config["extra_special_tokens"] = json!(["<|x|>"]);
    });
    let generation = folder.path().join("generation_config.json");
    alter(&generation, |config| *config = json!({ "eos_token_id": 7 }));
    let tokenizer = Tokenizer::from_dir(&folder).unwrap();
    assert_eq!(tokenizer.pad(), tokenizer.eos());
    assert_eq!(tokenizer.stop_tokens(), [7, tokenizer.eos()]);
}

#[test]
fn special_tokens_may_lie_in_a_file_of_their_own() {
    let folder = folder();
    let own = json!({"eos_token": "<|endoftext|>", "bos_token": {"content": "<|im_start|>"}});
    fs::write(folder.path().join("special_tokens_map.json"), own.to_string()).unwrap();
    let tokenizer = Tokenizer::from_dir(&folder).unwrap();
    assert_eq!(tokenizer.eos(), tokenizer.token_id("<|endoftext|>").unwrap());
    assert_eq!(tokenizer.bos(), tokenizer.token_id("<|im_start|>"));
    // As transformers has it: a configuration that lists its added tokens is complete.
    alter(&folder.path().join("tokenizer_config.json"), |config| {
        config["added_tokens_decoder"] = json!({});
        config["model_max_length"] = json!(1e30);
    });
    let tokenizer = Tokenizer::from_dir(&folder).unwrap();
    assert_eq!((tokenizer.eos(), tokenizer.bos()), (tokenizer.token_id("<|im_end|>").unwrap(), None));
    assert!(tokenizer.model_max_length() > Some(1 << 40));
}

#[test]
fn a_folder_without_an_end_token_is_refused() {
    let folder = folder();
    fs::remove_file(folder.path().join("tokenizer_config.json")).unwrap();
    fs::remove_file(folder.path().join("generation_config.json")).unwrap();
    let error = Tokenizer::from_dir(&folder).unwrap_err();
    assert!(matches!(&error, Error::Invalid { .. }), "{error}");
    fs::write(folder.path().join("config.json"), r#"{"eos_token_id": [5, 6]}"#).unwrap();
    assert_eq!(Tokenizer::from_dir(&folder).unwrap().eos(), 5);
}

#[test]
fn the_template_file_wins_over_the_one_in_the_configuration() {
    let folder = folder();
    alter(&folder.path().join("tokenizer_config.json"), |config| {
        config["chat_template"] =
            json!([{ "name": "rag", "template": "no" }, { "name": "default", "template": "old" }]);
    });
    let render = || Tokenizer::from_dir(&folder).unwrap().render_chat(&[], true);
    assert_eq!(render().unwrap(), "<|im_start|>assistant\n");
    fs::remove_file(folder.path().join("chat_template.jinja")).unwrap();
    assert_eq!(render().unwrap(), "old");
    alter(&folder.path().join("tokenizer_config.json"), |config| config["chat_template"] = json!("plain"));
    assert_eq!(render().unwrap(), "plain");
    alter(&folder.path().join("tokenizer_config.json"), |config| config["chat_template"] = Value::Null);
    assert!(matches!(render().unwrap_err(), Error::NoChatTemplate { .. }));
}

#[test]
fn a_vocabulary_that_cannot_say_everything_is_refused_at_load() {
    let folder = folder();
    alter(&folder.path().join("tokenizer.json"), |file| {
        file["model"] = json!({ "type": "WordLevel", "vocab": { "a": 0, "b": 1 }, "unk_token": "<unk>" });
        file["added_tokens"] = json!([]);
    });
    let error = Tokenizer::from_dir(&folder).unwrap_err();
    assert!(error.to_string().contains("cannot encode arbitrary text"), "{error}");
}

#[test]
fn a_missing_folder_is_named() {
    let error = Tokenizer::from_dir("/nowhere/at/all").unwrap_err();
    assert!(error.to_string().starts_with("cannot read `/nowhere/at/all/tokenizer.json`"), "{error}");
}

#[test]
fn pieces_encode_to_the_whole_where_the_text_is_split_first() {
    let folder = folder();
    let tokenizer = Tokenizer::from_dir(&folder).unwrap();
    assert!(tokenizer.cuts_at_line_starts());
    // Without a pattern merges reach across lines; a blank put before a text is put before each piece.
    let path = folder.path().join("tokenizer.json");
    alter(&path, |file| file["normalizer"] = json!({"type": "Prepend", "prepend": " "}));
    assert!(!Tokenizer::from_dir(&folder).unwrap().cuts_at_line_starts());
    alter(&path, |file| {
        file["normalizer"] = Value::Null;
        file["pre_tokenizer"] =
            json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": true})
    });
    assert!(!Tokenizer::from_dir(&folder).unwrap().cuts_at_line_starts());
    alter(&path, |file| file["pre_tokenizer"] = Value::Null);
    assert!(!Tokenizer::from_dir(&folder).unwrap().cuts_at_line_starts());
}
