use std::fs;

use burn::tensor::Device;
use model::{Arch, DecoderConfig, LanguageModel, LoraConfig, Size};

use super::{Publisher, holds_artifact};

fn config() -> DecoderConfig {
    DecoderConfig { vocab_size: 300, ..DecoderConfig::preset(Arch::Qwen3, Size::Pico) }
}

#[test]
fn the_folder_holds_a_valid_adapter_from_the_floor_on() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let out = dir.path().join("task/repo");
    fs::create_dir_all(out.join("checkpoint-1")).expect("a leftover");
    fs::write(out.join("model.safetensors"), "merged weights of another attempt").expect("a leftover");
    let publisher = Publisher::new(&out, "org/base").expect("writable");
    assert!(!holds_artifact(&out));
    let lora = LoraConfig::all_linear(4, 8.0);
    publisher.floor(&config(), &lora, 0).expect("published");
    assert!(holds_artifact(&out));
    let mut names: Vec<_> =
        fs::read_dir(&out).expect("readable").flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["adapter_config.json", "adapter_model.safetensors"], "leftovers are gone");

    let before = fs::read(out.join("adapter_model.safetensors")).expect("readable");
    let model = LanguageModel::fresh(&config(), 1, &Device::flex()).with_fresh_lora(&lora, 7);
    let artifact = publisher.adapter(&model, 5).expect("published");
    assert_eq!(artifact.step, 5);
    assert!(holds_artifact(&out));
    assert_ne!(before, fs::read(out.join("adapter_model.safetensors")).expect("readable"));
    drop(publisher);
    assert_eq!(
        fs::read_dir(dir.path().join("task")).expect("readable").count(),
        1,
        "nothing is left beside it"
    );
}

#[test]
fn an_output_that_cannot_be_made_is_bad_input_with_its_path() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("file"), "").expect("written");
    let bad = Publisher::new(&dir.path().join("file/out"), "base").expect_err("a file is in the way");
    assert!(bad.message.contains("file/out"), "{bad}");
}
