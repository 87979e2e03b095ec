//! A model from a folder in HF's layout.

use std::collections::HashSet;
use std::path::Path;

use burn::tensor::{DType, Device, TensorData};
use safetensors::Dtype;

use super::{TensorFiles, TensorSource, build, tensor_shapes};
use crate::config::{DecoderConfig, KvSource};
use crate::decoder::LanguageModel;
use crate::{Error, Result};

impl TensorSource for TensorFiles {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<TensorData> {
        let (dtype, found, bytes) =
            self.get(name).ok_or_else(|| self.error(format!("`{name}` is missing")))?;
        if found != shape {
            return Err(self.error(format!("`{name}` has shape {found:?}, config.json asks for {shape:?}")));
        }
        let dtype = match dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            other => return Err(self.error(format!("`{name}` is of type {other:?}, not f32, f16 or bf16"))),
        };
        Ok(TensorData::from_bytes_vec(bytes.to_vec(), shape, dtype))
    }
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
        let mut files = TensorFiles::open(dir, "model")?;
        refuse_unknown(&files, &config)?;
        build(&config, &mut files, dtype, device)
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

fn refuse_unknown(files: &TensorFiles, config: &DecoderConfig) -> Result<()> {
    let known: HashSet<String> = tensor_shapes(config).into_iter().map(|(name, _)| name).collect();
    // Written by old versions of transformers, or by gemma4's trainer for layers that share another's keys.
    let is_redundant = |name: &str| {
        name.ends_with("rotary_emb.inv_freq")
            || (config.tie_word_embeddings && name == "lm_head.weight")
            || is_unused_key(name, config)
    };
    let mut unknown: Vec<&str> =
        files.names().filter(|name| !known.contains(*name) && !is_redundant(name)).collect();
    unknown.sort_unstable();
    match unknown.first() {
        None => Ok(()),
        Some(first) => Err(Error::Weights {
            path: files.path().to_owned(),
            reason: format!("{} tensors that {} does not have, first `{first}`", unknown.len(), config.arch),
        }),
    }
}
