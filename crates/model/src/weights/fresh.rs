//! Fresh weights as HF initialises them: normal with the configured deviation, biases 0, norms neutral.

use burn::tensor::{DType, Device, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use super::{TensorSource, build};
use crate::Result;
use crate::config::DecoderConfig;
use crate::decoder::LanguageModel;

struct FreshWeights {
    seed: u64,
    std: f32,
    /// Weight of a norm that changes nothing.
    unit: f32,
}

impl TensorSource for FreshWeights {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<TensorData> {
        let n = shape.iter().product();
        let values = match shape.len() {
            1 if name.ends_with("norm.weight") => vec![self.unit; n],
            1 if name.ends_with("layer_scalar") => vec![1.0; n],
            1 => vec![0.0; n],
            _ => normal_values(&mut tensor_rng(self.seed, name), self.std, n),
        };
        Ok(TensorData::new(values, shape))
    }
}

impl LanguageModel {
    /// A random model; the same seed gives the same weights.
    ///
    /// # Panics
    /// Never for a configuration that was read from a file or made by [`DecoderConfig::preset`].
    pub fn fresh(config: &DecoderConfig, seed: u64, device: &Device) -> Self {
        let (std, unit) = (config.initializer_range as f32, 1.0 - config.norm_offset as f32);
        let mut source = FreshWeights { seed, std, unit };
        build(config, &mut source, DType::F32, device)
            .expect("fresh tensors have the shapes that are asked for")
    }
}

/// A generator for one tensor: its values depend on the seed and its name, not on the order of construction.
pub(crate) fn tensor_rng(seed: u64, name: &str) -> ChaCha8Rng {
    // FNV-1a: stable across versions, unlike std's hashers.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(hash);
    rng
}

/// Normally distributed values by the Box–Muller transform.
pub(crate) fn normal_values(rng: &mut impl Rng, std: f32, n: usize) -> Vec<f32> {
    let mut values = Vec::with_capacity(n + 1);
    while values.len() < n {
        let radius = (-2.0 * (1.0 - unit(rng)).ln()).sqrt() * std;
        let (sin, cos) = (std::f32::consts::TAU * unit(rng)).sin_cos();
        values.extend([radius * cos, radius * sin]);
    }
    values.truncate(n);
    values
}

/// Values uniform in `-bound … bound`.
pub(crate) fn uniform_values(rng: &mut impl Rng, bound: f32, n: usize) -> Vec<f32> {
    (0..n).map(|_| (2.0 * unit(rng) - 1.0) * bound).collect()
}

/// Uniform in `[0, 1)` with 24 bits.
fn unit(rng: &mut impl Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1u32 << 24) as f32
}
