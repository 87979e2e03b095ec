//! The seam: one trait of custom operations, and the functions on tensors that call it.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Int, Tensor};

use crate::adamw::AdamWStep;
use crate::head::{Expected, LogitScale};
use crate::reference;
use crate::rows::Gate;

/// How the head is called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadCall {
    pub(crate) scale: LogitScale,
    pub(crate) entropy: EntropyGradient,
    pub(crate) expected: Expected,
}

/// Whether entropies carry a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntropyGradient {
    /// For an entropy bonus.
    Tracked,
    /// For reports only; cheaper.
    Detached,
}

/// Operations with several results concatenate them, flat: the seam carries single tensors.
#[backend_extension(Flex, Autodiff, Cube: cfg(feature = "cuda"), Fusion: cfg(feature = "cuda"))]
pub(crate) trait KernelOps: Backend {
    #[fusion(default)]
    fn kernel_linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        reference::linear::<Self>(x, weight)
    }

    #[fusion(default)]
    fn kernel_rms_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        eps: f32,
        offset: f32,
    ) -> FloatTensor<Self> {
        reference::rms_norm::<Self>(x, weight, eps, offset)
    }

    #[fusion(default)]
    fn kernel_rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        eps: f32,
        offset: f32,
    ) -> FloatTensor<Self> {
        reference::rms_norm_backward::<Self>(x, weight, grad, eps, offset)
    }

    #[fusion(default)]
    fn kernel_gated(gate: FloatTensor<Self>, up: FloatTensor<Self>, kind: Gate) -> FloatTensor<Self> {
        reference::gated::<Self>(gate, up, kind)
    }

    #[fusion(default)]
    fn kernel_gated_backward(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        kind: Gate,
    ) -> FloatTensor<Self> {
        reference::gated_backward::<Self>(gate, up, grad, kind)
    }

    #[fusion(default)]
    fn kernel_softmax_stats(logits: FloatTensor<Self>) -> FloatTensor<Self> {
        reference::softmax_stats::<Self>(logits)
    }

    #[fusion(default)]
    fn kernel_softmax_stats_backward(
        logits: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        reference::softmax_stats_backward::<Self>(logits, stats, grad)
    }

    /// Log-sum-exp and entropy of each predictor, the logit of each token, and the expected rows: `[2P + N (+ P·D)]`.
    #[fusion(default)]
    fn kernel_head(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        call: HeadCall,
    ) -> FloatTensor<Self> {
        reference::head::<Self>(x, weight, tokens, call)
    }

    /// From the expected rows, which stand behind the stats in `stats`.
    #[fusion(default)]
    fn kernel_head_backward_expected(
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        stats: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        call: HeadCall,
    ) -> FloatTensor<Self> {
        reference::head_backward_expected::<Self>(weight, tokens, stats, grad, call)
    }

    /// `[P·D (+ V·D)]`
    #[fusion(default)]
    fn kernel_head_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        stats: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        call: HeadCall,
        for_weight: bool,
    ) -> FloatTensor<Self> {
        reference::head_backward::<Self>((x, weight), tokens, stats, grad, call, for_weight)
    }

    #[fusion(default)]
    fn kernel_rotate(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        half: usize,
        inverse: bool,
    ) -> FloatTensor<Self> {
        reference::rotate::<Self>(x, cos, sin, half, inverse)
    }

    #[fusion(default)]
    fn kernel_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        sight: IntTensor<Self>,
        soft_cap: f32,
    ) -> FloatTensor<Self> {
        reference::attention::<Self>(q, k, v, sight, soft_cap)
    }

    #[fusion(default)]
    fn kernel_attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        sight: IntTensor<Self>,
        grad: FloatTensor<Self>,
        soft_cap: f32,
    ) -> FloatTensor<Self> {
        reference::attention_backward::<Self>(q, k, v, sight, grad, soft_cap)
    }

    #[fusion(default)]
    fn kernel_adam_moments(
        moments: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        step: AdamWStep,
    ) -> FloatTensor<Self> {
        reference::adam_moments::<Self>(moments, gradient, step)
    }

    #[fusion(default)]
    fn kernel_adamw(
        weights: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        step: AdamWStep,
    ) -> FloatTensor<Self> {
        reference::adamw::<Self>(weights, moments, step)
    }

    #[fusion(default)]
    fn kernel_store(
        slab: FloatTensor<Self>,
        fresh: FloatTensor<Self>,
        places: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        reference::store::<Self>(slab, fresh, places)
    }
}

/// The reference bodies, fused where burn fuses; products with weights in bf16 are products of bf16.
#[cfg(feature = "cuda")]
impl KernelOps for burn::backend::Cube {
    fn kernel_linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        reference::linear_in_type_of_weight::<Self>(x, weight)
    }
}

/// `x · Wᵀ`. A weight in bf16 with `x` in f32 stays as it is: sums and result are f32. On a GPU `x` is rounded to bf16
/// for the tensor cores.
///
/// # Shapes
/// `[M, K]`, `[N, K]` → `[M, N]`
pub fn linear(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::kernel_linear(x.into_dispatch(), weight.into_dispatch()))
}

/// `x / sqrt(mean(x²) + eps) · (weight + offset)` over the last dimension.
///
/// # Shapes
/// `[.., D]`, `[D]` → `[.., D]`
pub fn rms_norm<const D: usize>(x: Tensor<D>, weight: Tensor<1>, eps: f64, offset: f64) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::kernel_rms_norm(
        x.into_dispatch(),
        weight.into_dispatch(),
        eps as f32,
        offset as f32,
    ))
}

/// `act(gate) · up`
///
/// # Shapes
/// `[N, F]` twice → `[N, F]`
pub fn gated(gate: Tensor<2>, up: Tensor<2>, kind: Gate) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::kernel_gated(gate.into_dispatch(), up.into_dispatch(), kind))
}

/// Of each row's softmax, without writing it: the log of its normaliser, and its entropy in nats. A logit of −10³⁰ is a
/// token that cannot be drawn.
///
/// # Shapes
/// `[P, V]` → `[P, 1]` twice
pub fn softmax_stats(logits: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let stats: Tensor<2> = Tensor::from_dispatch(Dispatch::kernel_softmax_stats(logits.into_dispatch()));
    (stats.clone().narrow(1, 0, 1), stats.narrow(1, 1, 1))
}

/// What a language model's head says of some tokens, `[P]`, `[P]` and `[N]`.
#[derive(Clone, Debug)]
pub struct HeadStats {
    /// Log of each predictor's normaliser.
    pub log_sum_exp: Tensor<1>,
    /// Entropy of each predictor's distribution, in nats.
    pub entropy: Tensor<1>,
    /// Logit of each token.
    pub chosen: Tensor<1>,
}

/// Logits `x · Wᵀ`, scaled, of which only [`HeadStats`] is kept: `[P, V]` never exists. `tokens` gives for each token its
/// row of `x` and itself. Results are in f32.
///
/// # Shapes
/// `x` `[P, D]`, `weight` `[V, D]`, `tokens` `[N, 2]`
pub fn head_stats(
    x: Tensor<2>,
    weight: Tensor<2>,
    tokens: Tensor<2, Int>,
    scale: LogitScale,
    entropy: EntropyGradient,
) -> HeadStats {
    let (p, n) = (x.dims()[0], tokens.dims()[0]);
    let call = HeadCall { scale, entropy, expected: Expected::LeftOut };
    let all: Tensor<1> = Tensor::from_dispatch(Dispatch::kernel_head(
        x.into_dispatch(),
        weight.into_dispatch(),
        tokens.into_dispatch(),
        call,
    ));
    let entropies = all.clone().narrow(0, p, p);
    HeadStats {
        log_sum_exp: all.clone().narrow(0, 0, p),
        entropy: match entropy {
            EntropyGradient::Tracked => entropies,
            EntropyGradient::Detached => entropies.detach(),
        },
        chosen: all.narrow(0, 2 * p, n),
    }
}

/// Rotary position embedding: `x · cos + swap(x) · sin`, where `swap` exchanges the first two `half`s of a head. The
/// tables hold the sign of the sine, and what else `x` is multiplied by; no gradient flows into them.
///
/// # Shapes
/// `[B, T, heads, head_dim]`, `[1 or B, T, 1, head_dim]` twice → `[B, T, heads, head_dim]`
pub fn rotate(x: Tensor<4>, cos: Tensor<4>, sin: Tensor<4>, half: usize) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::kernel_rotate(
        x.into_dispatch(),
        cos.into_dispatch(),
        sin.into_dispatch(),
        half,
        false,
    ))
}

/// Grouped-query attention of scaled queries: `softmax(q · kᵀ) · v` over the keys that a query sees. `sight` gives for
/// each query a row of `k` and `v`, its first column there and the one after its last (there must be one), and the same
/// two of a trunk: columns before those, which it sees too; none where they are equal. A soft cap bounds the scores to
/// ± itself. Gradients flow only where every row looks at itself.
///
/// # Shapes
/// `[B, T, H, D]`, `[R, S, Hkv, D]` twice, sight `[B, T, 5]` → `[B, T, H, D]`
pub fn attention(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    sight: Tensor<3, Int>,
    soft_cap: Option<f64>,
) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::kernel_attention(
        q.into_dispatch(),
        k.into_dispatch(),
        v.into_dispatch(),
        sight.into_dispatch(),
        soft_cap.unwrap_or(0.0) as f32,
    ))
}

/// One step of AdamW: the moved weights, and the moments (mean and mean square) that it was moved by. In place where a
/// tensor has no other handle. All in f32, without gradients.
///
/// # Shapes
/// `[N]`, `[2, N]`, `[N]` → `[N]`, `[2, N]`
pub fn adamw(
    weights: Tensor<1>,
    moments: Tensor<2>,
    gradient: Tensor<1>,
    step: AdamWStep,
) -> (Tensor<1>, Tensor<2>) {
    let moments = Dispatch::kernel_adam_moments(moments.into_dispatch(), gradient.into_dispatch(), step);
    let weights = Dispatch::kernel_adamw(weights.into_dispatch(), moments.clone(), step);
    (Tensor::from_dispatch(weights), Tensor::from_dispatch(moments))
}

/// The slab with some of its columns replaced; in place where `slab` is its only handle. `places` gives the row and the
/// column of each vector, none of them twice. Without gradients.
///
/// # Shapes
/// `[R, S, H, D]`, `[N, H, D]`, places `[N, 2]` → `[R, S, H, D]`
pub fn store(slab: Tensor<4>, fresh: Tensor<3>, places: Tensor<2, Int>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::kernel_store(
        slab.into_dispatch(),
        fresh.into_dispatch(),
        places.into_dispatch(),
    ))
}
