//! The MLP of a layer, with or without a gate.

use burn::module::Module;
use burn::tensor::{Tensor, activation};
use kernels::{Gate, gated};

use super::Linear;
use crate::config::Activation;

/// The MLP: `down(act(gate(x)) · up(x))`, or without a gate `down(act(up(x)))`.
#[derive(Module, Debug)]
pub(crate) struct Mlp {
    pub(crate) gate_proj: Option<Linear>,
    pub(crate) up_proj: Option<Linear>,
    /// Instead of the two, where a family has them in one.
    pub(crate) gate_up_proj: Option<Linear>,
    pub(crate) down_proj: Linear,
    #[module(skip)]
    pub(crate) activation: Activation,
}

impl Mlp {
    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let (gate, up) = match (&self.gate_up_proj, &self.gate_proj, &self.up_proj) {
            (Some(both), ..) => {
                let both = both.forward(x);
                let width = both.dims()[1] / 2;
                (both.clone().narrow(1, 0, width), both.narrow(1, width, width))
            }
            (None, Some(gate), Some(up)) => (gate.forward(x.clone()), up.forward(x)),
            (None, None, Some(up)) => return self.down_proj.forward(self.activation.of(up.forward(x))),
            (None, _, None) => unreachable!("a model is built with the maps of its kind"),
        };
        self.down_proj.forward(self.activation.gated(gate, up))
    }
}

impl Activation {
    /// `act(gate) · up`
    pub(super) fn gated(self, gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Silu => gated(gate, up, Gate::Silu),
            Self::GeluTanh => gated(gate, up, Gate::GeluTanh),
            Self::Gelu | Self::Relu => self.of(gate) * up,
        }
    }

    fn of(self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Silu => activation::silu(x),
            Self::GeluTanh => {
                // (1 + tanh(z)) / 2 is sigmoid(2z).
                let inner = x.clone().powi_scalar(3).mul_scalar(0.044_715) + x.clone();
                x * activation::sigmoid(inner.mul_scalar((8.0 / std::f64::consts::PI).sqrt()))
            }
            Self::Gelu => activation::gelu(x),
            Self::Relu => activation::relu(x),
        }
    }
}
