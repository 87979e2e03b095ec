//! Shape of a decoder: everything that differs between architectures, as data.
//!
//! Read from HF `config.json` in the styles of transformers 4 and 5 (`config::hf`), or made from a named size
//! (`config::presets`). The forward pass never asks which architecture it runs.

mod hf;
mod presets;

use std::fmt;
use std::str::FromStr;

pub use presets::Size;

/// A family of decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// `qwen2`: bias on q, k, v.
    Qwen2,
    /// `qwen3`: norms on q and k.
    Qwen3,
    /// `llama`.
    Llama,
    /// `mistral`: sliding window on every layer.
    Mistral,
}

impl Arch {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Qwen2, Self::Qwen3, Self::Llama, Self::Mistral];

    /// `model_type` of config.json.
    pub fn model_type(self) -> &'static str {
        match self {
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Llama => "llama",
            Self::Mistral => "mistral",
        }
    }

    /// The class that transformers loads it into.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Qwen3 => "Qwen3ForCausalLM",
            Self::Llama => "LlamaForCausalLM",
            Self::Mistral => "MistralForCausalLM",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.model_type())
    }
}

impl FromStr for Arch {
    type Err = crate::Error;

    fn from_str(name: &str) -> crate::Result<Self> {
        let found = Self::ALL.into_iter().find(|arch| arch.model_type() == name);
        found.ok_or_else(|| crate::Error::UnsupportedModelType { model_type: name.to_owned() })
    }
}

/// Rotary position embedding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RopeConfig {
    /// Base of the geometric series of wavelengths.
    pub theta: f64,
    /// Stretching of long wavelengths, `rope_type` llama3.
    pub llama3: Option<Llama3Rope>,
}

/// Parameters of `rope_type` llama3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Llama3Rope {
    /// By how much the longest wavelengths are stretched.
    pub factor: f64,
    /// Wavelengths above `original_max_position / low_freq_factor` are stretched fully.
    pub low_freq_factor: f64,
    /// Wavelengths below `original_max_position / high_freq_factor` are left alone.
    pub high_freq_factor: f64,
    /// Context that the model was first trained on.
    pub original_max_position: f64,
}

/// Everything that the forward pass needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoderConfig {
    /// The family; decides names in config.json only.
    pub arch: Arch,
    /// Rows of the embedding. May exceed the tokenizer's size.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the MLP.
    pub intermediate_size: usize,
    /// Number of layers.
    pub n_layers: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; divides `n_heads`.
    pub n_kv_heads: usize,
    /// Width of a head; not always `hidden_size / n_heads`.
    pub head_dim: usize,
    /// Added to the mean square in every norm.
    pub rms_norm_eps: f64,
    /// The head is the embedding.
    pub tie_word_embeddings: bool,
    /// Bias on q, k and v.
    pub qkv_bias: bool,
    /// Bias on the attention's output.
    pub output_bias: bool,
    /// Bias in the MLP.
    pub mlp_bias: bool,
    /// Norms over each head of q and k.
    pub qk_norm: bool,
    /// Position embedding.
    pub rope: RopeConfig,
    /// Sliding window per layer: position t sees t−w+1 … t. `None` sees everything before it.
    pub windows: Vec<Option<usize>>,
    /// Longest sequence the model was made for.
    pub max_position_embeddings: usize,
    /// Standard deviation of fresh weights.
    pub initializer_range: f64,
    /// End of text, from config.json; generation may know more (generation_config.json).
    pub eos_token_ids: Vec<u32>,
    /// Padding, where the model has one.
    pub pad_token_id: Option<u32>,
}

impl DecoderConfig {
    /// Query heads that share a key head.
    pub(crate) fn group(&self) -> usize {
        self.n_heads / self.n_kv_heads
    }

    /// Number of parameters without adapters.
    pub fn n_params(&self) -> usize {
        crate::weights::tensor_shapes(self).iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }
}

#[cfg(test)]
mod tests;
