//! Rotary position embedding in HF's `rotate_half` convention.
//!
//! burn's `RotaryEncoding` interleaves the two halves (GPT-J), which is another function. The tables of a forward pass
//! are computed on the host in f32, as HF computes them: at position 10,000 the rounding of the angle is visible.

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::Positions;
use crate::config::{Llama3Rope, RopeConfig};

/// Cosines and sines for the slots of a batch, `[1 or B, T, 1, head_dim]`.
pub(super) struct RopeTables {
    cos: Tensor<4>,
    /// The first half negated, so that rotating is one swap of halves.
    sin: Tensor<4>,
}

impl RopeTables {
    pub(super) fn new(
        config: &RopeConfig,
        head_dim: usize,
        positions: &Positions,
        scale: f32,
        (device, dtype): (&Device, DType),
    ) -> Self {
        let frequencies = frequencies(config, head_dim);
        let n_slots = positions.values().len();
        let (mut cos, mut sin) =
            (Vec::with_capacity(n_slots * head_dim), Vec::with_capacity(n_slots * head_dim));
        for &position in positions.values() {
            let angles = frequencies.iter().map(|frequency| (position.max(0) as f32) * frequency);
            let start = cos.len();
            for angle in angles {
                cos.push(angle.cos() * scale);
                sin.push(-angle.sin() * scale);
            }
            cos.extend_from_within(start..);
            sin.extend(sin[start..].iter().map(|x| -x).collect::<Vec<_>>());
        }
        let shape = [positions.n_rows(), positions.n_cols(), 1, head_dim];
        let upload = |values| Tensor::from_data(TensorData::new(values, shape), (device, dtype));
        Self { cos: upload(cos), sin: upload(sin) }
    }

    /// # Shapes
    /// `[B, T, heads, head_dim]` → the same
    pub(super) fn rotate(&self, x: Tensor<4>) -> Tensor<4> {
        let half = x.dims()[3] / 2;
        let low = x.clone().narrow(3, 0, half);
        let high = x.clone().narrow(3, half, half);
        let swapped = Tensor::cat(vec![high, low], 3);
        x * self.cos.clone() + swapped * self.sin.clone()
    }
}

/// Angle per position of each pair of dimensions.
fn frequencies(config: &RopeConfig, head_dim: usize) -> Vec<f32> {
    (0..head_dim / 2)
        .map(|pair| 1.0 / (config.theta as f32).powf(2.0 * pair as f32 / head_dim as f32))
        .map(|frequency| match &config.llama3 {
            None => frequency,
            Some(llama3) => llama3.stretch(frequency),
        })
        .collect()
}

impl Llama3Rope {
    /// Long wavelengths are stretched by `factor`, short ones kept, and those between interpolated.
    ///
    /// # Source
    /// `_compute_llama3_parameters` in transformers' `modeling_rope_utils.py`.
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
