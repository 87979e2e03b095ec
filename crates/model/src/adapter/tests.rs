//! PEFT folders.

use std::path::Path;

use burn::tensor::{DType, Device};

use super::*;
use crate::config::Arch;
use crate::decoder::TokenBatch;
use crate::test_support::{pico, reference_dir};

fn logits(model: &LanguageModel) -> Vec<f32> {
    let hidden = model.hidden(&TokenBatch::right_padded(&[[3u32, 1, 4, 1, 5]]));
    host_values(model.lm_logits(hidden.squeeze_dim::<2>(0)))
}

/// Changes one option of a written adapter and reads it again.
fn refusal(option: &str, value: Value) -> String {
    let dir = tempfile::tempdir().unwrap();
    let config = DecoderConfig::preset(Arch::Qwen2, crate::Size::Pico);
    write_floor_adapter(dir.path(), &config, &LoraConfig::all_linear(4, 8.0), "base", 0).unwrap();
    let path = dir.path().join("adapter_config.json");
    let mut peft: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    peft[option] = value;
    std::fs::write(&path, peft.to_string()).unwrap();
    LoraConfig::from_dir(dir.path()).unwrap_err().to_string()
}

#[test]
fn an_adapter_survives_the_round_trip_bit_for_bit() {
    let lora = LoraConfig { rank: 4, alpha: 6.0, targets: vec![Target::QProj, Target::UpProj] };
    let base = pico(Arch::Qwen2, 0, &Device::flex());
    let model = crate::lora::tests::trained(base.clone(), &lora);
    let dir = tempfile::tempdir().unwrap();
    model.save_adapter(dir.path(), "some/base").unwrap();
    let loaded = base.with_adapter(dir.path()).unwrap();
    assert_eq!(loaded.lora(), Some(&lora));
    assert_eq!(logits(&loaded), logits(&model));
    let files = TensorFiles::open(dir.path(), "adapter_model").unwrap();
    assert!(files.get("base_model.model.model.layers.1.mlp.up_proj.lora_B.weight").is_some());
}

#[test]
fn every_family_has_the_names_that_peft_gives_its_maps() {
    let device = Device::flex();
    let check = |arch, targets: Vec<Target>, modules: Value, tensor: &str| {
        let lora = LoraConfig { rank: 4, alpha: 6.0, targets };
        let base = pico(arch, 0, &device);
        let model = crate::lora::tests::trained(base.clone(), &lora.on(base.config()));
        let dir = tempfile::tempdir().unwrap();
        model.save_adapter(dir.path(), "some/base").unwrap();
        let text = std::fs::read_to_string(dir.path().join("adapter_config.json")).unwrap();
        let config: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(config["target_modules"], modules, "{arch}");
        assert_eq!(config["fan_in_fan_out"], arch == Arch::Gpt2, "{arch}");
        let files = TensorFiles::open(dir.path(), "adapter_model").unwrap();
        assert!(files.get(tensor).is_some(), "{arch}: {tensor} among {:?}", files.names().next());
        assert_eq!(logits(&base.with_adapter(dir.path()).unwrap()), logits(&model), "{arch}");
    };
    let all = || Target::ALL.to_vec();
    check(
        Arch::Gpt2,
        all(),
        json!(["c_attn", "c_proj", "c_fc"]),
        "base_model.model.transformer.h.1.mlp.c_proj.lora_A.weight",
    );
    check(
        Arch::Gpt2,
        vec![Target::OProj],
        json!(["attn.c_proj"]),
        "base_model.model.transformer.h.0.attn.c_proj.lora_B.weight",
    );
    check(
        Arch::GptNeox,
        all(),
        json!(["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"]),
        "base_model.model.gpt_neox.layers.0.attention.query_key_value.lora_A.weight",
    );
    check(
        Arch::Opt,
        all(),
        json!(["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]),
        "base_model.model.model.decoder.layers.0.fc1.lora_B.weight",
    );
}

#[test]
fn the_adapter_that_peft_wrote_is_read() {
    let Some(golden) = reference_dir("data/golden") else {
        return;
    };
    let base = LanguageModel::load(&golden.join("model"), DType::F32, &Device::flex()).unwrap();
    let plain = logits(&base);
    let model = base.with_adapter(&golden.join("adapter")).unwrap();
    assert_eq!(model.lora(), Some(&LoraConfig::all_linear(8, 16.0).on(model.config())));
    assert_ne!(logits(&model), plain, "its B is not zero");
    let dir = tempfile::tempdir().unwrap();
    model.save_adapter(dir.path(), "../model").unwrap();
    let read =
        |dir: &Path, name: &str| TensorFiles::open(dir, "adapter_model").unwrap().get_f32(name).unwrap().0;
    let name = "base_model.model.model.layers.0.self_attn.o_proj.lora_A.weight";
    assert_eq!(read(dir.path(), name), read(&golden.join("adapter"), name));
    let keys = |dir: &Path| -> Vec<String> {
        let text = std::fs::read_to_string(dir.join("adapter_config.json")).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        value.as_object().unwrap().keys().cloned().collect()
    };
    let theirs = keys(&golden.join("adapter"));
    for key in keys(dir.path()) {
        assert!(theirs.contains(&key), "PEFT does not write `{key}`");
    }
}

#[test]
fn ranks_and_scales_of_single_maps_are_read() {
    let lora = LoraConfig { rank: 4, alpha: 8.0, targets: vec![Target::QProj, Target::UpProj] };
    let base = pico(Arch::Qwen2, 0, &Device::flex());
    let model = crate::lora::tests::trained(base.clone(), &lora);
    let want = logits(&model);
    for (field, r, alpha) in [
        (json!({ "use_rslora": true }), 4, 4.0),
        (json!({ "rank_pattern": { "q_proj": 4, "mlp.up_proj": 4 } }), 16, 8.0),
        (
            json!({ "rank_pattern": { "q_proj": 4 }, "alpha_pattern": { "model.layers.0.self_attn.q_proj": 8 } }),
            4,
            8.0,
        ),
        (json!({ "alpha_pattern": { "q_proj": 8, "up_proj": 8 } }), 4, 100.0),
    ] {
        let dir = tempfile::tempdir().unwrap();
        model.save_adapter(dir.path(), "base").unwrap();
        let path = dir.path().join("adapter_config.json");
        let mut peft: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        peft.as_object_mut().unwrap().extend(field.as_object().unwrap().clone());
        (peft["r"], peft["lora_alpha"]) = (json!(r), json!(alpha));
        std::fs::write(&path, peft.to_string()).unwrap();
        let read = base.clone().with_adapter(dir.path()).unwrap();
        let worst = logits(&read).iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "{field}: {worst}");
        model.check_adapter(dir.path()).unwrap();
        let again = tempfile::tempdir().unwrap();
        read.save_adapter(again.path(), "base").unwrap();
        read.check_adapter(again.path()).unwrap();
    }
}

#[test]
fn the_floor_adapter_changes_nothing_and_needs_no_weights() {
    let model = pico(Arch::Llama, 0, &Device::flex());
    let dir = tempfile::tempdir().unwrap();
    write_floor_adapter(dir.path(), model.config(), &LoraConfig::all_linear(8, 16.0), "base", 3).unwrap();
    let plain = logits(&model);
    assert_eq!(logits(&model.with_adapter(dir.path()).unwrap()), plain);
}

#[test]
fn options_that_change_the_function_are_refused_by_name() {
    for (option, value) in [
        ("modules_to_save", json!(["lm_head"])),
        ("use_dora", json!(true)),
        ("layers_to_transform", json!([0])),
    ] {
        assert!(refusal(option, value).contains(option), "{option}");
    }
    assert!(refusal("rank_pattern", json!({ "q_.*": 4 })).contains("more than a name"));
    assert!(refusal("modules_to_save", json!(["lm_head"])).contains("merge the adapter with PEFT first"));
    assert!(refusal("bias", json!("all")).contains("bias `all`"));
    assert!(refusal("peft_type", json!("IA3")).contains("IA3"));
    assert!(refusal("target_modules", json!(["q_proj", "lm_head"])).contains("`lm_head`"));
    assert!(refusal("target_modules", json!(".*_proj")).contains("pattern"));
}

#[test]
fn an_adapter_for_another_shape_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let other = DecoderConfig::preset(Arch::Llama, crate::Size::Nano);
    write_floor_adapter(dir.path(), &other, &LoraConfig::all_linear(4, 8.0), "base", 0).unwrap();
    pico(Arch::Llama, 0, &Device::flex()).with_adapter(dir.path()).unwrap_err();
    let model = pico(Arch::Llama, 0, &Device::flex());
    let error = model.save_adapter(dir.path(), "base").unwrap_err();
    assert!(error.to_string().contains("no adapter"), "{error}");
}
