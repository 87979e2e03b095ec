//! Reading the config.json of transformers 4 and 5; `config::write` is the way back.
//!
//! Version 5 moved `rope_theta` and `rope_scaling` into `rope_parameters` (one set, or one for each type of layer) and
//! renamed `torch_dtype` to `dtype`; both spellings are read.

mod gemma4;
mod gpt;
mod lfm2;

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use gemma4::RawGemma4;
use gpt::RawGpt;
use lfm2::RawLfm2;

use super::rope::yarn_mscale;
use super::{
    Activation, Arch, DecoderConfig, Llama3Rope, LongRope, RopeConfig, RopeScaling, Scales, ScoreGrowth,
    SoftCaps, YarnRope,
};
use crate::{Error, Result};

pub(super) const SLIDING: &str = "sliding_attention";
pub(super) const FULL: &str = "full_attention";

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
    hidden_activation: Option<String>,
    rms_norm_eps: Option<f64>,
    tie_word_embeddings: Option<bool>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    rope_theta: Option<f64>,
    rope_local_base_freq: Option<f64>,
    rope_scaling: Option<RawRope>,
    rope_parameters: Option<RawRopes>,
    partial_rotary_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
    sliding_window: Option<usize>,
    use_sliding_window: Option<bool>,
    max_window_layers: Option<usize>,
    layer_types: Option<Vec<String>>,
    #[serde(alias = "_sliding_window_pattern")]
    sliding_window_pattern: Option<usize>,
    query_pre_attn_scalar: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    attn_logit_softcapping: Option<Option<f64>>,
    #[serde(default, deserialize_with = "present")]
    final_logit_softcapping: Option<Option<f64>>,
    embedding_multiplier: Option<f64>,
    attention_multiplier: Option<f64>,
    residual_multiplier: Option<f64>,
    logits_scaling: Option<f64>,
    max_position_embeddings: Option<usize>,
    initializer_range: Option<f64>,
    eos_token_id: Option<OneOrMany>,
    pad_token_id: Option<u32>,
    #[serde(flatten)]
    gemma4: RawGemma4,
    #[serde(flatten)]
    gpt: RawGpt,
    #[serde(flatten)]
    lfm2: RawLfm2,
}

/// Tells null from absent.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// One set of parameters, or one for each type of layer.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawRopes {
    PerLayerType { full_attention: Option<Box<RawRope>>, sliding_attention: Box<RawRope> },
    Shared(Box<RawRope>),
}

#[derive(Clone, Default, Deserialize)]
struct RawRope {
    rope_theta: Option<f64>,
    #[serde(alias = "type")]
    rope_type: Option<String>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
    partial_rotary_factor: Option<f64>,
    attention_factor: Option<f64>,
    beta_fast: Option<f64>,
    beta_slow: Option<f64>,
    mscale: Option<f64>,
    mscale_all_dim: Option<f64>,
    truncate: Option<bool>,
    short_factor: Option<Vec<f64>>,
    long_factor: Option<Vec<f64>>,
    llama_4_scaling_beta: Option<f64>,
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

    /// `model_type` of a model folder, supported or not.
    ///
    /// # Errors
    /// If config.json is missing or malformed, or names none.
    pub(crate) fn model_type(dir: &Path) -> Result<String> {
        let path = dir.join("config.json");
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        let value: Value = serde_json::from_str(&text).map_err(malformed)?;
        let name = value.get("model_type").and_then(Value::as_str);
        name.map(str::to_owned)
            .ok_or_else(|| Error::Config { path, reason: "it names no model_type".to_owned() })
    }

    /// Parses the text of a `config.json`.
    ///
    /// # Errors
    /// As [`DecoderConfig::from_dir`].
    pub fn from_json(text: &str) -> Result<Self> {
        let mut value: Value = serde_json::from_str(text).map_err(malformed)?;
        let model_type = value.get("model_type").and_then(Value::as_str).unwrap_or("(none)");
        // Asked first: an unknown architecture may lack fields that ours have.
        let arch: Arch = model_type.parse()?;
        if let Some(fields) = value.as_object_mut() {
            gpt::with_common_names(fields, arch);
            if arch == Arch::Lfm2 {
                lfm2::with_common_names(fields);
            }
        }
        let raw: RawConfig = serde_json::from_value(value).map_err(malformed)?;
        raw.resolve(arch)
    }
}

impl RawConfig {
    fn resolve(self, arch: Arch) -> Result<DecoderConfig> {
        self.check_gpt(arch)?;
        let family = arch.family();
        let n_kv_heads = self.num_key_value_heads.unwrap_or(self.num_attention_heads);
        if n_kv_heads == 0 || !self.num_attention_heads.is_multiple_of(n_kv_heads) {
            let heads = format!("{} with {} attention heads", n_kv_heads, self.num_attention_heads);
            return Err(self.unsupported("num_key_value_heads", &heads));
        }
        let activation = self.activation(arch)?;
        let head_dim = self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads);
        let (full_rope, window_rope) = self.ropes(arch)?;
        let partial = match full_rope.rope_type.as_deref() {
            Some("proportional") => None,
            _ => full_rope.partial_rotary_factor.or(self.partial_rotary_factor),
        };
        let windows = self.windows(arch);
        let variants = self.layer_variants(arch, &windows)?;
        let bias = self.biases(arch);
        let (norm_placement, final_norm) = self.norm_placement(arch);
        Ok(DecoderConfig {
            arch,
            vocab_size: self.vocab_size,
            embedding_size: self.embedding_size(arch),
            hidden_size: self.hidden_size,
            intermediate_size: self.mlp_width(arch),
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            n_kv_heads,
            head_dim,
            norm_placement,
            norm_kind: family.norm_kind,
            final_norm,
            norm_eps: self.rms_norm_eps.unwrap_or(family.norm_eps),
            norm_offset: family.norm_offset,
            qk_norm: family.qk_norm,
            value_norm: arch.is_gemma4(),
            tie_word_embeddings: self.tie_word_embeddings.unwrap_or(family.tie_word_embeddings),
            qkv_bias: bias.qkv,
            output_bias: bias.output,
            mlp_bias: bias.mlp,
            qkv: family.qkv,
            mlp: family.mlp,
            parallel_residual: self.has_parallel_residual(arch),
            activation,
            layer_scalar: arch.is_gemma4(),
            scales: self.scales(arch, head_dim),
            soft_caps: self.soft_caps(arch),
            first_position_row: family.first_position_row,
            rope: self.rope(&full_rope, arch)?,
            window_rope: self.rope(&window_rope, arch)?,
            score_growth: full_rope.score_growth(),
            rotary_share: partial.unwrap_or(family.rotary_share),
            windows,
            variants,
            short_convs: self.short_convs(arch),
            per_layer_input: self.per_layer_input(arch)?,
            max_position_embeddings: self.max_position_embeddings.unwrap_or(2048),
            initializer_range: self.initializer_range.unwrap_or(0.02),
            eos_token_ids: self.eos_token_id.map(Vec::from).unwrap_or_default(),
            pad_token_id: self.pad_token_id,
        })
    }

    fn activation(&self, arch: Arch) -> Result<Activation> {
        let family = arch.family();
        let (field, name) = match (&self.hidden_activation, &self.hidden_act) {
            (Some(name), _) => ("hidden_activation", name),
            // Old gemma files name an activation that transformers does not use.
            (None, Some(name)) if !family.scales_embedding => ("hidden_act", name),
            _ => return Ok(family.activation),
        };
        match name.as_str() {
            "silu" | "swish" => Ok(Activation::Silu),
            "gelu_pytorch_tanh" | "gelu_new" | "gelu_fast" => Ok(Activation::GeluTanh),
            "gelu" => Ok(Activation::Gelu),
            "relu" => Ok(Activation::Relu),
            other => Err(self.unsupported(field, other)),
        }
    }

    fn scales(&self, arch: Arch, head_dim: usize) -> Scales {
        let by_width = |width: f64| width.powf(-0.5);
        let attention = match arch {
            Arch::Gemma2 | Arch::Gemma3 => by_width(self.query_pre_attn_scalar.unwrap_or(256.0)),
            Arch::Granite => self.attention_multiplier.unwrap_or(1.0),
            Arch::Gemma4 | Arch::Gemma4Unified => 1.0,
            Arch::Gpt2 if !self.scales_scores_by_width() => 1.0,
            _ => by_width(head_dim as f64),
        };
        let embedding = match arch {
            Arch::Granite => self.embedding_multiplier.unwrap_or(1.0),
            _ if arch.family().scales_embedding => (self.hidden_size as f64).sqrt(),
            _ => 1.0,
        };
        match arch {
            Arch::Granite => Scales {
                embedding,
                attention,
                residual: self.residual_multiplier.unwrap_or(1.0),
                logits: 1.0 / self.logits_scaling.unwrap_or(1.0),
            },
            _ => Scales { embedding, attention, residual: 1.0, logits: 1.0 },
        }
    }

    fn soft_caps(&self, arch: Arch) -> SoftCaps {
        match arch {
            Arch::Gemma2 => SoftCaps {
                attention: self.attn_logit_softcapping.unwrap_or(Some(50.0)),
                logits: self.final_logit_softcapping.unwrap_or(Some(30.0)),
            },
            Arch::Gemma3 => SoftCaps {
                attention: self.attn_logit_softcapping.flatten(),
                logits: self.final_logit_softcapping.flatten(),
            },
            Arch::Gemma4 | Arch::Gemma4Unified => {
                SoftCaps { attention: None, logits: self.final_logit_softcapping.flatten() }
            }
            _ => SoftCaps::default(),
        }
    }

    /// Parameters for layers that see everything and for those with a window.
    fn ropes(&self, arch: Arch) -> Result<(RawRope, RawRope)> {
        let theta = Some(self.rope_theta.unwrap_or(arch.family().rope_theta));
        let with_theta =
            |rope: &RawRope, theta| RawRope { rope_theta: rope.rope_theta.or(theta), ..rope.clone() };
        let shared = match &self.rope_parameters {
            Some(RawRopes::PerLayerType { full_attention, sliding_attention }) => {
                let full = full_attention.as_deref().cloned().unwrap_or_default();
                return Ok((with_theta(&full, theta), with_theta(sliding_attention, theta)));
            }
            Some(RawRopes::Shared(rope)) => Some(rope.as_ref()),
            None if arch.is_gemma4() => {
                return Ok((
                    RawRope::proportional(),
                    RawRope { rope_theta: Some(1e4), ..RawRope::default() },
                ));
            }
            None => self.rope_scaling.as_ref(),
        };
        let full = with_theta(shared.unwrap_or(&RawRope::default()), theta);
        // Where windows have positions of their own, stretching is for the layers without.
        let window = match arch {
            Arch::Gemma3 => Some(self.rope_local_base_freq.unwrap_or(1e4)),
            Arch::Olmo3 => full.rope_theta,
            _ => return Ok((full.clone(), full)),
        };
        Ok((full, RawRope { rope_theta: window, ..RawRope::default() }))
    }

    fn rope(&self, raw: &RawRope, arch: Arch) -> Result<RopeConfig> {
        let theta = raw.rope_theta.unwrap_or(arch.family().rope_theta);
        let missing = |what: &str| self.unsupported("rope_parameters", what);
        let mut kind = raw.rope_type.as_deref().unwrap_or("default");
        if arch == Arch::Phi3 && matches!(kind, "su" | "yarn") {
            kind = "longrope";
        }
        let scaling = match kind {
            "default" => RopeScaling::Default,
            "linear" => RopeScaling::Linear {
                factor: raw.factor.ok_or_else(|| missing("linear without its factor"))?,
            },
            "llama3" => {
                RopeScaling::Llama3(raw.llama3().ok_or_else(|| missing("llama3 without its factors"))?)
            }
            "yarn" => {
                RopeScaling::Yarn(self.yarn(raw).ok_or_else(|| missing("yarn without its original context"))?)
            }
            "proportional" => RopeScaling::Proportional {
                share: raw.partial_rotary_factor.unwrap_or(1.0),
                factor: raw.factor.unwrap_or(1.0),
            },
            "longrope" => RopeScaling::LongRope(
                self.longrope(raw).ok_or_else(|| missing("longrope without its factors"))?,
            ),
            other => return Err(self.unsupported("rope_type", other)),
        };
        Ok(RopeConfig { theta, scaling })
    }

    fn yarn(&self, raw: &RawRope) -> Option<YarnRope> {
        let original = raw.original_max_position_embeddings.or(self.original_max_position_embeddings);
        let original_max_position = original.or(self.max_position_embeddings.map(|n| n as f64))?;
        let longest = self.max_position_embeddings.map(|n| n as f64);
        let factor = raw.factor.or(longest.map(|longest| longest / original_max_position))?;
        let attention_factor =
            raw.attention_factor.unwrap_or_else(|| match (raw.mscale, raw.mscale_all_dim) {
                (Some(scale), Some(all)) if scale != 0.0 && all != 0.0 => {
                    yarn_mscale(factor, scale) / yarn_mscale(factor, all)
                }
                _ => yarn_mscale(factor, 1.0),
            });
        Some(YarnRope {
            factor,
            beta_fast: raw.beta_fast.filter(|beta| *beta != 0.0).unwrap_or(32.0),
            beta_slow: raw.beta_slow.filter(|beta| *beta != 0.0).unwrap_or(1.0),
            original_max_position,
            attention_factor,
            truncate: raw.truncate.unwrap_or(true),
        })
    }

    fn longrope(&self, raw: &RawRope) -> Option<LongRope> {
        let longest = self.max_position_embeddings? as f64;
        let original = raw.original_max_position_embeddings.or(self.original_max_position_embeddings);
        let original_max_position = original.unwrap_or(longest);
        let factor = raw.factor.unwrap_or(longest / original_max_position);
        let attention_factor = raw.attention_factor.unwrap_or_else(|| {
            if factor <= 1.0 { 1.0 } else { (1.0 + factor.ln() / original_max_position.ln()).sqrt() }
        });
        Some(LongRope {
            short_factor: raw.short_factor.clone()?,
            long_factor: raw.long_factor.clone()?,
            original_max_position,
            attention_factor,
        })
    }

    /// Qwen switches windows on explicitly; Mistral's and Phi's hold on every layer; the others list the layers or
    /// follow a pattern.
    fn windows(&self, arch: Arch) -> Vec<Option<usize>> {
        let n_layers = self.num_hidden_layers;
        let by_default = match arch {
            Arch::Gemma2 | Arch::Gemma3 | Arch::Olmo3 => Some(4096),
            Arch::Gemma4 => Some(512),
            Arch::Gemma4Unified => Some(1024),
            _ => None,
        };
        let Some(window) = self.sliding_window.or(by_default) else {
            return vec![None; n_layers];
        };
        match arch {
            Arch::Llama | Arch::Granite | Arch::Gpt2 | Arch::GptNeox | Arch::Opt | Arch::Lfm2 => {
                return vec![None; n_layers];
            }
            Arch::Mistral | Arch::Ministral3 | Arch::Phi3 => return vec![Some(window); n_layers],
            Arch::Qwen2 | Arch::Qwen3 if !self.use_sliding_window.unwrap_or(false) => {
                return vec![None; n_layers];
            }
            _ => {}
        }
        let slides = |layer: usize| match (&self.layer_types, arch.family().full_every) {
            (Some(types), _) => types.get(layer).is_some_and(|kind| kind == SLIDING),
            (None, Some(every)) => {
                !(layer + 1).is_multiple_of(self.sliding_window_pattern.unwrap_or(every).max(1))
            }
            (None, None) => layer >= self.max_window_layers.unwrap_or(n_layers),
        };
        // gemma4's last layer sees everything, whatever the list says.
        let last = n_layers.saturating_sub(1);
        let slides = |layer: usize| slides(layer) && !(arch.is_gemma4() && layer == last);
        (0..n_layers).map(|layer| slides(layer).then_some(window)).collect()
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

    fn score_growth(&self) -> Option<ScoreGrowth> {
        let beta = self.llama_4_scaling_beta?;
        Some(ScoreGrowth { beta, original_max_position: self.original_max_position_embeddings? })
    }
}

fn malformed(error: serde_json::Error) -> Error {
    Error::Config { path: "config.json".into(), reason: error.to_string() }
}
