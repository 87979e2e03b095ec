//! A model from a folder in HF's layout.

use std::collections::HashSet;
use std::path::Path;

use burn::tensor::{DType, Device, TensorData};
use safetensors::Dtype;

use super::{TensorFiles, TensorSource, build, tensor_shapes};
use crate::config::{Arch, DecoderConfig, KvSource};
use crate::decoder::LanguageModel;
use crate::{Error, Result};

/// Files of a family, read by the paths of the module tree.
struct FamilyFiles {
    files: TensorFiles,
    arch: Arch,
}

impl TensorSource for FamilyFiles {
    fn tensor(&mut self, path: &str, shape: &[usize]) -> Result<TensorData> {
        let Self { files, arch } = self;
        let name = arch.name_in_files(path);
        let others = arch.other_names_in_files(path);
        let name = others.into_iter().find(|other| files.get(other).is_some()).unwrap_or(name);
        let (dtype, found, bytes) =
            files.get(&name).ok_or_else(|| files.error(format!("`{name}` is missing")))?;
        let is_transposed = arch.is_transposed_in_files(path);
        let expected: Vec<usize> =
            if is_transposed { shape.iter().rev().copied().collect() } else { shape.to_vec() };
        if found != expected {
            return Err(
                files.error(format!("`{name}` has shape {found:?}, config.json asks for {expected:?}"))
            );
        }
        let dtype = match dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            other => return Err(files.error(format!("`{name}` is of type {other:?}, not f32, f16 or bf16"))),
        };
        let bytes = match (is_transposed, found) {
            (true, &[rows, cols]) => transposed(bytes, [rows, cols], dtype.size()),
            _ => bytes.to_vec(),
        };
        files.release(&name);
        Ok(TensorData::from_bytes_vec(bytes, shape, dtype))
    }
}

/// The bytes of a matrix's transpose.
pub(super) fn transposed(bytes: &[u8], [rows, cols]: [usize; 2], size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for col in 0..cols {
        for row in 0..rows {
            let at = (row * cols + col) * size;
            out.extend_from_slice(&bytes[at..at + size]);
        }
    }
    out
}

impl LanguageModel {
    /// Loads a model folder: `config.json` and `model.safetensors` or its shards. Weights are converted to `dtype`.
    ///
    /// On a device with autodiff every parameter asks for gradients; an adapter, once added, takes that over.
    ///
    /// # Errors
    /// If a file is missing or unreadable, the architecture is unknown, or the tensors are not the ones that
    /// config.json describes. A tensor too many is an error: it would be left out of the forward pass silently.
    pub fn load(dir: &Path, dtype: DType, device: &Device) -> Result<Self> {
        let config = DecoderConfig::from_dir(dir)?;
        let files = TensorFiles::open(dir, "model")?;
        refuse_unknown(&files, &config)?;
        build(&config, &mut FamilyFiles { files, arch: config.arch }, dtype, device)
    }
}

/// Keys and values of a layer that reads an earlier one's.
fn is_unused_key(name: &str, config: &DecoderConfig) -> bool {
    let Some((layer, part)) = name.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.')) else {
        return false;
    };
    let is_key = ["k_proj", "v_proj", "k_norm", "v_norm"]
        .iter()
        .any(|map| part.strip_prefix("self_attn.").is_some_and(|part| part.starts_with(map)));
    let layer = layer.parse().ok().filter(|layer| *layer < config.n_layers);
    is_key && layer.is_some_and(|layer| config.kv_source(layer) == KvSource::Earlier)
}

/// Written by old versions of transformers, or by gemma4's trainer for layers that share another's keys.
fn is_redundant(name: &str, config: &DecoderConfig) -> bool {
    let is_mask = ["attn.bias", "attn.masked_bias", "attention.bias", "attention.masked_bias"]
        .iter()
        .any(|mask| name.ends_with(mask));
    name.ends_with("rotary_emb.inv_freq")
        || is_mask
        || (config.tie_word_embeddings && name == "lm_head.weight")
        || is_unused_key(name, config)
}

fn refuse_unknown(files: &TensorFiles, config: &DecoderConfig) -> Result<()> {
    let names = |path: &str| {
        let other = config.arch.other_names_in_files(path);
        std::iter::once(config.arch.name_in_files(path)).chain(other)
    };
    let known: HashSet<String> = tensor_shapes(config).iter().flat_map(|(path, _)| names(path)).collect();
    let mut unknown: Vec<&str> =
        files.names().filter(|name| !known.contains(*name) && !is_redundant(name, config)).collect();
    unknown.sort_unstable();
    match unknown.first() {
        None => Ok(()),
        Some(first) => Err(Error::Weights {
            path: files.path().to_owned(),
            reason: format!("{} tensors that {} does not have, first `{first}`", unknown.len(), config.arch),
        }),
    }
}

/// The type in which a model folder holds its largest tensor.
///
/// # Errors
/// If there is no readable file of weights.
pub fn stored_dtype(dir: &Path) -> Result<DType> {
    let files = TensorFiles::open(dir, "model")?;
    let largest = files.names().filter_map(|name| files.get(name)).max_by_key(|(_, _, bytes)| bytes.len());
    match largest {
        Some((Dtype::F16, ..)) => Ok(DType::F16),
        Some((Dtype::BF16, ..)) => Ok(DType::BF16),
        Some(_) => Ok(DType::F32),
        None => {
            let reason = "it holds no tensor".to_owned();
            Err(crate::Error::Weights { path: files.path().to_owned(), reason })
        }
    }
}
