//! What only lfm2's config.json has.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{FULL, RawConfig};
use crate::config::{Arch, ShortConvs};

#[derive(Deserialize)]
pub(super) struct RawLfm2 {
    #[serde(rename = "conv_L_cache")]
    conv_width: Option<usize>,
    conv_bias: Option<bool>,
    full_attn_idxs: Option<Vec<usize>>,
    block_multiple_of: Option<usize>,
    block_ffn_dim_multiplier: Option<f64>,
    block_auto_adjust_ff_dim: Option<bool>,
}

/// Gives the fields the names that llama's config.json has.
pub(super) fn with_common_names(fields: &mut Map<String, Value>) {
    for (theirs, common) in [
        ("norm_eps", "rms_norm_eps"),
        ("block_ff_dim", "intermediate_size"),
        ("tie_embedding", "tie_word_embeddings"),
    ] {
        if let Some(value) = fields.remove(theirs) {
            fields.insert(common.to_owned(), value);
        }
    }
}

impl RawConfig {
    pub(super) fn short_convs(&self, arch: Arch) -> Option<ShortConvs> {
        let raw = &self.lfm2;
        let is_conv = |layer: usize| match (&self.layer_types, &raw.full_attn_idxs) {
            (Some(types), _) => types.get(layer).is_some_and(|kind| kind != FULL),
            (None, Some(full)) => !full.contains(&layer),
            (None, None) => false,
        };
        (arch == Arch::Lfm2).then(|| ShortConvs {
            layers: (0..self.num_hidden_layers).map(is_conv).collect(),
            width: raw.conv_width.unwrap_or(3).max(1),
            bias: raw.conv_bias.unwrap_or(false),
        })
    }

    /// Width of the MLP: config.json may give one that is to be adjusted.
    pub(super) fn mlp_width(&self, arch: Arch) -> usize {
        let raw = &self.lfm2;
        if arch != Arch::Lfm2 || raw.block_auto_adjust_ff_dim == Some(false) {
            return self.intermediate_size;
        }
        let width = 2 * self.intermediate_size / 3;
        let width = (raw.block_ffn_dim_multiplier.unwrap_or(1.0) * width as f64) as usize;
        width.next_multiple_of(raw.block_multiple_of.unwrap_or(256).max(1))
    }
}
