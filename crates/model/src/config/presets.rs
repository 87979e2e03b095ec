//! Named sizes for `croupier model new`: small models for tests, demonstrations and benchmarks.

use std::fmt;
use std::str::FromStr;

use super::{
    Arch, DecoderConfig, Heads, LayerVariants, RopeConfig, RopeScaling, Scales, ScoreGrowth, ShortConvs,
    SoftCaps,
};
use crate::Error;

/// A named size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 0.1 M: quickstart and tests.
    Pico,
    /// 1.1 M.
    Nano,
    /// 10 M.
    Tiny,
    /// 64 M.
    Small,
    /// 494 M, the shape of Qwen2.5-0.5B.
    Q05b,
}

struct Dims {
    hidden: usize,
    intermediate: usize,
    layers: usize,
    heads: usize,
    kv_heads: usize,
    vocab: usize,
    positions: usize,
}

impl Size {
    /// All of them, smallest first.
    pub const ALL: [Self; 5] = [Self::Pico, Self::Nano, Self::Tiny, Self::Small, Self::Q05b];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pico => "pico",
            Self::Nano => "nano",
            Self::Tiny => "tiny",
            Self::Small => "small",
            Self::Q05b => "q05b",
        }
    }

    fn dims(self) -> Dims {
        let dims = |hidden, intermediate, layers, heads, vocab, positions| Dims {
            hidden,
            intermediate,
            layers,
            heads,
            kv_heads: 2,
            vocab,
            positions,
        };
        match self {
            Self::Pico => dims(64, 192, 2, 4, 512, 512),
            Self::Nano => dims(128, 384, 4, 4, 2048, 2048),
            Self::Tiny => dims(256, 1024, 8, 8, 8192, 2048),
            Self::Small => dims(640, 1792, 12, 10, 16_384, 2048),
            Self::Q05b => dims(896, 4864, 24, 14, 151_936, 32_768),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Size {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|size| size.name() == name).ok_or_else(|| Error::UnsupportedVariant {
            model_type: "(new)".to_owned(),
            field: "size".to_owned(),
            value: name.to_owned(),
        })
    }
}

impl DecoderConfig {
    /// A named size of an architecture. The vocabulary may be set afterwards.
    pub fn preset(arch: Arch, size: Size) -> Self {
        let (mut dims, family) = (size.dims(), arch.family());
        let gpt = matches!(arch, Arch::Gpt2 | Arch::GptNeox | Arch::Opt);
        if gpt {
            dims.kv_heads = dims.heads;
        }
        let head_dim = dims.hidden / dims.heads;
        let attention = if arch.is_gemma4() { 1.0 } else { (head_dim as f64).powf(-0.5) };
        let granite = arch == Arch::Granite;
        let qwen = matches!(arch, Arch::Qwen2 | Arch::Qwen3);
        let scaling = match arch.is_gemma4() {
            true => RopeScaling::Proportional { share: 0.25, factor: 1.0 },
            false => RopeScaling::Default,
        };
        let rope = RopeConfig { theta: if qwen { 1e6 } else { family.rope_theta }, scaling };
        let window = |layer: usize| match (arch, family.full_every) {
            (Arch::Mistral, _) => Some(4096),
            _ if arch.is_gemma4() && layer + 1 == dims.layers => None,
            (_, Some(every)) => (!(layer + 1).is_multiple_of(every)).then_some(512),
            _ => None,
        };
        Self {
            arch,
            vocab_size: dims.vocab,
            embedding_size: dims.hidden,
            hidden_size: dims.hidden,
            intermediate_size: dims.intermediate,
            n_layers: dims.layers,
            n_heads: dims.heads,
            n_kv_heads: dims.kv_heads,
            head_dim,
            norm_placement: family.norm_placement,
            norm_kind: family.norm_kind,
            final_norm: true,
            norm_eps: family.norm_eps,
            norm_offset: family.norm_offset,
            qk_norm: family.qk_norm,
            value_norm: arch.is_gemma4(),
            tie_word_embeddings: qwen || family.tie_word_embeddings,
            qkv_bias: gpt || arch == Arch::Qwen2,
            output_bias: gpt,
            mlp_bias: gpt,
            qkv: family.qkv,
            mlp: family.mlp,
            parallel_residual: arch == Arch::GptNeox,
            activation: family.activation,
            layer_scalar: arch.is_gemma4(),
            scales: Scales {
                embedding: match (granite, family.scales_embedding) {
                    (true, _) => 12.0,
                    (false, true) => (dims.hidden as f64).sqrt(),
                    (false, false) => 1.0,
                },
                attention,
                residual: if granite { 0.25 } else { 1.0 },
                logits: if granite { 0.125 } else { 1.0 },
            },
            soft_caps: match arch {
                Arch::Gemma2 => SoftCaps { attention: Some(50.0), logits: Some(30.0) },
                _ => SoftCaps::default(),
            },
            first_position_row: family.first_position_row,
            window_rope: match arch {
                Arch::Gemma3 | Arch::Gemma4 | Arch::Gemma4Unified => RopeConfig::plain(1e4),
                _ => rope.clone(),
            },
            rope,
            score_growth: (arch == Arch::Ministral3)
                .then_some(ScoreGrowth { beta: 0.1, original_max_position: dims.positions as f64 }),
            rotary_share: family.rotary_share,
            windows: (0..dims.layers).map(window).collect(),
            variants: LayerVariants {
                full_heads: arch.is_gemma4().then_some(Heads { n_kv_heads: 1, head_dim: 2 * head_dim }),
                full_values_are_keys: arch.is_gemma4(),
                ..LayerVariants::default()
            },
            short_convs: (arch == Arch::Lfm2).then(|| ShortConvs {
                layers: (0..dims.layers).map(|layer| layer % 2 == 0).collect(),
                width: 3,
                bias: false,
            }),
            per_layer_input: (arch == Arch::Gemma4).then_some(head_dim),
            max_position_embeddings: dims.positions,
            // 0.02 at the width that it is customary for; narrower layers need more to pass a signal on.
            initializer_range: 0.6 / (dims.hidden as f64).sqrt(),
            eos_token_ids: Vec::new(),
            pad_token_id: None,
        }
    }
}
