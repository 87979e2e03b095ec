//! What differs from layer to layer.

use super::{DecoderConfig, RopeConfig};

/// How far back a layer sees: decides its heads and its positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To the first token.
    Full,
    /// As far as the window.
    Window,
}

/// Keys and values of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Key and value heads.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
}

/// Where a layer's keys and values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KvSource {
    /// A map for each.
    Own,
    /// One map for both.
    KeysAlone,
    /// The last layer of the same reach that has its own.
    Earlier,
}

/// Differences between the layers of one model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LayerVariants {
    /// Heads of the layers that see everything, where they are not those of the others.
    pub full_heads: Option<Heads>,
    /// Where a layer sees everything, its keys before their norm are its values.
    pub full_values_are_keys: bool,
    /// So many layers, the last ones, read the keys and values of an earlier layer.
    pub n_shared_kv: usize,
    /// The MLP of those is twice as wide.
    pub wide_shared_mlp: bool,
}

/// Layers that convolve the last tokens instead of attending to all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortConvs {
    /// Which layers.
    pub layers: Vec<bool>,
    /// Tokens that are convolved, the current one included.
    pub width: usize,
    /// With a bias, in the maps around it too.
    pub bias: bool,
}

impl DecoderConfig {
    pub(crate) fn is_conv(&self, layer: usize) -> bool {
        self.short_convs.as_ref().is_some_and(|convs| convs.layers[layer])
    }

    /// How far back a convolution reads.
    pub(crate) fn conv_reach(&self) -> Option<usize> {
        self.short_convs.as_ref().map(|convs| convs.width - 1)
    }

    pub(crate) fn reach(&self, layer: usize) -> Reach {
        if self.windows[layer].is_some() { Reach::Window } else { Reach::Full }
    }

    pub(crate) fn heads(&self, reach: Reach) -> Heads {
        let common = Heads { n_kv_heads: self.n_kv_heads, head_dim: self.head_dim };
        match reach {
            Reach::Full => self.variants.full_heads.unwrap_or(common),
            Reach::Window => common,
        }
    }

    pub(crate) fn rope_of(&self, reach: Reach) -> &RopeConfig {
        match reach {
            Reach::Full => &self.rope,
            Reach::Window => &self.window_rope,
        }
    }

    pub(crate) fn kv_source(&self, layer: usize) -> KvSource {
        if self.shares_kv(layer) {
            KvSource::Earlier
        } else if self.variants.full_values_are_keys && self.reach(layer) == Reach::Full {
            KvSource::KeysAlone
        } else {
            KvSource::Own
        }
    }

    pub(crate) fn mlp_width(&self, layer: usize) -> usize {
        let is_wide = self.variants.wide_shared_mlp && self.shares_kv(layer);
        self.intermediate_size * if is_wide { 2 } else { 1 }
    }

    /// Dimensions of a head that are rotated, the first ones.
    pub(crate) fn rotary_dim(&self, reach: Reach) -> usize {
        (self.heads(reach).head_dim as f64 * self.rotary_share) as usize
    }

    fn shares_kv(&self, layer: usize) -> bool {
        layer + self.variants.n_shared_kv >= self.n_layers
    }
}
