//! What only the config.json of gpt2, gpt_neox and opt has, and other names for what all have.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::RawConfig;
use crate::Result;
use crate::config::{Arch, NormPlacement};

#[derive(Deserialize)]
pub(super) struct RawGpt {
    use_parallel_residual: Option<bool>,
    enable_bias: Option<bool>,
    layer_norm_elementwise_affine: Option<bool>,
    do_layer_norm_before: Option<bool>,
    #[serde(rename = "_remove_final_layer_norm")]
    remove_final_layer_norm: Option<bool>,
    word_embed_proj_dim: Option<usize>,
    add_cross_attention: Option<bool>,
    scale_attn_by_inverse_layer_idx: Option<bool>,
    scale_attn_weights: Option<bool>,
}

/// Which maps have a bias.
pub(super) struct Biases {
    pub(super) qkv: bool,
    pub(super) output: bool,
    pub(super) mlp: bool,
}

/// Gives the fields the names that llama's config.json has.
pub(super) fn with_common_names(fields: &mut Map<String, Value>, arch: Arch) {
    let renamed: &[(&str, &str)] = match arch {
        Arch::Gpt2 => &[
            ("n_embd", "hidden_size"),
            ("n_layer", "num_hidden_layers"),
            ("n_head", "num_attention_heads"),
            ("n_positions", "max_position_embeddings"),
            ("n_inner", "intermediate_size"),
            ("layer_norm_epsilon", "rms_norm_eps"),
            ("activation_function", "hidden_act"),
        ],
        Arch::GptNeox => &[
            ("layer_norm_eps", "rms_norm_eps"),
            ("rotary_pct", "partial_rotary_factor"),
            ("rotary_emb_base", "rope_theta"),
        ],
        Arch::Opt => &[
            ("ffn_dim", "intermediate_size"),
            ("activation_function", "hidden_act"),
            ("init_std", "initializer_range"),
        ],
        _ => return,
    };
    for (theirs, common) in renamed {
        if let Some(value) = fields.remove(*theirs) {
            fields.insert((*common).to_owned(), value);
        }
    }
    // Written where a configuration was made with it, and without a meaning.
    fields.remove("num_key_value_heads");
    if arch == Arch::Gpt2 && fields.get("intermediate_size").is_none_or(Value::is_null) {
        let width = fields.get("hidden_size").and_then(Value::as_u64);
        fields.insert("intermediate_size".to_owned(), json!(width.map(|width| 4 * width)));
    }
}

impl RawConfig {
    /// Refuses what is not computed here.
    pub(super) fn check_gpt(&self, arch: Arch) -> Result<()> {
        let raw = &self.gpt;
        match arch {
            Arch::Gpt2 if raw.add_cross_attention == Some(true) => {
                Err(self.unsupported("add_cross_attention", "true"))
            }
            Arch::Gpt2 if raw.scale_attn_by_inverse_layer_idx == Some(true) => {
                Err(self.unsupported("scale_attn_by_inverse_layer_idx", "true"))
            }
            Arch::Opt if raw.layer_norm_elementwise_affine == Some(false) => {
                Err(self.unsupported("layer_norm_elementwise_affine", "false"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn biases(&self, arch: Arch) -> Biases {
        let attention = self.attention_bias.unwrap_or(arch == Arch::GptNeox);
        match arch {
            Arch::Qwen2 => Biases { qkv: true, output: false, mlp: self.mlp_bias.unwrap_or(false) },
            Arch::Gpt2 => Biases { qkv: true, output: true, mlp: true },
            Arch::GptNeox => Biases { qkv: attention, output: attention, mlp: true },
            Arch::Opt => {
                let all = self.gpt.enable_bias.unwrap_or(true);
                Biases { qkv: all, output: all, mlp: all }
            }
            _ => Biases { qkv: attention, output: attention, mlp: self.mlp_bias.unwrap_or(false) },
        }
    }

    /// Where this family's norms are, and whether there is a last one.
    pub(super) fn norm_placement(&self, arch: Arch) -> (NormPlacement, bool) {
        let raw = &self.gpt;
        match arch {
            Arch::Opt if raw.do_layer_norm_before == Some(false) => (NormPlacement::OnStream, false),
            Arch::Opt => (NormPlacement::Before, raw.remove_final_layer_norm != Some(true)),
            _ => (arch.family().norm_placement, true),
        }
    }

    pub(super) fn has_parallel_residual(&self, arch: Arch) -> bool {
        arch == Arch::GptNeox && self.gpt.use_parallel_residual.unwrap_or(true)
    }

    /// Width of the embedding, where it is not that of the residual stream.
    pub(super) fn embedding_size(&self, arch: Arch) -> usize {
        let width = self.gpt.word_embed_proj_dim.filter(|_| arch == Arch::Opt);
        width.unwrap_or(self.hidden_size)
    }

    pub(super) fn scales_scores_by_width(&self) -> bool {
        self.gpt.scale_attn_weights.unwrap_or(true)
    }
}
