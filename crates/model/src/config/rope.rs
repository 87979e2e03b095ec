//! Rotary position embedding: its base and how it is stretched beyond the context of pre-training.

/// Rotary position embedding.
#[derive(Clone, Debug, PartialEq)]
pub struct RopeConfig {
    /// Base of the geometric series of wavelengths.
    pub theta: f64,
    /// Change of the wavelengths.
    pub scaling: RopeScaling,
}

impl RopeConfig {
    /// Without any stretching.
    pub fn plain(theta: f64) -> Self {
        Self { theta, scaling: RopeScaling::Default }
    }

    /// True if the rotation of a token depends on the length of its sequence.
    pub(crate) fn depends_on_length(&self) -> bool {
        matches!(self.scaling, RopeScaling::LongRope(_))
    }
}

/// `rope_type` of config.json, with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// As they are.
    Default,
    /// All stretched by a factor.
    Linear {
        /// The factor.
        factor: f64,
    },
    /// Long wavelengths stretched by a factor.
    Llama3(Llama3Rope),
    /// Dimensions that turn rarely are stretched, and the scores sharpened.
    Yarn(YarnRope),
    /// Only the shortest wavelengths turn, as many as a share of the head; the others stand still.
    Proportional {
        /// The share.
        share: f64,
        /// By how much those that turn are stretched.
        factor: f64,
    },
    /// A factor for each dimension, one list for short and one for long sequences.
    LongRope(LongRope),
}

/// Parameters of `rope_type` llama3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Llama3Rope {
    /// By how much the longest wavelengths are stretched.
    pub factor: f64,
    /// Wavelengths above `original_max_position / low_freq_factor` are stretched fully.
    pub low_freq_factor: f64,
    /// Wavelengths below `original_max_position / high_freq_factor` are left alone.
    pub high_freq_factor: f64,
    /// Context that the model was first trained on.
    pub original_max_position: f64,
}

/// Parameters of `rope_type` yarn (arXiv 2309.00071).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct YarnRope {
    /// By how much the longest wavelengths are stretched.
    pub factor: f64,
    /// Dimensions with more turns than this in the original context are left alone.
    pub beta_fast: f64,
    /// Dimensions with fewer turns than this are stretched fully.
    pub beta_slow: f64,
    /// Context that the model was first trained on.
    pub original_max_position: f64,
    /// Sines and cosines are multiplied by this.
    pub attention_factor: f64,
    /// The bounds between the two are rounded outwards to whole dimensions.
    pub truncate: bool,
}

/// Parameters of `rope_type` longrope (arXiv 2402.13753).
#[derive(Clone, Debug, PartialEq)]
pub struct LongRope {
    /// Per pair of dimensions, for sequences within the original context.
    pub short_factor: Vec<f64>,
    /// Per pair of dimensions, for longer ones.
    pub long_factor: Vec<f64>,
    /// Context that the model was first trained on.
    pub original_max_position: f64,
    /// Sines and cosines are multiplied by this.
    pub attention_factor: f64,
}

/// `0.1 · scale · ln(factor) + 1`, by which yarn sharpens the scores.
pub(crate) fn yarn_mscale(factor: f64, scale: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * scale * factor.ln() + 1.0 }
}
