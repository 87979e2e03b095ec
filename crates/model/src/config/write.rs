//! Writing a config.json that transformers 5 reads, and version 4 where it knows the family.

mod gpt;

use serde_json::{Map, Value, json};

use super::hf::{FULL, SLIDING};
use super::{Activation, Arch, DecoderConfig, Reach, RopeConfig, RopeScaling};

impl DecoderConfig {
    /// The `config.json` of this model.
    pub fn to_json(&self) -> Value {
        if let Some(config) = self.gpt_json() {
            return config;
        }
        let mut config = json!({
            "architectures": [self.arch.class()],
            "attention_dropout": 0.0,
            "bos_token_id": null,
            "dtype": "float32",
            "eos_token_id": self.eos_token_ids.first(),
            "head_dim": self.head_dim,
            "hidden_act": self.activation.hf_name(),
            "hidden_size": self.hidden_size,
            "initializer_range": self.initializer_range,
            "intermediate_size": self.intermediate_size,
            "max_position_embeddings": self.max_position_embeddings,
            "model_type": self.arch.model_type(),
            "num_attention_heads": self.n_heads,
            "num_hidden_layers": self.n_layers,
            "num_key_value_heads": self.n_kv_heads,
            "pad_token_id": self.pad_token_id,
            "rms_norm_eps": self.norm_eps,
            "rope_parameters": self.rope_json(),
            "rope_theta": self.rope.theta,
            "tie_word_embeddings": self.tie_word_embeddings,
            "torch_dtype": "float32",
            "use_cache": true,
            "vocab_size": self.vocab_size,
        });
        if let (Some(config), Value::Object(own)) = (config.as_object_mut(), self.own_json()) {
            config.extend(own);
        }
        config
    }

    /// What only this family's config.json has.
    fn own_json(&self) -> Value {
        let window = self.windows.iter().copied().flatten().next();
        let layer_types: Vec<&str> =
            self.windows.iter().map(|window| if window.is_some() { SLIDING } else { FULL }).collect();
        let query_pre_attn_scalar = self.scales.attention.powi(-2).round();
        match self.arch {
            Arch::Qwen2 => json!({
                "layer_types": layer_types, "use_sliding_window": window.is_some(), "sliding_window": window,
            }),
            Arch::Qwen3 => json!({
                "attention_bias": self.qkv_bias,
                "layer_types": layer_types, "use_sliding_window": window.is_some(), "sliding_window": window,
            }),
            Arch::Llama => json!({ "attention_bias": self.qkv_bias, "mlp_bias": self.mlp_bias }),
            Arch::Mistral | Arch::Ministral3 => json!({ "sliding_window": window }),
            Arch::Phi3 => {
                let original = match &self.rope.scaling {
                    RopeScaling::LongRope(rope) => rope.original_max_position,
                    _ => self.max_position_embeddings as f64,
                };
                json!({ "sliding_window": window, "original_max_position_embeddings": original })
            }
            Arch::Gemma2 => json!({
                "hidden_activation": self.activation.hf_name(),
                "layer_types": layer_types, "sliding_window": window,
                "query_pre_attn_scalar": query_pre_attn_scalar,
                "attn_logit_softcapping": self.soft_caps.attention,
                "final_logit_softcapping": self.soft_caps.logits,
            }),
            Arch::Gemma3 => json!({
                "hidden_activation": self.activation.hf_name(),
                "layer_types": layer_types, "sliding_window": window,
                "query_pre_attn_scalar": query_pre_attn_scalar,
                "rope_local_base_freq": self.window_rope.theta,
            }),
            Arch::Gemma4 | Arch::Gemma4Unified => self.gemma4_json(&layer_types, window),
            Arch::Granite => json!({
                "attention_bias": self.qkv_bias, "mlp_bias": self.mlp_bias,
                "embedding_multiplier": self.scales.embedding,
                "attention_multiplier": self.scales.attention,
                "residual_multiplier": self.scales.residual,
                "logits_scaling": 1.0 / self.scales.logits,
            }),
            Arch::Gpt2 | Arch::GptNeox | Arch::Opt => json!({}),
            Arch::Lfm2 => {
                let convs = self.short_convs.as_ref();
                let kind = |layer| if self.is_conv(layer) { "conv" } else { FULL };
                json!({
                    "norm_eps": self.norm_eps,
                    "layer_types": (0..self.n_layers).map(kind).collect::<Vec<_>>(),
                    "conv_L_cache": convs.map_or(3, |convs| convs.width),
                    "conv_bias": convs.is_some_and(|convs| convs.bias),
                    "block_auto_adjust_ff_dim": false,
                })
            }
            Arch::Olmo3 => json!({
                "attention_bias": self.qkv_bias, "layer_types": layer_types, "sliding_window": window,
            }),
        }
    }

    fn gemma4_json(&self, layer_types: &[&str], window: Option<usize>) -> Value {
        let full = self.heads(Reach::Full);
        let own = json!({ "head_dim": full.head_dim, "num_key_value_heads": full.n_kv_heads });
        let of_full = (0..self.n_layers).filter(|layer| self.reach(*layer) == Reach::Full);
        let per_layer: Map<String, Value> = of_full.map(|layer| (layer.to_string(), own.clone())).collect();
        json!({
            "hidden_activation": self.activation.hf_name(),
            "layer_types": layer_types, "sliding_window": window,
            "final_logit_softcapping": self.soft_caps.logits,
            "attention_bias": self.qkv_bias,
            "attention_k_eq_v": self.variants.full_values_are_keys,
            "num_kv_shared_layers": self.variants.n_shared_kv,
            "use_double_wide_mlp": self.variants.wide_shared_mlp,
            "hidden_size_per_layer_input": self.per_layer_input.unwrap_or(0),
            "vocab_size_per_layer_input": self.vocab_size,
            "enable_moe_block": false,
            "per_layer_config": per_layer,
        })
    }

    fn rope_json(&self) -> Value {
        let partial = self.rotary_share;
        let mut full = self.rope.to_json(partial);
        match self.arch {
            Arch::Gemma3 | Arch::Gemma4 | Arch::Gemma4Unified | Arch::Olmo3 => {
                json!({ FULL: full, SLIDING: self.window_rope.to_json(partial) })
            }
            _ => {
                if let (Some(fields), Some(growth)) = (full.as_object_mut(), self.score_growth) {
                    fields.insert("llama_4_scaling_beta".to_owned(), json!(growth.beta));
                    fields.insert(
                        "original_max_position_embeddings".to_owned(),
                        json!(growth.original_max_position),
                    );
                }
                full
            }
        }
    }
}

impl RopeConfig {
    fn to_json(&self, partial_rotary_factor: f64) -> Value {
        let mut value = match &self.scaling {
            RopeScaling::Default => json!({ "rope_type": "default" }),
            RopeScaling::Linear { factor } => json!({ "rope_type": "linear", "factor": factor }),
            RopeScaling::Llama3(llama3) => json!({
                "rope_type": "llama3",
                "factor": llama3.factor,
                "low_freq_factor": llama3.low_freq_factor,
                "high_freq_factor": llama3.high_freq_factor,
                "original_max_position_embeddings": llama3.original_max_position as u64,
            }),
            RopeScaling::Yarn(yarn) => json!({
                "rope_type": "yarn",
                "factor": yarn.factor,
                "beta_fast": yarn.beta_fast,
                "beta_slow": yarn.beta_slow,
                "original_max_position_embeddings": yarn.original_max_position as u64,
                "attention_factor": yarn.attention_factor,
                "truncate": yarn.truncate,
            }),
            RopeScaling::Proportional { share, factor } => json!({
                "rope_type": "proportional", "partial_rotary_factor": share, "factor": factor,
            }),
            RopeScaling::LongRope(rope) => json!({
                "rope_type": "longrope",
                "short_factor": rope.short_factor,
                "long_factor": rope.long_factor,
                "original_max_position_embeddings": rope.original_max_position as u64,
                "attention_factor": rope.attention_factor,
            }),
        };
        if let Some(fields) = value.as_object_mut() {
            fields.insert("rope_theta".to_owned(), json!(self.theta));
            if partial_rotary_factor != 1.0 {
                fields.insert("partial_rotary_factor".to_owned(), json!(partial_rotary_factor));
            }
        }
        value
    }
}

impl Activation {
    fn hf_name(self) -> &'static str {
        match self {
            Self::Silu => "silu",
            Self::GeluTanh => "gelu_pytorch_tanh",
            Self::Gelu => "gelu",
            Self::Relu => "relu",
        }
    }
}
