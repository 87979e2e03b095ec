//! One layer: attention and MLP, with the norms around them.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::attention::{Attention, Frame};
use super::cache::LayerCache;
use super::{Linear, Mlp, Norm, ShortConv, select_slots};
use crate::config::NormPlacement;
use crate::lora::Target;

/// Its norms carry HF's names, which say less than they seem to: see [`Layer::norms`].
#[derive(Module, Debug)]
pub(crate) struct Layer {
    pub(crate) self_attn: Option<Attention>,
    /// Instead of attention.
    pub(crate) conv: Option<ShortConv>,
    pub(crate) mlp: Mlp,
    pub(crate) input_layernorm: Option<Norm>,
    pub(crate) post_attention_layernorm: Norm,
    pub(crate) pre_feedforward_layernorm: Option<Norm>,
    pub(crate) post_feedforward_layernorm: Option<Norm>,
    /// Gates what the layer is told about the token.
    pub(crate) per_layer_input_gate: Option<Linear>,
    pub(crate) per_layer_projection: Option<Linear>,
    pub(crate) post_per_layer_input_norm: Option<Norm>,
    /// Multiplies what the layer puts out.
    pub(crate) layer_scalar: Option<Param<Tensor<1>>>,
    /// Of what a block adds to the residual stream.
    pub(crate) residual_scale: f64,
    /// Attention and MLP read the same residual stream.
    pub(crate) is_parallel: bool,
    #[module(skip)]
    pub(crate) norm_placement: NormPlacement,
}

/// What a layer is given besides the residual stream.
pub(super) struct Step<'a> {
    /// The slots to compute; all if `None`.
    pub(super) slots: Option<&'a [usize]>,
    pub(super) window: Option<usize>,
    /// Of each token, for this layer alone.
    pub(super) input: Option<Tensor<2>>,
    pub(super) cache: Option<&'a mut LayerCache>,
}

/// The norms of a layer by what they do.
#[derive(Default)]
struct Norms<'a> {
    before_attention: Option<&'a Norm>,
    after_attention: Option<&'a Norm>,
    before_mlp: Option<&'a Norm>,
    after_mlp: Option<&'a Norm>,
    /// On the residual stream, once attention is added and once the MLP is.
    on_stream: [Option<&'a Norm>; 2],
}

impl Layer {
    /// The linear map of a target, where the layer has it.
    pub(crate) fn linear(&self, target: Target) -> Option<&Linear> {
        let (attn, mlp) = (self.self_attn.as_ref(), &self.mlp);
        match target {
            Target::QProj => attn?.q_proj.as_ref(),
            Target::KProj => attn?.k_proj.as_ref(),
            Target::VProj => attn?.v_proj.as_ref(),
            Target::QkvProj => attn?.qkv_proj.as_ref(),
            Target::OProj => Some(&attn?.o_proj),
            Target::ConvIn => Some(&self.conv.as_ref()?.in_proj),
            Target::ConvOut => Some(&self.conv.as_ref()?.out_proj),
            Target::GateProj => mlp.gate_proj.as_ref(),
            Target::UpProj => mlp.up_proj.as_ref(),
            Target::GateUpProj => mlp.gate_up_proj.as_ref(),
            Target::DownProj => Some(&mlp.down_proj),
            Target::PerLayerInputGate => self.per_layer_input_gate.as_ref(),
            Target::PerLayerProjection => self.per_layer_projection.as_ref(),
        }
    }

    /// As [`Layer::linear`], to change it.
    pub(crate) fn linear_mut(&mut self, target: Target) -> Option<&mut Linear> {
        let (attn, mlp) = (self.self_attn.as_mut(), &mut self.mlp);
        match target {
            Target::QProj => attn?.q_proj.as_mut(),
            Target::KProj => attn?.k_proj.as_mut(),
            Target::VProj => attn?.v_proj.as_mut(),
            Target::QkvProj => attn?.qkv_proj.as_mut(),
            Target::OProj => Some(&mut attn?.o_proj),
            Target::ConvIn => Some(&mut self.conv.as_mut()?.in_proj),
            Target::ConvOut => Some(&mut self.conv.as_mut()?.out_proj),
            Target::GateProj => mlp.gate_proj.as_mut(),
            Target::UpProj => mlp.up_proj.as_mut(),
            Target::GateUpProj => mlp.gate_up_proj.as_mut(),
            Target::DownProj => Some(&mut mlp.down_proj),
            Target::PerLayerInputGate => self.per_layer_input_gate.as_mut(),
            Target::PerLayerProjection => self.per_layer_projection.as_mut(),
        }
    }

    /// The output at all slots, or at some of them, whose positions `frame` then holds.
    ///
    /// # Shapes
    /// `[B·S, D]` → `[B·T, D]`: rows are kept flat because a matrix product with a shared weight is one GEMM only in 2-D.
    pub(super) fn forward(&self, x: Tensor<2>, frame: &mut Frame, step: Step<'_>) -> Tensor<2> {
        let Step { slots, window, input, cache } = step;
        let norms = self.norms();
        let before = normed(norms.before_attention, x.clone());
        let chosen = |x: Tensor<2>| match slots {
            Some(slots) => select_slots(x, slots),
            None => x,
        };
        let attended = match (&self.self_attn, &self.conv) {
            (Some(attention), _) => attention.forward(before, slots, frame, window, cache),
            (None, Some(conv)) => chosen(frame.convolved(conv, before, cache)),
            (None, None) => unreachable!("a layer is built with one of them"),
        };
        let (x, attended) = (chosen(x), normed(norms.after_attention, attended));
        let x = if self.is_parallel {
            let fed = self.mlp.forward(normed(norms.before_mlp, x.clone()));
            self.add(x, fed + attended)
        } else {
            let x = normed(norms.on_stream[0], self.add(x, attended));
            let fed = self.mlp.forward(normed(norms.before_mlp, x.clone()));
            normed(norms.on_stream[1], self.add(x, normed(norms.after_mlp, fed)))
        };
        let x = match input {
            Some(input) => self.with_input(x, chosen(input)),
            None => x,
        };
        match &self.layer_scalar {
            Some(scalar) => x * scalar.val().unsqueeze(),
            None => x,
        }
    }

    fn norms(&self) -> Norms<'_> {
        let (first, second) = (self.input_layernorm.as_ref(), Some(&self.post_attention_layernorm));
        let (third, last) =
            (self.pre_feedforward_layernorm.as_ref(), self.post_feedforward_layernorm.as_ref());
        match self.norm_placement {
            NormPlacement::Before => {
                Norms { before_attention: first, before_mlp: second, ..Norms::default() }
            }
            NormPlacement::After => Norms { after_attention: second, after_mlp: last, ..Norms::default() },
            NormPlacement::Around => Norms {
                before_attention: first,
                after_attention: second,
                before_mlp: third,
                after_mlp: last,
                ..Norms::default()
            },
            NormPlacement::OnStream => Norms { on_stream: [first, second], ..Norms::default() },
        }
    }

    /// Adds what the layer makes of the token's own input.
    fn with_input(&self, x: Tensor<2>, input: Tensor<2>) -> Tensor<2> {
        let (Some(gate), Some(map)) = (&self.per_layer_input_gate, &self.per_layer_projection) else {
            return x;
        };
        let told = self.mlp.activation.gated(gate.forward(x.clone()), input);
        x + normed(self.post_per_layer_input_norm.as_ref(), map.forward(told))
    }

    fn add(&self, x: Tensor<2>, block: Tensor<2>) -> Tensor<2> {
        if self.residual_scale == 1.0 { x + block } else { x + block.mul_scalar(self.residual_scale) }
    }
}

pub(super) fn normed(norm: Option<&Norm>, x: Tensor<2>) -> Tensor<2> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}
