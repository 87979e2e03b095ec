//! What a family fixes by its code and no config.json says.

use super::{Activation, Arch, MlpKind, NormKind, NormPlacement, QkNorm, QkvLayout};

pub(super) struct Family {
    pub(super) norm_placement: NormPlacement,
    pub(super) norm_kind: NormKind,
    /// Where config.json leaves it out.
    pub(super) norm_eps: f64,
    pub(super) norm_offset: f64,
    pub(super) qk_norm: QkNorm,
    /// Where config.json leaves it out.
    pub(super) activation: Activation,
    pub(super) qkv: QkvLayout,
    pub(super) mlp: MlpKind,
    /// See [`super::DecoderConfig::first_position_row`].
    pub(super) first_position_row: Option<usize>,
    /// Where config.json leaves it out: share of a head that is rotated.
    pub(super) rotary_share: f64,
    /// Where config.json leaves it out.
    pub(super) tie_word_embeddings: bool,
    /// Where config.json leaves it out.
    pub(super) rope_theta: f64,
    /// Tokens are scaled by √hidden_size.
    pub(super) scales_embedding: bool,
    /// Without `layer_types`: every n-th layer sees everything, the others have the window.
    pub(super) full_every: Option<usize>,
}

/// Llama's, which the others differ from.
const PLAIN: Family = Family {
    norm_placement: NormPlacement::Before,
    norm_kind: NormKind::RootMeanSquare,
    norm_eps: 1e-6,
    norm_offset: 0.0,
    qk_norm: QkNorm::None,
    activation: Activation::Silu,
    qkv: QkvLayout::Separate,
    mlp: MlpKind::Gated,
    first_position_row: None,
    rotary_share: 1.0,
    tie_word_embeddings: false,
    rope_theta: 1e4,
    scales_embedding: false,
    full_every: None,
};

const GEMMA: Family = Family {
    norm_placement: NormPlacement::Around,
    norm_offset: 1.0,
    activation: Activation::GeluTanh,
    tie_word_embeddings: true,
    scales_embedding: true,
    ..PLAIN
};

const GPT: Family = Family {
    norm_kind: NormKind::Layer,
    norm_eps: 1e-5,
    mlp: MlpKind::Plain,
    activation: Activation::Gelu,
    ..PLAIN
};

impl Arch {
    pub(super) fn family(self) -> Family {
        match self {
            Self::Qwen2 | Self::Llama | Self::Mistral | Self::Granite => PLAIN,
            Self::Ministral3 => Family { rope_theta: 1e6, ..PLAIN },
            Self::Qwen3 => Family { qk_norm: QkNorm::Head, ..PLAIN },
            Self::Phi3 => Family { qkv: QkvLayout::Blocks, mlp: MlpKind::GatedInOne, ..PLAIN },
            Self::Gemma2 => Family { full_every: Some(2), ..GEMMA },
            Self::Gemma3 => Family { qk_norm: QkNorm::Head, rope_theta: 1e6, full_every: Some(6), ..GEMMA },
            Self::Gemma4 | Self::Gemma4Unified => Family {
                norm_offset: 0.0,
                qk_norm: QkNorm::Head,
                rope_theta: 1e6,
                full_every: Some(6),
                ..GEMMA
            },
            Self::Gpt2 => Family {
                qkv: QkvLayout::Blocks,
                activation: Activation::GeluTanh,
                first_position_row: Some(0),
                rotary_share: 0.0,
                tie_word_embeddings: true,
                ..GPT
            },
            Self::GptNeox => Family { qkv: QkvLayout::PerHead, rotary_share: 0.25, ..GPT },
            Self::Opt => Family {
                activation: Activation::Relu,
                first_position_row: Some(2),
                rotary_share: 0.0,
                tie_word_embeddings: true,
                ..GPT
            },
            Self::Lfm2 => Family {
                qk_norm: QkNorm::Head,
                norm_eps: 1e-5,
                rope_theta: 1e6,
                tie_word_embeddings: true,
                ..PLAIN
            },
            Self::Olmo3 => Family {
                norm_placement: NormPlacement::After,
                qk_norm: QkNorm::Whole,
                rope_theta: 5e5,
                full_every: Some(4),
                ..PLAIN
            },
        }
    }
}
