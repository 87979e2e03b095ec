//! Root-mean-square norm as HF computes it: in f32, rounded, then times the weight.

use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};
use kernels::rms_norm;

/// `x / sqrt(mean(x²) + eps) · (weight + offset)` over the last dimension.
#[derive(Module, Debug)]
pub struct RmsNorm {
    /// `[D]`
    pub weight: Param<Tensor<1>>,
    /// Added to the mean square.
    pub eps: f64,
    /// Added to the weight; where it is not 0 (gemma), the product is in f32 too.
    pub offset: f64,
}

impl RmsNorm {
    /// A norm with the given weight.
    pub fn new(weight: Tensor<1>, eps: f64, offset: f64) -> Self {
        Self { weight: Param::from_tensor(weight), eps, offset }
    }

    /// # Shapes
    /// `[.., D]` → `[.., D]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let (dtype, weight) = (x.dtype(), self.weight.val());
        if dtype == DType::F32 {
            return rms_norm(x, weight, self.eps, self.offset);
        }
        let unit = over_root_mean_square(x.cast(DType::F32), self.eps);
        if self.offset == 0.0 {
            return unit.cast(dtype) * weight.unsqueeze();
        }
        (unit * weight.cast(DType::F32).add_scalar(self.offset).unsqueeze()).cast(dtype)
    }
}

/// `x / sqrt(mean(x²) + eps)` over the last dimension.
pub(super) fn over_root_mean_square<const D: usize>(x: Tensor<D>, eps: f64) -> Tensor<D> {
    let root = x.clone().square().mean_dim(D - 1).add_scalar(eps).sqrt();
    x / root
}
