//! Files in and out.

use std::path::Path;

use burn::tensor::{DType, Device};
use tempfile::TempDir;

use super::*;
use crate::Error;
use crate::config::Arch;
use crate::decoder::TokenBatch;
use crate::test_support::pico;

fn logits(model: &LanguageModel) -> Vec<f32> {
    let hidden = model.hidden(&TokenBatch::right_padded(&[[3u32, 1, 4, 1, 5]]));
    host_values(model.lm_logits(hidden.squeeze_dim::<2>(0)))
}

fn saved(model: &LanguageModel, dtype: DType) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    model.save(dir.path(), &SaveOptions { dtype, ..SaveOptions::default() }).unwrap();
    dir
}

fn load(dir: &Path) -> crate::Result<LanguageModel> {
    LanguageModel::load(dir, DType::F32, &Device::flex())
}

type NamedTensor = (String, Vec<f32>, Vec<usize>);

/// Rewrites the file of weights without or with changed tensors.
fn rewrite(dir: &Path, change: &dyn Fn(NamedTensor) -> Option<NamedTensor>) {
    let files = TensorFiles::open(dir, "model").unwrap();
    let mut tensors = Vec::new();
    for name in files.names() {
        let (values, shape) = files.get_f32(name).unwrap();
        if let Some((name, values, shape)) = change((name.to_owned(), values, shape.to_vec())) {
            tensors.push((name, HostTensor::from_f32(&values, &shape)));
        }
    }
    drop(files);
    write_tensors(&dir.join("model.safetensors"), tensors).unwrap();
}

#[test]
fn a_saved_model_loads_bit_for_bit() {
    for arch in Arch::ALL {
        let model = pico(arch, 7, &Device::flex());
        let dir = saved(&model, DType::F32);
        let loaded = load(dir.path()).unwrap();
        assert_eq!(logits(&loaded), logits(&model), "{arch}");
        let mut names: Vec<String> =
            tensor_shapes(model.config()).into_iter().map(|(path, _)| arch.name_in_files(&path)).collect();
        let files = TensorFiles::open(dir.path(), "model").unwrap();
        let mut found: Vec<String> = files.names().map(str::to_owned).collect();
        names.sort();
        found.sort();
        assert_eq!(found, names, "{arch}");
    }
}

#[test]
fn half_precision_files_are_widened() {
    let model = pico(Arch::Qwen2, 7, &Device::flex());
    for (dtype, tolerance) in [(DType::F16, 0.02), (DType::BF16, 0.2)] {
        let loaded = load(saved(&model, dtype).path()).unwrap();
        assert_eq!(loaded.dtype(), DType::F32);
        let worst =
            logits(&loaded).iter().zip(logits(&model)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst > 0.0 && worst < tolerance, "{dtype:?}: {worst}");
    }
}

#[test]
fn files_say_that_they_are_in_torch_layout() {
    let dir = saved(&pico(Arch::Llama, 0, &Device::flex()), DType::F32);
    let bytes = std::fs::read(dir.path().join("model.safetensors")).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "pt");
    assert!(std::fs::read_dir(dir.path()).unwrap().all(|file| {
        let name = file.unwrap().file_name();
        !name.to_string_lossy().ends_with(".partial")
    }));
}

#[test]
fn shards_are_read_through_their_index() {
    let model = pico(Arch::Qwen3, 7, &Device::flex());
    let dir = saved(&model, DType::F32);
    let files = TensorFiles::open(dir.path(), "model").unwrap();
    let mut names: Vec<&str> = files.names().collect();
    names.sort_unstable();
    let mut index = serde_json::Map::new();
    for (shard, names) in names.chunks(names.len() / 2 + 1).enumerate() {
        let file = format!("model-0000{}-of-00002.safetensors", shard + 1);
        let tensors = names.iter().map(|name| {
            let (values, shape) = files.get_f32(name).unwrap();
            ((*name).to_owned(), HostTensor::from_f32(&values, shape))
        });
        write_tensors(&dir.path().join(&file), tensors.collect()).unwrap();
        index.extend(names.iter().map(|name| ((*name).to_owned(), file.clone().into())));
    }
    drop(files);
    std::fs::remove_file(dir.path().join("model.safetensors")).unwrap();
    let index = serde_json::json!({ "metadata": {}, "weight_map": index });
    std::fs::write(dir.path().join("model.safetensors.index.json"), index.to_string()).unwrap();
    assert_eq!(logits(&load(dir.path()).unwrap()), logits(&model));
}

#[test]
fn a_large_model_is_written_in_shards() {
    for arch in [Arch::Gemma3, Arch::Gpt2] {
        let model = pico(arch, 7, &Device::flex());
        let dir = tempfile::tempdir().unwrap();
        let max_shard_size = 100_000;
        model.save(dir.path(), &SaveOptions { max_shard_size, ..SaveOptions::default() }).unwrap();
        let text = std::fs::read_to_string(dir.path().join("model.safetensors.index.json")).unwrap();
        let index: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(index["metadata"]["total_size"], 4 * model.config().n_params());
        let mut files: Vec<&str> =
            index["weight_map"].as_object().unwrap().values().map(|file| file.as_str().unwrap()).collect();
        files.sort_unstable();
        files.dedup();
        assert!(files.len() > 2, "{files:?}");
        assert_eq!(files[0], format!("model-00001-of-{:05}.safetensors", files.len()));
        for file in files {
            let bytes = std::fs::read(dir.path().join(file)).unwrap();
            let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            assert!(tensors.len() == 1 || bytes.len() < max_shard_size + 5000, "{file}: {}", bytes.len());
        }
        assert_eq!(logits(&load(dir.path()).unwrap()), logits(&model), "{arch}");
        model.check_saved(dir.path()).unwrap();
        let error = pico(arch, 8, &Device::flex()).check_saved(dir.path()).unwrap_err().to_string();
        assert!(error.contains("log-probabilities differ"), "{error}");
    }
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let reason = |change: &dyn Fn(NamedTensor) -> Option<NamedTensor>| {
        let dir = saved(&pico(Arch::Llama, 0, &Device::flex()), DType::F32);
        rewrite(dir.path(), change);
        match load(dir.path()).unwrap_err() {
            Error::Weights { reason, .. } => reason,
            other => panic!("{other}"),
        }
    };
    let missing = reason(&|tensor| (tensor.0 != "model.norm.weight").then_some(tensor));
    assert_eq!(missing, "`model.norm.weight` is missing");
    let reshaped = reason(&|(name, values, mut shape)| {
        if name == "model.norm.weight" {
            shape.insert(0, 1);
        }
        Some((name, values, shape))
    });
    assert_eq!(reshaped, "`model.norm.weight` has shape [1, 64], config.json asks for [64]");
    let extra = reason(&|(mut name, values, shape)| {
        if name == "model.norm.weight" {
            name = "model.layers.0.self_attn.q_proj.bias".to_owned();
        }
        Some((name, values, shape))
    });
    assert!(extra.contains("`model.layers.0.self_attn.q_proj.bias`"), "{extra}");
}

#[test]
fn a_cut_file_is_an_error() {
    let dir = saved(&pico(Arch::Llama, 0, &Device::flex()), DType::F32);
    let path = dir.path().join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    for n in [0, 7, 100, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..n]).unwrap();
        load(dir.path()).unwrap_err();
    }
}

#[test]
fn companions_are_copied_byte_for_byte() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let model = pico(Arch::Llama, 0, &Device::flex());
    std::fs::write(from.path().join("config.json"), b"{ \"odd\" :  1}").unwrap();
    std::fs::write(from.path().join("chat_template.jinja"), b"{{ x }}\n").unwrap();
    let options = SaveOptions { companions: Some(from.path().to_owned()), ..SaveOptions::default() };
    model.save(to.path(), &options).unwrap();
    for name in ["config.json", "chat_template.jinja"] {
        assert_eq!(
            std::fs::read(to.path().join(name)).unwrap(),
            std::fs::read(from.path().join(name)).unwrap()
        );
    }
    assert!(!to.path().join("tokenizer.json").exists());
}

#[test]
fn a_seed_makes_the_same_model_again() {
    let device = Device::flex();
    let same =
        |a: u64, b: u64| logits(&pico(Arch::Qwen2, a, &device)) == logits(&pico(Arch::Qwen2, b, &device));
    assert!(same(3, 3));
    assert!(!same(3, 4));
}

#[test]
fn fresh_weights_have_the_deviation_that_is_asked_for() {
    let values = fresh::normal_values(&mut tensor_rng(0, "w"), 0.02, 20_001);
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let std = (values.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt();
    assert_eq!(values.len(), 20_001);
    assert!(mean.abs() < 1e-3 && (std - 0.02).abs() < 5e-4, "{mean} {std}");
}
