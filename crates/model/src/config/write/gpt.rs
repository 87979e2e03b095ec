//! The config.json of gpt2, gpt_neox and opt.

use serde_json::{Value, json};

use crate::config::{Arch, DecoderConfig, NormPlacement};

impl DecoderConfig {
    /// Everything that this family's config.json has, `None` for a family that shares llama's fields.
    pub(super) fn gpt_json(&self) -> Option<Value> {
        let mut config = match self.arch {
            Arch::Gpt2 => json!({
                "n_embd": self.hidden_size,
                "n_inner": self.intermediate_size,
                "n_layer": self.n_layers,
                "n_head": self.n_heads,
                "n_positions": self.max_position_embeddings,
                "layer_norm_epsilon": self.norm_eps,
                "activation_function": self.activation.hf_name(),
                "initializer_range": self.initializer_range,
                "scale_attn_weights": self.scales.attention != 1.0,
                "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0,
            }),
            Arch::GptNeox => json!({
                "hidden_size": self.hidden_size,
                "intermediate_size": self.intermediate_size,
                "num_hidden_layers": self.n_layers,
                "num_attention_heads": self.n_heads,
                "max_position_embeddings": self.max_position_embeddings,
                "layer_norm_eps": self.norm_eps,
                "hidden_act": self.activation.hf_name(),
                "initializer_range": self.initializer_range,
                "use_parallel_residual": self.parallel_residual,
                "attention_bias": self.qkv_bias,
                "rope_parameters": self.rope.to_json(self.rotary_share),
                "rotary_pct": self.rotary_share,
                "rotary_emb_base": self.rope.theta,
                "attention_dropout": 0.0, "hidden_dropout": 0.0,
            }),
            Arch::Opt => json!({
                "hidden_size": self.hidden_size,
                "word_embed_proj_dim": self.embedding_size,
                "ffn_dim": self.intermediate_size,
                "num_hidden_layers": self.n_layers,
                "num_attention_heads": self.n_heads,
                "max_position_embeddings": self.max_position_embeddings,
                "activation_function": self.activation.hf_name(),
                "init_std": self.initializer_range,
                "enable_bias": self.qkv_bias,
                "do_layer_norm_before": self.norm_placement == NormPlacement::Before,
                "_remove_final_layer_norm": self.norm_placement == NormPlacement::Before && !self.final_norm,
                "dropout": 0.0, "attention_dropout": 0.0, "layerdrop": 0.0,
            }),
            _ => return None,
        };
        let common = json!({
            "architectures": [self.arch.class()],
            "bos_token_id": null,
            "dtype": "float32",
            "eos_token_id": self.eos_token_ids.first(),
            "model_type": self.arch.model_type(),
            "pad_token_id": self.pad_token_id,
            "tie_word_embeddings": self.tie_word_embeddings,
            "torch_dtype": "float32",
            "use_cache": true,
            "vocab_size": self.vocab_size,
        });
        if let (Some(config), Value::Object(common)) = (config.as_object_mut(), common) {
            config.extend(common);
        }
        Some(config)
    }
}
