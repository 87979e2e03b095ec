//! Gradients of the operations, for any backend below.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{AutodiffBackend, Backend, TensorMetadata};
use burn::tensor::{Shape, Slice};

use crate::adamw::AdamWStep;
use crate::head::Expected;
use crate::ops::{EntropyGradient, HeadCall, KernelOps};
use crate::reference;
use crate::rows::Gate;

impl<B: KernelOps, C: CheckpointStrategy> KernelOps for Autodiff<B, C> {
    fn kernel_linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Linear;
        impl<B: KernelOps> Backward<B, 2> for Linear {
            /// Each operand only where the other asks for gradients.
            type State = (Option<FloatTensor<B>>, Option<FloatTensor<B>>);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let [for_x, for_weight] = ops.parents;
                let (x, weight) = ops.state;
                if let (Some(node), Some(weight)) = (for_x, weight) {
                    let d_x = if weight.dtype() == grad.dtype() {
                        B::float_matmul(grad.clone(), weight)
                    } else {
                        B::kernel_linear(grad.clone(), B::float_transpose(weight))
                    };
                    grads.register::<B>(node.id, d_x);
                }
                if let (Some(node), Some(x)) = (for_weight, x) {
                    grads.register::<B>(node.id, B::float_matmul(B::float_transpose(grad), x));
                }
            }
        }
        let tracked = [x.is_tracked(), weight.is_tracked()];
        match Linear.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (x, weight) = (x.into_primitive(), weight.into_primitive());
                let state = (tracked[1].then(|| x.clone()), tracked[0].then(|| weight.clone()));
                // Many rows, whose order of summation nobody compares: the product that is fastest then.
                let is_plain = x.dtype() == weight.dtype();
                let out =
                    if is_plain { reference::linear::<B>(x, weight) } else { B::kernel_linear(x, weight) };
                prep.finish(state, out)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::kernel_linear(x.into_primitive(), weight.into_primitive()))
            }
        }
    }

    fn kernel_rms_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        eps: f32,
        offset: f32,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct RmsNorm;
        impl<B: KernelOps> Backward<B, 2> for RmsNorm {
            type State = (FloatTensor<B>, FloatTensor<B>, f32, f32);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let (x, weight, eps, offset) = ops.state;
                let shapes = [x.shape(), weight.shape()];
                let both = B::kernel_rms_norm_backward(x, weight, grad, eps, offset);
                for (node, part) in ops.parents.into_iter().zip(split::<B, 2>(both, &shapes)) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, part);
                    }
                }
            }
        }
        match RmsNorm.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (x, weight) = (x.into_primitive(), weight.into_primitive());
                let out = B::kernel_rms_norm(x.clone(), weight.clone(), eps, offset);
                prep.finish((x, weight, eps, offset), out)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::kernel_rms_norm(x.into_primitive(), weight.into_primitive(), eps, offset))
            }
        }
    }

    fn kernel_gated(gate: FloatTensor<Self>, up: FloatTensor<Self>, kind: Gate) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Gated;
        impl<B: KernelOps> Backward<B, 2> for Gated {
            type State = (FloatTensor<B>, FloatTensor<B>, Gate);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let (gate, up, kind) = ops.state;
                let [n, _] = gate.shape().dims();
                let both = B::kernel_gated_backward(gate, up, grad, kind);
                let part = |from: usize| {
                    let rows = Slice::new(from as isize, Some((from + n) as isize), 1);
                    B::float_slice(both.clone(), &[rows, Slice::new(0, None, 1)])
                };
                let [for_gate, for_up] = ops.parents;
                if let Some(node) = for_gate {
                    grads.register::<B>(node.id, part(0));
                }
                if let Some(node) = for_up {
                    grads.register::<B>(node.id, part(n));
                }
            }
        }
        match Gated.prepare::<C>([gate.node(), up.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (gate, up) = (gate.into_primitive(), up.into_primitive());
                let out = B::kernel_gated(gate.clone(), up.clone(), kind);
                prep.finish((gate, up, kind), out)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::kernel_gated(gate.into_primitive(), up.into_primitive(), kind))
            }
        }
    }

    fn kernel_softmax_stats(logits: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct SoftmaxStats;
        impl<B: KernelOps> Backward<B, 1> for SoftmaxStats {
            type State = (FloatTensor<B>, FloatTensor<B>);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let (logits, stats) = ops.state;
                if let [Some(node)] = ops.parents {
                    grads.register::<B>(node.id, B::kernel_softmax_stats_backward(logits, stats, grad));
                }
            }
        }
        match SoftmaxStats.prepare::<C>([logits.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let logits = logits.into_primitive();
                let stats = B::kernel_softmax_stats(logits.clone());
                prep.finish((logits, stats.clone()), stats)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::kernel_softmax_stats(logits.into_primitive())),
        }
    }

    fn kernel_head(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        call: HeadCall,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Head;
        impl<B: KernelOps> Backward<B, 2> for Head {
            /// `x` where the logits have to be computed again, `weight`, tokens, and all that the forward pass gave.
            type State = (Option<FloatTensor<B>>, FloatTensor<B>, IntTensor<B>, FloatTensor<B>, HeadCall);

            fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let [for_x, for_weight] = ops.parents;
                let (x, weight, tokens, stats, call) = ops.state;
                let Some(x) = x else {
                    if let Some(node) = for_x {
                        let d_x = B::kernel_head_backward_expected(weight, tokens, stats, grad, call);
                        grads.register::<B>(node.id, d_x);
                    }
                    return;
                };
                let shapes = [x.shape(), weight.shape()];
                let n_x = shapes[0].num_elements();
                let all = B::kernel_head_backward(x, weight, tokens, stats, grad, call, for_weight.is_some());
                if let Some(node) = for_x {
                    let d_x = B::float_slice(all.clone(), &[Slice::new(0, Some(n_x as isize), 1)]);
                    grads.register::<B>(node.id, B::float_reshape(d_x, shapes[0].clone()));
                }
                if let Some(node) = for_weight {
                    let d_weight = B::float_slice(all, &[Slice::new(n_x as isize, None, 1)]);
                    grads.register::<B>(node.id, B::float_reshape(d_weight, shapes[1].clone()));
                }
            }
        }
        let again = weight.is_tracked() || call.entropy == EntropyGradient::Tracked;
        match Head.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (x, weight) = (x.into_primitive(), weight.into_primitive());
                let n = 2 * x.shape()[0] + tokens.shape()[0];
                let expected = if again { Expected::LeftOut } else { Expected::Summed };
                let call = HeadCall { expected, ..call };
                let all = B::kernel_head(x.clone(), weight.clone(), tokens.clone(), call);
                let stats = B::float_slice(all.clone(), &[Slice::new(0, Some(n as isize), 1)]);
                prep.finish((again.then_some(x), weight, tokens, all, call), stats)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::kernel_head(x.into_primitive(), weight.into_primitive(), tokens, call))
            }
        }
    }

    fn kernel_rotate(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        half: usize,
        inverse: bool,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Rotate;
        impl<B: KernelOps> Backward<B, 1> for Rotate {
            type State = (FloatTensor<B>, FloatTensor<B>, usize, bool);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let (cos, sin, half, inverse) = ops.state;
                if let [Some(node)] = ops.parents {
                    grads.register::<B>(node.id, B::kernel_rotate(grad, cos, sin, half, !inverse));
                }
            }
        }
        let (cos, sin) = (cos.into_primitive(), sin.into_primitive());
        match Rotate.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let out = B::kernel_rotate(x.into_primitive(), cos.clone(), sin.clone(), half, inverse);
                prep.finish((cos, sin, half, inverse), out)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::kernel_rotate(x.into_primitive(), cos, sin, half, inverse))
            }
        }
    }

    fn kernel_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        sight: IntTensor<Self>,
        soft_cap: f32,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Attention;
        impl<B: KernelOps> Backward<B, 3> for Attention {
            type State = ([FloatTensor<B>; 3], IntTensor<B>, f32);

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let grad = grads.consume::<B>(&ops.node);
                let ([q, k, v], sight, soft_cap) = ops.state;
                let shapes = [&q, &k, &v].map(|x| x.shape());
                let all = B::kernel_attention_backward(q, k, v, sight, grad, soft_cap);
                let parts = split::<B, 3>(all, &shapes);
                for (node, part) in ops.parents.into_iter().zip(parts) {
                    if let Some(node) = node {
                        grads.register::<B>(node.id, part);
                    }
                }
            }
        }
        match Attention.prepare::<C>([q.node(), k.node(), v.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let [q, k, v] = [q, k, v].map(|x| x.into_primitive());
                let out = B::kernel_attention(q.clone(), k.clone(), v.clone(), sight.clone(), soft_cap);
                prep.finish(([q, k, v], sight, soft_cap), out)
            }
            OpsKind::UnTracked(prep) => {
                let [q, k, v] = [q, k, v].map(|x| x.into_primitive());
                prep.finish(B::kernel_attention(q, k, v, sight, soft_cap))
            }
        }
    }

    fn kernel_adam_moments(
        moments: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        step: AdamWStep,
    ) -> FloatTensor<Self> {
        let moved = B::kernel_adam_moments(moments.into_primitive(), gradient.into_primitive(), step);
        <Self as AutodiffBackend>::from_inner(moved)
    }

    fn kernel_adamw(
        weights: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        step: AdamWStep,
    ) -> FloatTensor<Self> {
        let moved = B::kernel_adamw(weights.into_primitive(), moments.into_primitive(), step);
        <Self as AutodiffBackend>::from_inner(moved)
    }

    fn kernel_store(
        slab: FloatTensor<Self>,
        fresh: FloatTensor<Self>,
        places: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        let stored = B::kernel_store(slab.into_primitive(), fresh.into_primitive(), places);
        <Self as AutodiffBackend>::from_inner(stored)
    }
}

/// Cuts a flat tensor into tensors of the given shapes.
fn split<B: Backend, const N: usize>(all: FloatTensor<B>, shapes: &[Shape; N]) -> [FloatTensor<B>; N] {
    let mut start = 0;
    std::array::from_fn(|idx| {
        let end = start + shapes[idx].num_elements();
        let part = B::float_slice(all.clone(), &[Slice::new(start as isize, Some(end as isize), 1)]);
        start = end;
        B::float_reshape(part, shapes[idx].clone())
    })
}
