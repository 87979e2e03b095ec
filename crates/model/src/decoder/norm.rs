//! Root-mean-square norm as HF computes it: in f32, rounded, then times the weight.

use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};

/// `x / sqrt(mean(x²) + eps) · weight` over the last dimension.
#[derive(Module, Debug)]
pub struct RmsNorm {
    /// `[D]`
    pub weight: Param<Tensor<1>>,
    /// Added to the mean square.
    pub eps: f64,
}

impl RmsNorm {
    /// A norm with the given weight.
    pub fn new(weight: Tensor<1>, eps: f64) -> Self {
        Self { weight: Param::from_tensor(weight), eps }
    }

    /// # Shapes
    /// `[.., D]` → `[.., D]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let dtype = x.dtype();
        if dtype == DType::F32 {
            return self.unit(x) * self.weight.val().unsqueeze();
        }
        self.unit(x.cast(DType::F32)).cast(dtype) * self.weight.val().unsqueeze()
    }

    fn unit<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let root = x.clone().square().mean_dim(D - 1).add_scalar(self.eps).sqrt();
        x / root
    }
}
