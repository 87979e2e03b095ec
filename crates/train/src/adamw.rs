//! AdamW with its state in f32, whatever the weights are stored in.

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor};

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
    means: GradientsParams,
    mean_squares: GradientsParams,
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
        model.map(&mut Update { optimizer: self, gradients, lr, gradient_factor })
    }

    fn updated<const D: usize>(
        &mut self,
        id: burn::module::ParamId,
        old: Tensor<D>,
        gradient: Tensor<D>,
        lr: f64,
    ) -> Tensor<D> {
        let AdamWConfig { beta_1, beta_2, epsilon, weight_decay } = self.config;
        let dtype = old.dtype();
        let weights = self.masters.remove::<D>(id).unwrap_or_else(|| in_f32(old));
        let square = gradient.clone().square().mul_scalar(1.0 - beta_2);
        let gradient = gradient.mul_scalar(1.0 - beta_1);
        let (mean, mean_square) = match (self.means.remove::<D>(id), self.mean_squares.remove::<D>(id)) {
            (Some(mean), Some(mean_square)) => {
                (mean.mul_scalar(beta_1) + gradient, mean_square.mul_scalar(beta_2) + square)
            }
            _ => (gradient, square),
        };
        let correction_1 = 1.0 - beta_1.powi(self.n_steps);
        let correction_2 = 1.0 - beta_2.powi(self.n_steps);
        let root = mean_square.clone().sqrt().mul_scalar(correction_2.sqrt().recip()).add_scalar(epsilon);
        let change = mean.clone().div(root).mul_scalar(lr / correction_1);
        let decay = if D >= 2 { 1.0 - lr * weight_decay } else { 1.0 };
        let weights = if decay == 1.0 { weights } else { weights.mul_scalar(decay) } - change;
        self.means.register(id, mean);
        self.mean_squares.register(id, mean_square);
        if dtype == DType::F32 {
            return weights;
        }
        self.masters.register(id, weights.clone());
        weights.cast(dtype)
    }
}

struct Update<'a> {
    optimizer: &'a mut AdamW,
    gradients: GradientsParams,
    lr: f64,
    gradient_factor: f64,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let (id, tensor, mapper) = param.consume();
        let requires_gradient = tensor.is_require_grad();
        let gradient = in_f32(gradient);
        let gradient =
            if self.gradient_factor == 1.0 { gradient } else { gradient.mul_scalar(self.gradient_factor) };
        let tensor = Tensor::from_inner(self.optimizer.updated(id, tensor.inner(), gradient, self.lr));
        Param::from_mapped_value(id, tensor.set_require_grad(requires_gradient), mapper)
    }
}

#[cfg(test)]
mod tests;
