//! The mean of the weights over the last part of a run.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::gradient::in_f32;

/// Running mean of the trained parameters, in f32.
///
/// Near its end a run walks around a good place rather than into it; the mean of where it has been is closer.
///
/// # Source
/// Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", arXiv 1803.05407, §3.2.
#[derive(Debug, Default)]
pub struct WeightAverage {
    n: u64,
    // A map from parameter id to tensor; burn's container of gradients is just that.
    means: GradientsParams,
}

impl WeightAverage {
    /// Takes the trained parameters of `model` into the mean.
    pub fn add<M: Module>(&mut self, model: &M) {
        self.n += 1;
        model.visit(&mut Add(self));
    }

    /// `model` with its trained parameters replaced by the mean; as it is if nothing was added.
    pub fn applied_to<M: Module>(&self, model: M) -> M {
        model.map(&mut Apply(&self.means))
    }
}

struct Add<'a>(&'a mut WeightAverage);

impl ModuleVisitor for Add<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        if !tensor.is_require_grad() {
            return;
        }
        let WeightAverage { n, means } = &mut *self.0;
        let new = in_f32(tensor.inner());
        let mean = match means.remove::<D>(param.id) {
            Some(mean) => mean.clone() + (new - mean).div_scalar(*n as f64),
            None => new,
        };
        means.register(param.id, mean);
    }
}

struct Apply<'a>(&'a GradientsParams);

impl ModuleMapper for Apply<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(mean) = self.0.get::<D>(param.id) else {
            return param;
        };
        let (id, tensor, mapper) = param.consume();
        let mean = Tensor::from_inner(mean.cast(tensor.dtype()));
        Param::from_mapped_value(id, mean.set_require_grad(tensor.is_require_grad()), mapper)
    }
}

#[cfg(test)]
mod tests;
