//! AdamW with its state in f32, whatever the weights are stored in.

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor};
use kernels::AdamWStep;

use crate::gradient::in_f32;

/// Settings of [`AdamW`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// Decay of the mean.
    pub beta_1: f64,
    /// Decay of the mean square.
    pub beta_2: f64,
    /// Added to the root.
    pub epsilon: f64,
    /// Decoupled decay, on matrices only: norms and biases are not shrunk.
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    /// torch's, without decay.
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

/// Adam with decoupled weight decay.
///
/// Parameters in less than f32 get a master copy in f32, which is what is updated; the parameter is its rounding.
///
/// # Source
/// Loshchilov & Hutter, arXiv 1711.05101, algorithm 2; bias correction and ε outside the root as in `torch.optim.AdamW`.
#[derive(Debug, Default)]
pub struct AdamW {
    config: AdamWConfig,
    n_steps: i32,
    // Maps from parameter id to tensor; burn's container of gradients is just that.
    /// Mean and mean square, `[2, N]`.
    moments: GradientsParams,
    masters: GradientsParams,
}

impl AdamW {
    /// An optimizer without history.
    pub fn new(config: AdamWConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Moves every parameter that has a gradient; `gradient_factor` multiplies all gradients first (clipping).
    pub fn step<M: Module>(
        &mut self,
        model: M,
        gradients: GradientsParams,
        lr: f64,
        gradient_factor: f64,
    ) -> M {
        self.n_steps += 1;
        let of_matrices = self.numbers(lr, gradient_factor);
        model.map(&mut Update { optimizer: self, gradients, of_matrices })
    }

    /// What one step multiplies by, on matrices.
    fn numbers(&self, lr: f64, gradient_factor: f64) -> AdamWStep {
        let AdamWConfig { beta_1, beta_2, epsilon, weight_decay } = self.config;
        let [correction_1, correction_2] = [beta_1, beta_2].map(|beta| 1.0 - beta.powi(self.n_steps));
        AdamWStep {
            gradient_factor: gradient_factor as f32,
            beta_1: beta_1 as f32,
            beta_2: beta_2 as f32,
            epsilon: epsilon as f32,
            rate: (lr / correction_1) as f32,
            root_factor: correction_2.sqrt().recip() as f32,
            kept: (1.0 - lr * weight_decay) as f32,
        }
    }

    fn updated<const D: usize>(
        &mut self,
        id: ParamId,
        old: Tensor<D>,
        gradient: Tensor<D>,
        of_matrices: AdamWStep,
    ) -> Tensor<D> {
        let (dtype, shape) = (old.dtype(), old.shape());
        let n = shape.num_elements();
        let weights = self.masters.remove::<1>(id).unwrap_or_else(|| in_f32(old).reshape([n]));
        let moments = self.moments.remove::<2>(id);
        let moments = moments.unwrap_or_else(|| Tensor::zeros([2, n], &weights.device()));
        let step = if D >= 2 { of_matrices } else { AdamWStep { kept: 1.0, ..of_matrices } };
        let (weights, moments) = kernels::adamw(weights, moments, gradient.reshape([n]), step);
        self.moments.register(id, moments);
        if dtype == DType::F32 {
            return weights.reshape(shape);
        }
        self.masters.register(id, weights.clone());
        weights.cast(dtype).reshape(shape)
    }
}

struct Update<'a> {
    optimizer: &'a mut AdamW,
    gradients: GradientsParams,
    of_matrices: AdamWStep,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let (id, tensor, mapper) = param.consume();
        let requires_gradient = tensor.is_require_grad();
        let updated = self.optimizer.updated(id, tensor.inner(), in_f32(gradient), self.of_matrices);
        let tensor = Tensor::from_inner(updated);
        Param::from_mapped_value(id, tensor.set_require_grad(requires_gradient), mapper)
    }
}

#[cfg(test)]
mod tests;
