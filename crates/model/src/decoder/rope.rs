//! Rotary position embedding in HF's `rotate_half` convention.
//!
//! burn's `RotaryEncoding` interleaves the two halves (GPT-J), which is another function. The tables of a forward pass
//! are computed on the host in f32, as HF computes them: at position 10,000 the rounding of the angle is visible.
//!
//! # Source
//! `modeling_rope_utils.py` of transformers 5.23.0, for the stretched kinds.

use burn::tensor::{DType, Device, Tensor, TensorData};
use kernels::rotate;

use super::Positions;
use crate::config::{DecoderConfig, Llama3Rope, Reach, RopeConfig, RopeScaling, YarnRope};

/// Cosines and sines for the slots of a batch, `[1 or B, T, 1, head_dim]`.
#[derive(Clone)]
pub(super) struct RopeTables {
    cos: Tensor<4>,
    /// The first half negated, so that rotating is one swap of halves.
    sin: Tensor<4>,
    rotary_dim: usize,
    /// What is left where nothing is rotated.
    scale: f32,
}

/// What the tables hold besides the rotation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The factor of the scores, and its growth with the position: that saves a pass over the scores.
    Queries,
    /// Nothing.
    Keys,
}

impl RopeTables {
    pub(super) fn new(
        config: &DecoderConfig,
        reach: Reach,
        positions: &Positions,
        side: Side,
        (device, dtype): (&Device, DType),
    ) -> Self {
        let rope = config.rope_of(reach);
        let (head_dim, rotary_dim) = (config.heads(reach).head_dim, config.rotary_dim(reach));
        let n_values = positions.values().len() * head_dim;
        let (mut cos, mut sin) = (Vec::with_capacity(n_values), Vec::with_capacity(n_values));
        for row in 0..positions.n_rows() {
            let follows = |a: &i32, b: &i32| *b == *a + 1 || *b == Positions::PADDING;
            for sequence in positions.row(row).chunk_by(follows) {
                let length = sequence.iter().copied().max().unwrap_or(0) + 1;
                let (frequencies, sharpness) = frequencies(rope, rotary_dim, f64::from(length));
                for &position in sequence {
                    let position = position.max(0) as f32;
                    let scale = side.factor(config, position);
                    let start = cos.len();
                    for frequency in &frequencies {
                        let (sine, cosine) = (position * frequency).sin_cos();
                        cos.push(cosine * sharpness * scale);
                        sin.push(-sine * sharpness * scale);
                    }
                    cos.extend_from_within(start..);
                    sin.extend(sin[start..].iter().map(|x| -x).collect::<Vec<_>>());
                    cos.resize(start + head_dim, scale);
                    sin.resize(start + head_dim, 0.0);
                }
            }
        }
        let shape = [positions.n_rows(), positions.n_cols(), 1, head_dim];
        let upload = |values| Tensor::from_data(TensorData::new(values, shape), (device, dtype));
        Self { cos: upload(cos), sin: upload(sin), rotary_dim, scale: side.factor(config, 0.0) }
    }

    /// # Shapes
    /// `[B, T, heads, head_dim]` → the same
    pub(super) fn rotate(&self, x: Tensor<4>) -> Tensor<4> {
        if self.rotary_dim == 0 {
            return if self.scale == 1.0 { x } else { x.mul_scalar(self.scale) };
        }
        rotate(x, self.cos.clone(), self.sin.clone(), self.rotary_dim / 2)
    }
}

impl Side {
    fn factor(self, config: &DecoderConfig, position: f32) -> f32 {
        if self == Self::Keys {
            return 1.0;
        }
        let growth = config.score_growth.map_or(1.0, |growth| {
            1.0 + growth.beta as f32 * (position / growth.original_max_position as f32).floor().ln_1p()
        });
        config.scales.attention as f32 * growth
    }
}

/// Angle per position of each pair of dimensions in a sequence of `length` tokens, and a factor of sines and cosines.
fn frequencies(rope: &RopeConfig, rotary_dim: usize, length: f64) -> (Vec<f32>, f32) {
    let n_pairs = rotary_dim / 2;
    let plain = |pair: usize| 1.0 / (rope.theta as f32).powf(2.0 * pair as f32 / rotary_dim as f32);
    let each = |stretched: &dyn Fn(usize, f32) -> f32| {
        (0..n_pairs).map(|pair| stretched(pair, plain(pair))).collect()
    };
    match &rope.scaling {
        RopeScaling::Default => (each(&|_, frequency| frequency), 1.0),
        RopeScaling::Linear { factor } => (each(&|_, frequency| frequency / *factor as f32), 1.0),
        RopeScaling::Llama3(llama3) => (each(&|_, frequency| llama3.stretch(frequency)), 1.0),
        RopeScaling::Yarn(yarn) => {
            let stretched = each(&|pair, frequency| yarn.stretch(pair, frequency, rope.theta, rotary_dim));
            (stretched, yarn.attention_factor as f32)
        }
        RopeScaling::Proportional { share, factor } => {
            let n_turning = (share * rotary_dim as f64 / 2.0) as usize;
            let turns = |pair, frequency| if pair < n_turning { frequency / *factor as f32 } else { 0.0 };
            (each(&turns), 1.0)
        }
        RopeScaling::LongRope(long) => {
            let is_long = length > long.original_max_position;
            let factors = if is_long { &long.long_factor } else { &long.short_factor };
            let stretched = each(&|pair, frequency| frequency / factors.get(pair).map_or(1.0, |f| *f as f32));
            (stretched, long.attention_factor as f32)
        }
    }
}

impl Llama3Rope {
    /// Long wavelengths are stretched by `factor`, short ones kept, and those between interpolated.
    fn stretch(&self, frequency: f32) -> f32 {
        let frequency = f64::from(frequency);
        let wavelength = 2.0 * std::f64::consts::PI / frequency;
        let stretched = if wavelength > self.original_max_position / self.low_freq_factor {
            frequency / self.factor
        } else if wavelength < self.original_max_position / self.high_freq_factor {
            frequency
        } else {
            let smooth = (self.original_max_position / wavelength - self.low_freq_factor)
                / (self.high_freq_factor - self.low_freq_factor);
            (1.0 - smooth) * frequency / self.factor + smooth * frequency
        };
        stretched as f32
    }
}

impl YarnRope {
    /// Pairs that turn often in the original context are kept, those that turn rarely stretched, and those between
    /// interpolated by their number.
    fn stretch(&self, pair: usize, frequency: f32, theta: f64, rotary_dim: usize) -> f32 {
        let pair_with_turns = |turns: f64| {
            let wavelength = self.original_max_position / (turns * 2.0 * std::f64::consts::PI);
            rotary_dim as f64 * wavelength.ln() / (2.0 * theta.ln())
        };
        let (mut first, mut last) = (pair_with_turns(self.beta_fast), pair_with_turns(self.beta_slow));
        if self.truncate {
            (first, last) = (first.floor(), last.ceil());
        }
        let (first, last) = (first.max(0.0), last.min(rotary_dim as f64 - 1.0));
        let width = if first == last { 0.001 } else { last - first };
        let stretched = ((pair as f64 - first) / width).clamp(0.0, 1.0);
        let frequency = f64::from(frequency);
        (frequency / self.factor * stretched + frequency * (1.0 - stretched)) as f32
    }
}
