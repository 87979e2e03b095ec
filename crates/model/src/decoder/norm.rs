//! Norms as HF computes them: in f32, rounded, then times the weight.

use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};
use kernels::rms_norm;

use crate::config::NormKind;

/// Over the last dimension: `x / sqrt(mean(x²) + eps) · (weight + offset)`, or LayerNorm.
#[derive(Module, Debug)]
pub struct Norm {
    /// `[D]`
    pub weight: Param<Tensor<1>>,
    /// Added to the mean square.
    pub eps: f64,
    /// Added to the weight; where it is not 0 (gemma), the product is in f32 too.
    pub offset: f64,
    /// `[D]`, of LayerNorm.
    pub bias: Option<Param<Tensor<1>>>,
    /// What it divides by.
    #[module(skip)]
    pub kind: NormKind,
}

impl Norm {
    /// A root-mean-square norm with the given weight.
    pub fn new(weight: Tensor<1>, eps: f64, offset: f64) -> Self {
        let weight = Param::from_tensor(weight);
        Self { weight, eps, offset, bias: None, kind: NormKind::RootMeanSquare }
    }

    /// LayerNorm.
    pub fn layer(weight: Tensor<1>, bias: Tensor<1>, eps: f64) -> Self {
        Self { bias: Some(Param::from_tensor(bias)), kind: NormKind::Layer, ..Self::new(weight, eps, 0.0) }
    }

    /// # Shapes
    /// `[.., D]` → `[.., D]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let (dtype, weight) = (x.dtype(), self.weight.val());
        if self.kind == NormKind::Layer {
            return self.layer_norm(x.cast(DType::F32)).cast(dtype);
        }
        if dtype == DType::F32 {
            return rms_norm(x, weight, self.eps, self.offset);
        }
        let unit = over_root_mean_square(x.cast(DType::F32), self.eps);
        if self.offset == 0.0 {
            return unit.cast(dtype) * weight.unsqueeze();
        }
        (unit * weight.cast(DType::F32).add_scalar(self.offset).unsqueeze()).cast(dtype)
    }

    fn layer_norm<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let centred = x.clone() - x.mean_dim(D - 1);
        let scaled =
            over_root_mean_square(centred, self.eps) * self.weight.val().cast(DType::F32).unsqueeze();
        match &self.bias {
            Some(bias) => scaled + bias.val().cast(DType::F32).unsqueeze(),
            None => scaled,
        }
    }
}

/// `x / sqrt(mean(x²) + eps)` over the last dimension.
pub(super) fn over_root_mean_square<const D: usize>(x: Tensor<D>, eps: f64) -> Tensor<D> {
    let root = x.clone().square().mean_dim(D - 1).add_scalar(eps).sqrt();
    x / root
}
