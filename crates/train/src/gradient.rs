//! Gradients as a whole: norm, clip factor, and named copies for comparisons.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor};

/// Euclidean norm over the gradients of all trained parameters.
pub fn global_norm<M: Module>(model: &M, gradients: &GradientsParams) -> f64 {
    let mut visitor = SquareSums { gradients, sums: Vec::new() };
    model.visit(&mut visitor);
    if visitor.sums.is_empty() {
        return 0.0;
    }
    f64::from(Tensor::cat(visitor.sums, 0).sum().into_scalar::<f32>()).sqrt()
}

/// Factor that brings a gradient of norm `norm` down to `max_norm`; 1 if it is shorter.
///
/// # Source
/// `torch.nn.utils.clip_grad_norm_`: `min(1, max_norm / (norm + 1e-6))`.
pub fn clip_factor(norm: f64, max_norm: f64) -> f64 {
    (max_norm / (norm + 1e-6)).min(1.0)
}

/// A parameter or its gradient, on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Path of the parameter in the model, e.g. `model.layers.0.mlp.up_proj.weight`.
    pub name: String,
    /// Shape of the parameter.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub values: Vec<f32>,
}

impl NamedTensor {
    /// Euclidean norm.
    pub fn norm(&self) -> f64 {
        self.values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
    }
}

/// Copies all gradients to the host, in the order of the model's fields.
pub fn named_gradients<M: Module>(model: &M, gradients: &GradientsParams) -> Vec<NamedTensor> {
    let mut visitor = Named { gradients: Some(gradients), path: Vec::new(), found: Vec::new() };
    model.visit(&mut visitor);
    visitor.found
}

/// Copies all trained parameters to the host, in the order of the model's fields.
pub fn named_parameters<M: Module>(model: &M) -> Vec<NamedTensor> {
    let mut visitor = Named { gradients: None, path: Vec::new(), found: Vec::new() };
    model.visit(&mut visitor);
    visitor.found
}

/// Number of parameters that ask for gradients.
pub fn n_trained<M: Module>(model: &M) -> usize {
    let mut count = Count(0);
    model.visit(&mut count);
    count.0
}

struct Count(usize);

impl ModuleVisitor for Count {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        self.0 += if tensor.is_require_grad() { tensor.shape().num_elements() } else { 0 };
    }
}

struct SquareSums<'a> {
    gradients: &'a GradientsParams,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for SquareSums<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sums.push(in_f32(gradient).square().sum());
        }
    }
}

struct Named<'a> {
    /// The gradients to copy; the parameters themselves if `None`.
    gradients: Option<&'a GradientsParams>,
    path: Vec<String>,
    found: Vec<NamedTensor>,
}

impl ModuleVisitor for Named<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = match self.gradients {
            Some(gradients) => gradients.get::<D>(param.id),
            None => param.val().is_require_grad().then(|| param.val().inner()),
        };
        if let Some(tensor) = tensor {
            let shape = tensor.dims().to_vec();
            let values = tensor.into_data_dtype(DType::F32).try_to_vec().expect("converted to f32 just now");
            self.found.push(NamedTensor { name: self.path.join("."), shape, values });
        }
    }

    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }
}

/// The same values in f32, without a copy if they are.
pub(crate) fn in_f32<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    if tensor.dtype() == DType::F32 { tensor } else { tensor.cast(DType::F32) }
}
