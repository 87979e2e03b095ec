//! What only gemma4's config.json has.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{FULL, RawConfig, RawRope, SLIDING};
use crate::Result;
use crate::config::{Arch, Heads, LayerVariants};

#[derive(Deserialize)]
pub(super) struct RawGemma4 {
    enable_moe_block: Option<bool>,
    use_bidirectional_attention: Option<Value>,
    attention_k_eq_v: Option<bool>,
    num_kv_shared_layers: Option<usize>,
    use_double_wide_mlp: Option<bool>,
    hidden_size_per_layer_input: Option<usize>,
    vocab_size_per_layer_input: Option<usize>,
    global_head_dim: Option<usize>,
    num_global_key_value_heads: Option<usize>,
    per_layer_config: Option<BTreeMap<String, RawLayer>>,
}

/// What transformers 5.23 writes instead of the two `global` fields, for each layer that sees everything.
#[derive(Deserialize, Default, PartialEq)]
struct RawLayer {
    head_dim: Option<usize>,
    num_key_value_heads: Option<usize>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

impl RawConfig {
    /// How the layers of `arch` differ; `windows` says which see everything.
    pub(super) fn layer_variants(&self, arch: Arch, windows: &[Option<usize>]) -> Result<LayerVariants> {
        let raw = &self.gemma4;
        // gemma3 has it as well, as a boolean; gemma4's "vision" is about images alone.
        let both_ways = raw.use_bidirectional_attention.as_ref();
        if let Some(both_ways) = both_ways.filter(|value| **value == true || **value == "all") {
            return Err(self.unsupported("use_bidirectional_attention", &both_ways.to_string()));
        }
        if !arch.is_gemma4() {
            return Ok(LayerVariants::default());
        }
        if raw.enable_moe_block == Some(true) {
            return Err(self.unsupported("enable_moe_block", "true"));
        }
        let n_shared_kv = raw.num_kv_shared_layers.unwrap_or(0);
        let (own, shared) = windows.split_at(windows.len().saturating_sub(n_shared_kv));
        let has_source = |window: &Option<usize>| own.iter().any(|other| other.is_some() == window.is_some());
        if !shared.iter().all(has_source) {
            return Err(self.unsupported("num_kv_shared_layers", &n_shared_kv.to_string()));
        }
        Ok(LayerVariants {
            full_heads: self.full_heads(windows)?,
            full_values_are_keys: raw.attention_k_eq_v.unwrap_or(false),
            n_shared_kv,
            wide_shared_mlp: raw.use_double_wide_mlp.unwrap_or(false),
        })
    }

    fn full_heads(&self, windows: &[Option<usize>]) -> Result<Option<Heads>> {
        let raw = &self.gemma4;
        let common = self.num_key_value_heads.unwrap_or(self.num_attention_heads);
        let own = self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads);
        let heads = match &raw.per_layer_config {
            None => {
                let kv = raw.num_global_key_value_heads.filter(|_| raw.attention_k_eq_v == Some(true));
                Heads { n_kv_heads: kv.unwrap_or(common), head_dim: raw.global_head_dim.unwrap_or(512) }
            }
            Some(layers) => {
                let plain = RawLayer::default();
                let of = |layer: usize| layers.get(&layer.to_string()).unwrap_or(&plain);
                let first_full = windows.iter().position(Option::is_none).unwrap_or(0);
                let full = of(first_full);
                let fits = |(layer, window): (usize, &Option<usize>)| {
                    *of(layer) == *(if window.is_none() { full } else { &plain })
                };
                if !full.rest.is_empty() || !windows.iter().enumerate().all(fits) {
                    let kinds = format!("other than heads of {FULL} beside {SLIDING}");
                    return Err(self.unsupported("per_layer_config", &kinds));
                }
                Heads {
                    n_kv_heads: full.num_key_value_heads.unwrap_or(common),
                    head_dim: full.head_dim.unwrap_or(own),
                }
            }
        };
        if heads.n_kv_heads == 0 || !self.num_attention_heads.is_multiple_of(heads.n_kv_heads) {
            return Err(self.unsupported("num_global_key_value_heads", &heads.n_kv_heads.to_string()));
        }
        Ok((heads != Heads { n_kv_heads: common, head_dim: own }).then_some(heads))
    }

    /// Width of each layer's own input.
    pub(super) fn per_layer_input(&self, arch: Arch) -> Result<Option<usize>> {
        let width = self.gemma4.hidden_size_per_layer_input.unwrap_or(256);
        if arch != Arch::Gemma4 || width == 0 {
            return Ok(None);
        }
        let n_rows = self.gemma4.vocab_size_per_layer_input.unwrap_or(262_144);
        if n_rows != self.vocab_size {
            return Err(self.unsupported("vocab_size_per_layer_input", &n_rows.to_string()));
        }
        Ok(Some(width))
    }
}

impl RawRope {
    /// Of layers that see everything, where config.json says nothing.
    pub(super) fn proportional() -> Self {
        Self {
            rope_type: Some("proportional".to_owned()),
            rope_theta: Some(1e6),
            partial_rotary_factor: Some(0.25),
            ..Self::default()
        }
    }
}
