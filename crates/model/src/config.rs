//! Shape of a decoder: everything that differs between architectures, as data.
//!
//! Read from HF `config.json` in the styles of transformers 4 and 5 (`config::hf`; `config::write` is the way back), or
//! made from a named size (`config::presets`). The forward pass never asks which architecture it runs.

mod family;
mod hf;
mod layers;
mod presets;
mod rope;
mod write;

use std::fmt;
use std::str::FromStr;

pub use layers::{Heads, LayerVariants, ShortConvs};
pub use presets::Size;
pub use rope::{Llama3Rope, LongRope, RopeConfig, RopeScaling, YarnRope};

pub(crate) use layers::{KvSource, Reach};

/// A family of decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// `qwen2`: bias on q, k, v.
    Qwen2,
    /// `qwen3`: norms on each head of q and k.
    Qwen3,
    /// `llama`.
    Llama,
    /// `mistral`: sliding window on every layer.
    Mistral,
    /// `ministral3`: scores that grow with the position.
    Ministral3,
    /// `phi3`: one map for q, k and v, one for gate and up.
    Phi3,
    /// `gemma2`: four norms a layer, soft caps, a window on every other layer.
    Gemma2,
    /// `gemma3_text`: four norms a layer, norms on q and k, windows with positions of their own.
    Gemma3,
    /// `gemma4_text`: inputs of each layer's own, wider heads where a layer sees everything, layers that share keys.
    Gemma4,
    /// `gemma4_unified_text`: the same without inputs of each layer's own.
    Gemma4Unified,
    /// `gpt2`: learned positions, LayerNorm, an MLP without a gate, one map for q, k and v.
    Gpt2,
    /// `gpt_neox`: attention and MLP side by side, LayerNorm, part of each head rotated.
    GptNeox,
    /// `opt`: learned positions, LayerNorm, ReLU.
    Opt,
    /// `lfm2`: a short convolution instead of attention in most layers.
    Lfm2,
    /// `granite`: multipliers on embedding, residuals, scores and logits.
    Granite,
    /// `olmo3`: norms after each block and on the whole of q and k.
    Olmo3,
}

impl Arch {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Qwen2,
        Self::Qwen3,
        Self::Llama,
        Self::Mistral,
        Self::Ministral3,
        Self::Phi3,
        Self::Gemma2,
        Self::Gemma3,
        Self::Gemma4,
        Self::Gemma4Unified,
        Self::Gpt2,
        Self::GptNeox,
        Self::Opt,
        Self::Lfm2,
        Self::Granite,
        Self::Olmo3,
    ];

    /// `model_type` of config.json.
    pub fn model_type(self) -> &'static str {
        match self {
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Ministral3 => "ministral3",
            Self::Phi3 => "phi3",
            Self::Gemma2 => "gemma2",
            Self::Gemma3 => "gemma3_text",
            Self::Gemma4 => "gemma4_text",
            Self::Gemma4Unified => "gemma4_unified_text",
            Self::Gpt2 => "gpt2",
            Self::GptNeox => "gpt_neox",
            Self::Opt => "opt",
            Self::Lfm2 => "lfm2",
            Self::Granite => "granite",
            Self::Olmo3 => "olmo3",
        }
    }

    /// Their names, for messages.
    pub fn names() -> String {
        Self::ALL.map(Self::model_type).join(", ")
    }

    pub(crate) fn is_gemma4(self) -> bool {
        matches!(self, Self::Gemma4 | Self::Gemma4Unified)
    }

    /// The class that transformers loads it into.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Qwen3 => "Qwen3ForCausalLM",
            Self::Llama => "LlamaForCausalLM",
            Self::Mistral => "MistralForCausalLM",
            Self::Ministral3 => "Ministral3ForCausalLM",
            Self::Phi3 => "Phi3ForCausalLM",
            Self::Gemma2 => "Gemma2ForCausalLM",
            Self::Gemma3 => "Gemma3ForCausalLM",
            Self::Gemma4 => "Gemma4ForCausalLM",
            Self::Gemma4Unified => "Gemma4UnifiedForCausalLM",
            Self::Gpt2 => "GPT2LMHeadModel",
            Self::GptNeox => "GPTNeoXForCausalLM",
            Self::Opt => "OPTForCausalLM",
            Self::Lfm2 => "Lfm2ForCausalLM",
            Self::Granite => "GraniteForCausalLM",
            Self::Olmo3 => "Olmo3ForCausalLM",
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

/// Where a layer has its norms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormPlacement {
    /// Before attention and before the MLP.
    Before,
    /// After each, on what is added to the residual stream.
    After,
    /// Both.
    Around,
    /// On the residual stream itself, after attention and after the MLP.
    OnStream,
}

/// What a norm divides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// The root of the mean square.
    RootMeanSquare,
    /// The standard deviation, after the mean is taken off; a bias is added.
    Layer,
}

/// Queries, keys and values in the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QkvLayout {
    /// A map each.
    Separate,
    /// One map: all queries, all keys, all values.
    Blocks,
    /// One map: query, key and value of the first head, then of the next.
    PerHead,
}

/// Maps of the MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MlpKind {
    /// `down(act(gate(x)) · up(x))`
    Gated,
    /// The same with gate and up in one map.
    GatedInOne,
    /// `down(act(up(x)))`
    Plain,
}

/// Norms on queries and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QkNorm {
    /// None.
    None,
    /// Over each head.
    Head,
    /// Over all heads together.
    Whole,
}

/// What the gate of the MLP goes through, or what it widens to where it has no gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x · sigmoid(x)`
    Silu,
    /// GELU in its tanh form.
    GeluTanh,
    /// `x/2 · (1 + erf(x/√2))`
    Gelu,
    /// `max(x, 0)`
    Relu,
}

/// Constant factors, 1 where a family has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    /// Of the embedded tokens.
    pub embedding: f64,
    /// Of the attention scores; 1/√head_dim where a family says nothing.
    pub attention: f64,
    /// Of what a block adds to the residual stream.
    pub residual: f64,
    /// Of the logits.
    pub logits: f64,
}

/// Bounds by `cap · tanh(x / cap)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SoftCaps {
    /// Of the attention scores.
    pub attention: Option<f64>,
    /// Of the logits.
    pub logits: Option<f64>,
}

/// Scores that grow with the query's position p, by `1 + beta · ln(1 + ⌊p / original_max_position⌋)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreGrowth {
    /// How fast.
    pub beta: f64,
    /// Context within which nothing changes.
    pub original_max_position: f64,
}

/// Everything that the forward pass needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoderConfig {
    /// The family; decides names in config.json only.
    pub arch: Arch,
    /// Rows of the embedding. May exceed the tokenizer's size.
    pub vocab_size: usize,
    /// Width of the embedding and of the head; maps lead to and from the residual stream where it is not the same.
    pub embedding_size: usize,
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
    /// Where the norms are.
    pub norm_placement: NormPlacement,
    /// What the norms are.
    pub norm_kind: NormKind,
    /// There is one after the last layer.
    pub final_norm: bool,
    /// Added to the mean square in every norm.
    pub norm_eps: f64,
    /// Added to the stored weight of every norm.
    pub norm_offset: f64,
    /// Norms on queries and keys.
    pub qk_norm: QkNorm,
    /// Values are divided by the root of their mean square, each head on its own.
    pub value_norm: bool,
    /// The head is the embedding.
    pub tie_word_embeddings: bool,
    /// Bias on q, k and v.
    pub qkv_bias: bool,
    /// Bias on the attention's output.
    pub output_bias: bool,
    /// Bias in the MLP.
    pub mlp_bias: bool,
    /// Maps to queries, keys and values.
    pub qkv: QkvLayout,
    /// Maps of the MLP.
    pub mlp: MlpKind,
    /// Attention and MLP read the same residual stream, which both are added to.
    pub parallel_residual: bool,
    /// Of the MLP's gate.
    pub activation: Activation,
    /// What a layer puts out is multiplied by a stored number.
    pub layer_scalar: bool,
    /// Constant factors.
    pub scales: Scales,
    /// Bounds of scores and logits.
    pub soft_caps: SoftCaps,
    /// Row of a table of positions that the first token has added to it, where a family has such a table.
    pub first_position_row: Option<usize>,
    /// Position embedding of layers that see everything.
    pub rope: RopeConfig,
    /// Position embedding of layers with a window.
    pub window_rope: RopeConfig,
    /// Growth of the scores with the position, where a family has it.
    pub score_growth: Option<ScoreGrowth>,
    /// Share of a head's dimensions that is rotated, the first ones.
    pub rotary_share: f64,
    /// Sliding window per layer: position t sees t−w+1 … t. `None` sees everything before it.
    pub windows: Vec<Option<usize>>,
    /// Differences between the layers.
    pub variants: LayerVariants,
    /// Layers that have a convolution instead of attention.
    pub short_convs: Option<ShortConvs>,
    /// Width of what each layer is told about the token itself, past all layers before it.
    pub per_layer_input: Option<usize>,
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
    /// Number of parameters without adapters.
    pub fn n_params(&self) -> usize {
        crate::weights::tensor_shapes(self).iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }
}

#[cfg(test)]
mod tests;
