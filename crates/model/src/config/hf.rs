//! config.json of transformers 4 and 5, in and out.
//!
//! Version 5 moved `rope_theta` and `rope_scaling` into `rope_parameters` and renamed `torch_dtype` to `dtype`;
//! both spellings are read, and what we write can be read by both.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Arch, DecoderConfig, Llama3Rope, RopeConfig};
use crate::{Error, Result};

#[derive(Deserialize)]
struct RawConfig {
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    hidden_act: Option<String>,
    rms_norm_eps: Option<f64>,
    #[serde(default)]
    tie_word_embeddings: bool,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    rope_theta: Option<f64>,
    rope_scaling: Option<RawRope>,
    rope_parameters: Option<RawRope>,
    sliding_window: Option<usize>,
    use_sliding_window: Option<bool>,
    max_window_layers: Option<usize>,
    layer_types: Option<Vec<String>>,
    max_position_embeddings: Option<usize>,
    initializer_range: Option<f64>,
    eos_token_id: Option<OneOrMany>,
    pad_token_id: Option<u32>,
}

#[derive(Deserialize)]
struct RawRope {
    rope_theta: Option<f64>,
    #[serde(alias = "type")]
    rope_type: Option<String>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
}

/// `eos_token_id` is a number or a list, in config.json and in generation_config.json.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
}

impl From<OneOrMany> for Vec<u32> {
    fn from(ids: OneOrMany) -> Self {
        match ids {
            OneOrMany::One(id) => vec![id],
            OneOrMany::Many(ids) => ids,
        }
    }
}

impl DecoderConfig {
    /// Reads `config.json` of a model folder.
    ///
    /// # Errors
    /// If the file is missing or malformed, or names an architecture or a variant that is not supported.
    pub fn from_dir(dir: &Path) -> Result<Self> {
        let path = dir.join("config.json");
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        Self::from_json(&text).map_err(|error| match error {
            Error::Config { reason, .. } => Error::Config { path, reason },
            other => other,
        })
    }

    /// Parses the text of a `config.json`.
    ///
    /// # Errors
    /// As [`DecoderConfig::from_dir`].
    pub fn from_json(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(malformed)?;
        let model_type = value.get("model_type").and_then(Value::as_str).unwrap_or("(none)");
        // Asked first: an unknown architecture may lack fields that ours have.
        let arch: Arch = model_type.parse()?;
        let raw: RawConfig = serde_json::from_value(value).map_err(malformed)?;
        raw.resolve(arch)
    }

    /// The `config.json` of this model.
    pub fn to_json(&self) -> Value {
        let mut config = json!({
            "architectures": [self.arch.class()],
            "attention_dropout": 0.0,
            "bos_token_id": null,
            "dtype": "float32",
            "eos_token_id": self.eos_token_ids.first(),
            "head_dim": self.head_dim,
            "hidden_act": "silu",
            "hidden_size": self.hidden_size,
            "initializer_range": self.initializer_range,
            "intermediate_size": self.intermediate_size,
            "max_position_embeddings": self.max_position_embeddings,
            "model_type": self.arch.model_type(),
            "num_attention_heads": self.n_heads,
            "num_hidden_layers": self.n_layers,
            "num_key_value_heads": self.n_kv_heads,
            "pad_token_id": self.pad_token_id,
            "rms_norm_eps": self.rms_norm_eps,
            "rope_parameters": self.rope.to_json(),
            "rope_theta": self.rope.theta,
            "tie_word_embeddings": self.tie_word_embeddings,
            "torch_dtype": "float32",
            "use_cache": true,
            "vocab_size": self.vocab_size,
        });
        let window = self.windows.iter().copied().flatten().next();
        let layer_types = || -> Vec<&str> {
            let kind = |window: &Option<usize>| {
                if window.is_some() { "sliding_attention" } else { "full_attention" }
            };
            self.windows.iter().map(kind).collect()
        };
        let own = match self.arch {
            Arch::Qwen2 => json!({
                "layer_types": layer_types(), "use_sliding_window": window.is_some(), "sliding_window": window,
            }),
            Arch::Qwen3 => json!({
                "attention_bias": self.qkv_bias,
                "layer_types": layer_types(), "use_sliding_window": window.is_some(), "sliding_window": window,
            }),
            Arch::Llama => json!({ "attention_bias": self.qkv_bias, "mlp_bias": self.mlp_bias }),
            Arch::Mistral => json!({ "sliding_window": window }),
        };
        if let (Some(config), Value::Object(own)) = (config.as_object_mut(), own) {
            config.extend(own);
        }
        config
    }
}

impl RawConfig {
    fn resolve(self, arch: Arch) -> Result<DecoderConfig> {
        if let Some(act) = self.hidden_act.as_deref().filter(|act| *act != "silu") {
            return Err(self.unsupported("hidden_act", act));
        }
        let n_kv_heads = self.num_key_value_heads.unwrap_or(self.num_attention_heads);
        if n_kv_heads == 0 || !self.num_attention_heads.is_multiple_of(n_kv_heads) {
            let heads = format!("{} with {} attention heads", n_kv_heads, self.num_attention_heads);
            return Err(self.unsupported("num_key_value_heads", &heads));
        }
        let rope = self.rope()?;
        let windows = self.windows(arch);
        let bias = self.attention_bias.unwrap_or(false);
        Ok(DecoderConfig {
            arch,
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            n_kv_heads,
            head_dim: self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads),
            rms_norm_eps: self.rms_norm_eps.unwrap_or(1e-6),
            tie_word_embeddings: self.tie_word_embeddings,
            qkv_bias: arch == Arch::Qwen2 || bias,
            output_bias: arch != Arch::Qwen2 && bias,
            mlp_bias: self.mlp_bias.unwrap_or(false),
            qk_norm: arch == Arch::Qwen3,
            rope,
            windows,
            max_position_embeddings: self.max_position_embeddings.unwrap_or(2048),
            initializer_range: self.initializer_range.unwrap_or(0.02),
            eos_token_ids: self.eos_token_id.map(Vec::from).unwrap_or_default(),
            pad_token_id: self.pad_token_id,
        })
    }

    fn rope(&self) -> Result<RopeConfig> {
        let raw = self.rope_parameters.as_ref().or(self.rope_scaling.as_ref());
        let theta = raw.and_then(|rope| rope.rope_theta).or(self.rope_theta).unwrap_or(10_000.0);
        let Some(raw) = raw else {
            return Ok(RopeConfig { theta, llama3: None });
        };
        let llama3 = match raw.rope_type.as_deref().unwrap_or("default") {
            "default" => None,
            "llama3" => Some(
                raw.llama3()
                    .ok_or_else(|| self.unsupported("rope_parameters", "llama3 without its factors"))?,
            ),
            other => return Err(self.unsupported("rope_type", other)),
        };
        Ok(RopeConfig { theta, llama3 })
    }

    /// Qwen switches windows on explicitly and lists the layers; Mistral's window holds on every layer.
    fn windows(&self, arch: Arch) -> Vec<Option<usize>> {
        let n_layers = self.num_hidden_layers;
        let Some(window) = self.sliding_window else {
            return vec![None; n_layers];
        };
        match arch {
            Arch::Llama => vec![None; n_layers],
            Arch::Mistral => vec![Some(window); n_layers],
            Arch::Qwen2 | Arch::Qwen3 if !self.use_sliding_window.unwrap_or(false) => vec![None; n_layers],
            Arch::Qwen2 | Arch::Qwen3 => (0..n_layers)
                .map(|layer| match &self.layer_types {
                    Some(types) => types.get(layer).is_some_and(|kind| kind == "sliding_attention"),
                    None => layer >= self.max_window_layers.unwrap_or(n_layers),
                })
                .map(|slides| slides.then_some(window))
                .collect(),
        }
    }

    fn unsupported(&self, field: &str, value: &str) -> Error {
        Error::UnsupportedVariant {
            model_type: self.model_type.clone(),
            field: field.to_owned(),
            value: value.to_owned(),
        }
    }
}

impl RawRope {
    fn llama3(&self) -> Option<Llama3Rope> {
        Some(Llama3Rope {
            factor: self.factor?,
            low_freq_factor: self.low_freq_factor?,
            high_freq_factor: self.high_freq_factor?,
            original_max_position: self.original_max_position_embeddings?,
        })
    }
}

impl RopeConfig {
    fn to_json(self) -> Value {
        match self.llama3 {
            None => json!({ "rope_theta": self.theta, "rope_type": "default" }),
            Some(llama3) => json!({
                "rope_theta": self.theta,
                "rope_type": "llama3",
                "factor": llama3.factor,
                "low_freq_factor": llama3.low_freq_factor,
                "high_freq_factor": llama3.high_freq_factor,
                "original_max_position_embeddings": llama3.original_max_position as u64,
            }),
        }
    }
}

fn malformed(error: serde_json::Error) -> Error {
    Error::Config { path: "config.json".into(), reason: error.to_string() }
}
