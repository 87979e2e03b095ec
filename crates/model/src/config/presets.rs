//! Named sizes for `croupier model new`: small models for tests, demonstrations and benchmarks.

use std::fmt;
use std::str::FromStr;

use super::{Arch, DecoderConfig, RopeConfig};
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
        let dims = size.dims();
        let window = (arch == Arch::Mistral).then_some(4096);
        Self {
            arch,
            vocab_size: dims.vocab,
            hidden_size: dims.hidden,
            intermediate_size: dims.intermediate,
            n_layers: dims.layers,
            n_heads: dims.heads,
            n_kv_heads: dims.kv_heads,
            head_dim: dims.hidden / dims.heads,
            rms_norm_eps: 1e-6,
            tie_word_embeddings: matches!(arch, Arch::Qwen2 | Arch::Qwen3),
            qkv_bias: arch == Arch::Qwen2,
            output_bias: false,
            mlp_bias: false,
            qk_norm: arch == Arch::Qwen3,
            rope: RopeConfig {
                theta: if arch == Arch::Qwen2 || arch == Arch::Qwen3 { 1e6 } else { 1e4 },
                llama3: None,
            },
            windows: vec![window; dims.layers],
            max_position_embeddings: dims.positions,
            initializer_range: 0.02,
            eos_token_ids: Vec::new(),
            pad_token_id: None,
        }
    }
}
