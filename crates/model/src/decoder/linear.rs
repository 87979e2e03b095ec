//! A linear map in HF's layout, with an optional low-rank side path.
//!
//! burn's own `Linear` stores `[in, out]`; HF's `[out, in]` with a transposed view needs no remapping of files and is
//! the faster operand on flex. burn's `apply_lora` materialises `W + s·BA` and back-propagates a dense gradient; the
//! side path does neither.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use kernels::linear;

/// `y = x Wᵀ + b + s · (x Aᵀ) Bᵀ`
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`
    pub weight: Param<Tensor<2>>,
    /// `[out]`
    pub bias: Option<Param<Tensor<1>>>,
    /// `[r, in]`
    pub lora_a: Option<Param<Tensor<2>>>,
    /// `[out, r]`
    pub lora_b: Option<Param<Tensor<2>>>,
    /// `alpha / r`
    pub lora_scale: f32,
}

impl Linear {
    /// A layer without an adapter.
    pub fn new(weight: Tensor<2>, bias: Option<Tensor<1>>) -> Self {
        Self {
            weight: Param::from_tensor(weight),
            bias: bias.map(Param::from_tensor),
            lora_a: None,
            lora_b: None,
            lora_scale: 0.0,
        }
    }

    /// # Shapes
    /// `[N, in]` → `[N, out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let mut y = linear(x.clone(), self.weight.val());
        if let Some(bias) = &self.bias {
            y = y + bias.val().unsqueeze();
        }
        if let (Some(a), Some(b)) = (&self.lora_a, &self.lora_b) {
            // Scaled in the middle, where the matrix is narrow.
            let low = linear(x, a.val()).mul_scalar(self.lora_scale);
            y = y + linear(low, b.val());
        }
        y
    }

    /// Attaches an adapter; the base no longer asks for gradients.
    pub(crate) fn with_lora(mut self, a: Tensor<2>, b: Tensor<2>, scale: f32) -> Self {
        self.weight = self.weight.set_require_grad(false);
        self.bias = self.bias.map(|bias| bias.set_require_grad(false));
        self.lora_a = Some(Param::from_tensor(a));
        self.lora_b = Some(Param::from_tensor(b));
        self.lora_scale = scale;
        self
    }

    /// Folds the adapter into the weight.
    pub(crate) fn merged(mut self) -> Self {
        if let (Some(a), Some(b)) = (self.lora_a.take(), self.lora_b.take()) {
            let delta = b.val().matmul(a.val()).mul_scalar(self.lora_scale);
            self.weight = self.weight.map(|weight| {
                let dtype = weight.dtype();
                (weight + delta.cast(dtype)).detach()
            });
            self.lora_scale = 0.0;
        }
        self
    }
}
