//! An adapter that changes nothing, for a model of a family that is not ours: places and shapes come from its weights.
//!
//! Targets are whole paths, so that PEFT finds exactly these modules. What a name does not show to be a plain linear map
//! of the text model is left out: a module that PEFT cannot adapt would make it refuse all of them.

use std::path::Path;

use serde_json::{Value, json};

use super::{PREFIX, peft_json, write_adapter};
use crate::config::DecoderConfig;
use crate::weights::{HostTensor, TensorFiles, tensor_rng, uniform_values};
use crate::{Error, LoraConfig, Result};

/// Last parts of the paths of linear maps.
const LINEAR: [&str; 24] = [
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "out_proj",
    "qkv_proj",
    "in_proj",
    "query_key_value",
    "c_attn",
    "c_fc",
    "c_proj",
    "Wqkv",
    "wqkv",
    "wo",
    "dense",
    "gate_proj",
    "up_proj",
    "down_proj",
    "gate_up_proj",
    "fc1",
    "fc2",
    "dense_h_to_4h",
    "dense_4h_to_h",
    "fc_in",
];
/// Parts of a path that lead out of the text model, or into modules that are no plain maps.
const ELSEWHERE: [&str; 7] = ["vision", "visual", "audio", "image", "experts", "conv", "mtp"];
/// Families whose matrices are `[in, out]`.
const TRANSPOSED: [&str; 2] = ["openai-gpt", "imagegpt"];

/// Writes an adapter that changes nothing for the model in `model_dir`, whatever its family.
///
/// # Errors
/// If config.json names no family, the weights are unreadable, no linear map is recognised among them, or a file cannot
/// be written.
pub fn write_foreign_floor(
    dir: &Path,
    model_dir: &Path,
    lora: &LoraConfig,
    base_model: &str,
    seed: u64,
) -> Result<()> {
    let model_type = DecoderConfig::model_type(model_dir)?;
    let files = TensorFiles::open(model_dir, "model")?;
    let mut places: Vec<(&str, [usize; 2])> = files.names().filter_map(|name| place(&files, name)).collect();
    places.sort_unstable();
    if places.is_empty() {
        return Err(Error::UnsupportedModelType { model_type });
    }
    let is_transposed = TRANSPOSED.contains(&model_type.as_str());
    let mut tensors = Vec::new();
    for (name, [rows, cols]) in &places {
        let (n_out, n_in) = if is_transposed { (*cols, *rows) } else { (*rows, *cols) };
        let bound = 1.0 / (n_in as f32).sqrt();
        let a = uniform_values(&mut tensor_rng(seed, name), bound, lora.rank * n_in);
        let a = HostTensor::from_f32(&a, &[lora.rank, n_in]);
        let b = HostTensor::from_f32(&vec![0.0; n_out * lora.rank], &[n_out, lora.rank]);
        tensors.push((format!("{PREFIX}{name}.lora_A.weight"), a));
        tensors.push((format!("{PREFIX}{name}.lora_B.weight"), b));
    }
    let targets: Value = places.iter().map(|(name, _)| json!(name)).collect();
    write_adapter(dir, &peft_json(lora, &targets, is_transposed, base_model), tensors)
}

/// Path and shape of a linear map in a layer.
fn place<'a>(files: &'a TensorFiles, name: &'a str) -> Option<(&'a str, [usize; 2])> {
    let path = name.strip_suffix(".weight")?;
    let is_in_layer = path.split('.').any(|part| part.parse::<usize>().is_ok());
    let is_linear = LINEAR.contains(&path.rsplit('.').next()?);
    let is_elsewhere = ELSEWHERE.iter().any(|part| path.contains(part));
    match files.get(name)?.1 {
        &[rows, cols] if is_in_layer && is_linear && !is_elsewhere => Some((path, [rows, cols])),
        _ => None,
    }
}
