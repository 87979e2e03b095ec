//! The operations in plain tensor operations of any backend: what other backends run and what the tests compare with.

mod head;

use burn::backend::tensor::{BoolTensor, FloatTensor, IntTensor};
use burn::backend::{Backend, Scalar, TensorMetadata, get_device_settings};
use burn::tensor::{DType, IndexingUpdateOp, Shape, Slice};

use crate::adamw::AdamWStep;
use crate::rows::Gate;

pub(crate) use head::{head, head_backward, head_backward_expected};

/// The score of a hidden key; within the range of bf16.
const HIDDEN: f32 = -1e30;

pub(crate) fn linear<B: Backend>(x: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
    let dtype = x.dtype();
    let weight = if weight.dtype() == dtype { weight } else { B::float_cast(weight, dtype.into()) };
    B::float_matmul(x, B::float_transpose(weight))
}

/// The product that tensor cores take: `x` is rounded to the weight's type, sums are f32, the result is of `x`'s type.
#[cfg(any(feature = "cuda", test))]
pub(crate) fn linear_in_type_of_weight<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
) -> FloatTensor<B> {
    let dtype = x.dtype();
    let out = linear::<B>(narrowed::<B>(x, &weight), weight);
    if out.dtype() == dtype { out } else { B::float_cast(out, dtype.into()) }
}

pub(crate) fn rms_norm<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    eps: f32,
    offset: f32,
) -> FloatTensor<B> {
    let unit = B::float_div(x.clone(), root_mean_square::<B>(x, eps));
    let weight = weight_over::<B>(weight, offset, unit.shape().num_dims());
    B::float_mul(unit, weight)
}

pub(crate) fn rms_norm_backward<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    grad: FloatTensor<B>,
    eps: f32,
    offset: f32,
) -> FloatTensor<B> {
    let shape = x.shape();
    let (width, n_dims) = (shape[shape.num_dims() - 1], shape.num_dims());
    let root = root_mean_square::<B>(x.clone(), eps);
    let unit = B::float_div(x, root.clone());
    let g = B::float_mul(grad.clone(), weight_over::<B>(weight, offset, n_dims));
    let mean = B::float_mean_dim(B::float_mul(g.clone(), unit.clone()), n_dims - 1);
    let d_x = B::float_div(B::float_sub(g, B::float_mul(unit.clone(), mean)), root);
    let n = shape.num_elements();
    let d_weight = B::float_reshape(B::float_mul(grad, unit), Shape::new([n / width, width]));
    let d_weight = B::float_reshape(B::float_sum_dim(d_weight, 0), Shape::new([width]));
    B::float_cat(vec![B::float_reshape(d_x, Shape::new([n])), d_weight], 0)
}

fn root_mean_square<B: Backend>(x: FloatTensor<B>, eps: f32) -> FloatTensor<B> {
    let last = x.shape().num_dims() - 1;
    let mean = B::float_mean_dim(B::float_mul(x.clone(), x), last);
    B::float_sqrt(B::float_add_scalar(mean, scalar(eps)))
}

fn weight_over<B: Backend>(weight: FloatTensor<B>, offset: f32, n_dims: usize) -> FloatTensor<B> {
    let mut shape = vec![1; n_dims];
    shape[n_dims - 1] = weight.shape()[0];
    let weight = if offset == 0.0 { weight } else { B::float_add_scalar(weight, scalar(offset)) };
    B::float_reshape(weight, Shape::from(shape))
}

pub(crate) fn gated<B: Backend>(gate: FloatTensor<B>, up: FloatTensor<B>, kind: Gate) -> FloatTensor<B> {
    B::float_mul(activation::<B>(gate, kind).0, up)
}

pub(crate) fn gated_backward<B: Backend>(
    gate: FloatTensor<B>,
    up: FloatTensor<B>,
    grad: FloatTensor<B>,
    kind: Gate,
) -> FloatTensor<B> {
    let (value, slope) = activation::<B>(gate, kind);
    let d_gate = B::float_mul(slope, B::float_mul(up, grad.clone()));
    B::float_cat(vec![d_gate, B::float_mul(value, grad)], 0)
}

/// Value and slope.
fn activation<B: Backend>(x: FloatTensor<B>, kind: Gate) -> (FloatTensor<B>, FloatTensor<B>) {
    let times = |x: FloatTensor<B>, factor: f32| B::float_mul_scalar(x, scalar(factor));
    let plus = |x: FloatTensor<B>, term: f32| B::float_add_scalar(x, scalar(term));
    match kind {
        Gate::Silu => {
            let e = plus(B::float_exp(B::float_neg(x.clone())), 1.0);
            let sigmoid = B::float_recip(e);
            let value = B::float_mul(x.clone(), sigmoid.clone());
            // σ + x · σ · (1 − σ)
            let slope =
                B::float_add(sigmoid.clone(), B::float_mul(value.clone(), plus(B::float_neg(sigmoid), 1.0)));
            (value, slope)
        }
        Gate::GeluTanh => {
            let root = (2.0 / std::f32::consts::PI).sqrt();
            let square = B::float_mul(x.clone(), x.clone());
            let inner = B::float_mul(x.clone(), plus(times(square.clone(), 0.044_715), 1.0));
            let t = B::float_tanh(times(inner, root));
            let share = times(plus(t.clone(), 1.0), 0.5);
            let d_inner = times(plus(times(square, 0.134_145), 1.0), root);
            let d_t = plus(B::float_neg(B::float_mul(t.clone(), t)), 1.0);
            let bend = times(B::float_mul(x.clone(), B::float_mul(d_t, d_inner)), 0.5);
            (B::float_mul(x, share.clone()), B::float_add(share, bend))
        }
    }
}

/// `[P, 2]`: log-sum-exp and entropy.
pub(crate) fn softmax_stats<B: Backend>(logits: FloatTensor<B>) -> FloatTensor<B> {
    let most = B::float_max_dim(logits.clone(), 1);
    let shifted = B::float_sub(logits, most.clone());
    let e = B::float_exp(shifted.clone());
    let sum = B::float_sum_dim(e.clone(), 1);
    let log_sum = B::float_log(sum.clone());
    let mean = B::float_div(B::float_sum_dim(B::float_mul(e, shifted), 1), sum);
    B::float_cat(vec![B::float_add(log_sum.clone(), most), B::float_sub(log_sum, mean)], 1)
}

/// `p · (g_lse − g_H · (ln p + H))`
pub(crate) fn softmax_stats_backward<B: Backend>(
    logits: FloatTensor<B>,
    stats: FloatTensor<B>,
    grad: FloatTensor<B>,
) -> FloatTensor<B> {
    let log_p = B::float_sub(logits, column::<B>(&stats, 0));
    let p = B::float_exp(log_p.clone());
    let bent = B::float_mul(B::float_add(log_p, column::<B>(&stats, 1)), column::<B>(&grad, 1));
    B::float_mul(p, B::float_sub(column::<B>(&grad, 0), bent))
}

fn column<B: Backend>(x: &FloatTensor<B>, at: isize) -> FloatTensor<B> {
    B::float_slice(x.clone(), &[Slice::new(0, None, 1), Slice::new(at, Some(at + 1), 1)])
}

fn flat<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let n = x.shape().num_elements();
    B::float_reshape(x, Shape::new([n]))
}

fn narrowed<B: Backend>(x: FloatTensor<B>, like: &FloatTensor<B>) -> FloatTensor<B> {
    if x.dtype() == like.dtype() { x } else { B::float_cast(x, like.dtype().into()) }
}

/// The inverse is the transposed map: `grad · cos + swap(grad · sin)`.
pub(crate) fn rotate<B: Backend>(
    x: FloatTensor<B>,
    cos: FloatTensor<B>,
    sin: FloatTensor<B>,
    half: usize,
    inverse: bool,
) -> FloatTensor<B> {
    let straight = B::float_mul(x.clone(), cos);
    let across = match inverse {
        false => B::float_mul(swapped::<B>(x, half), sin),
        true => swapped::<B>(B::float_mul(x, sin), half),
    };
    B::float_add(straight, across)
}

fn swapped<B: Backend>(x: FloatTensor<B>, half: usize) -> FloatTensor<B> {
    let width = x.shape()[3];
    let part = |from: usize, to: usize| {
        let all = || Slice::new(0, None, 1);
        let last = Slice::new(from as isize, Some(to as isize), 1);
        B::float_slice(x.clone(), &[all(), all(), all(), last])
    };
    let mut parts = vec![part(half, 2 * half), part(0, half)];
    if 2 * half < width {
        parts.push(part(2 * half, width));
    }
    B::float_cat(parts, 3)
}

pub(crate) fn attention<B: Backend>(
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    sight: IntTensor<B>,
    soft_cap: f32,
) -> FloatTensor<B> {
    let [b, t, h, d] = q.shape().dims();
    let [q, k, v] = by_heads::<B>([q, k, v], &sight);
    let (p, _) = probabilities::<B>(q, k, sight, soft_cap);
    let mixed = B::float_matmul(p, v);
    B::float_swap_dims(B::float_reshape(mixed, Shape::new([b, h, t, d])), 1, 2)
}

/// `[B, H, T, D]`, and the rows of keys and values that are looked at, `[B, Hkv, S, D]`.
fn by_heads<B: Backend>([q, k, v]: [FloatTensor<B>; 3], sight: &IntTensor<B>) -> [FloatTensor<B>; 3] {
    let n_rows = q.shape()[0];
    let row = Slice::new(0, Some(1), 1);
    let rows = B::int_slice(sight.clone(), &[Slice::new(0, None, 1), row, row]);
    let rows = B::int_reshape(rows, Shape::new([n_rows]));
    let looked_at = |x| B::float_select(x, 0, rows.clone());
    [q, looked_at(k), looked_at(v)].map(|x| B::float_swap_dims(x, 1, 2))
}

/// `[B, 1, 1, T, S]`: true where a key is hidden.
fn hidden<B: Backend>(sight: IntTensor<B>, n_keys: usize) -> BoolTensor<B> {
    let device = sight.device();
    let [b, t, _] = sight.shape().dims();
    let settings = get_device_settings::<B>(&device);
    let keys = B::int_arange(0..n_keys as i64, &device, sight.dtype().into());
    let keys = B::int_reshape(keys, Shape::new([1, 1, 1, 1, n_keys]));
    let keys = B::int_expand(keys, Shape::new([b, 1, 1, t, n_keys]));
    let bound = |field: isize| {
        let all = Slice::new(0, None, 1);
        let bound = B::int_slice(sight.clone(), &[all, all, Slice::new(field, Some(field + 1), 1)]);
        let bound = B::int_reshape(bound, Shape::new([b, 1, 1, t, 1]));
        B::int_expand(bound, Shape::new([b, 1, 1, t, n_keys]))
    };
    let outside = |first, end| {
        let before = B::int_lower(keys.clone(), bound(first), settings.bool_dtype);
        let behind = B::int_greater_equal(keys.clone(), bound(end), settings.bool_dtype);
        B::bool_or(before, behind)
    };
    B::bool_and(outside(1, 2), outside(3, 4))
}

/// Probabilities `[B, Hkv, G·T, S]`, and the slope of the soft cap if there is one.
fn probabilities<B: Backend>(
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    sight: IntTensor<B>,
    soft_cap: f32,
) -> (FloatTensor<B>, Option<FloatTensor<B>>) {
    let [b, h, t, d] = q.shape().dims();
    let [_, h_kv, s, _] = k.shape().dims();
    let group = h / h_kv;
    let q = B::float_reshape(q, Shape::new([b, h_kv, group * t, d]));
    let scores = B::float_matmul(q, B::float_swap_dims(k, 2, 3));
    let (scores, slope) = if soft_cap > 0.0 {
        let bent = B::float_tanh(B::float_mul_scalar(scores, scalar(soft_cap.recip())));
        let square = B::float_mul(bent.clone(), bent.clone());
        let slope = B::float_add_scalar(B::float_neg(square), scalar(1.0));
        (B::float_mul_scalar(bent, scalar(soft_cap)), Some(slope))
    } else {
        (scores, None)
    };
    // Softmax in f32, whatever the operands are.
    let dtype = scores.dtype();
    let scores = widened::<B>(scores);
    let split = Shape::new([b, h_kv, group, t, s]);
    let hidden = B::bool_expand(hidden::<B>(sight, s), split.clone());
    let scores = B::float_mask_fill(B::float_reshape(scores, split), hidden, scalar(HIDDEN));
    let scores = B::float_reshape(scores, Shape::new([b, h_kv, group * t, s]));
    let most = B::float_max_dim(scores.clone(), 3);
    let e = B::float_exp(B::float_sub(scores, most));
    let sum = B::float_sum_dim(e.clone(), 3);
    let p = B::float_div(e, sum);
    (if p.dtype() == dtype { p } else { B::float_cast(p, dtype.into()) }, slope)
}

fn widened<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    if x.dtype() == DType::F32 { x } else { B::float_cast(x, DType::F32.into()) }
}

pub(crate) fn attention_backward<B: Backend>(
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    sight: IntTensor<B>,
    grad: FloatTensor<B>,
    soft_cap: f32,
) -> FloatTensor<B> {
    let [b, t, h, d] = q.shape().dims();
    let h_kv = k.shape()[2];
    let stacked = Shape::new([b, h_kv, h / h_kv * t, d]);
    let [q, k, v] = [q, k, v].map(|x| B::float_swap_dims(x, 1, 2));
    let (p, slope) = probabilities::<B>(q.clone(), k.clone(), sight, soft_cap);
    let grad = B::float_reshape(B::float_swap_dims(grad, 1, 2), stacked.clone());
    let d_v = B::float_matmul(B::float_swap_dims(p.clone(), 2, 3), grad.clone());
    let d_p = B::float_matmul(grad, B::float_swap_dims(v, 2, 3));
    let mean = B::float_sum_dim(B::float_mul(p.clone(), d_p.clone()), 3);
    let d_scores = B::float_mul(p, B::float_sub(d_p, mean));
    let d_scores = match slope {
        Some(slope) => B::float_mul(d_scores, slope),
        None => d_scores,
    };
    let d_q = B::float_matmul(d_scores.clone(), k);
    let d_k = B::float_matmul(B::float_swap_dims(d_scores, 2, 3), B::float_reshape(q, stacked));
    let d_q = B::float_reshape(d_q, Shape::new([b, h, t, d]));
    let parts = [d_q, d_k, d_v].into_iter();
    B::float_cat(parts.map(|x| flat::<B>(B::float_swap_dims(x, 1, 2))).collect(), 0)
}

pub(crate) fn adam_moments<B: Backend>(
    moments: FloatTensor<B>,
    gradient: FloatTensor<B>,
    step: AdamWStep,
) -> FloatTensor<B> {
    let n = gradient.shape()[0];
    let gradient = B::float_mul_scalar(gradient, scalar(step.gradient_factor));
    let square = B::float_mul(gradient.clone(), gradient.clone());
    let moved = |row: isize, fresh: FloatTensor<B>, beta: f32| {
        let rows = [Slice::new(row, Some(row + 1), 1), Slice::new(0, None, 1)];
        let kept = B::float_mul_scalar(B::float_slice(moments.clone(), &rows), scalar(beta));
        let fresh = B::float_mul_scalar(fresh, scalar(1.0 - beta));
        B::float_add(kept, B::float_reshape(fresh, Shape::new([1, n])))
    };
    B::float_cat(vec![moved(0, gradient, step.beta_1), moved(1, square, step.beta_2)], 0)
}

pub(crate) fn adamw<B: Backend>(
    weights: FloatTensor<B>,
    moments: FloatTensor<B>,
    step: AdamWStep,
) -> FloatTensor<B> {
    let n = weights.shape()[0];
    let moment = |row: isize| {
        let rows = [Slice::new(row, Some(row + 1), 1), Slice::new(0, None, 1)];
        B::float_reshape(B::float_slice(moments.clone(), &rows), Shape::new([n]))
    };
    let root = B::float_mul_scalar(B::float_sqrt(moment(1)), scalar(step.root_factor));
    let change = B::float_div(moment(0), B::float_add_scalar(root, scalar(step.epsilon)));
    let kept = B::float_mul_scalar(weights, scalar(step.kept));
    B::float_sub(kept, B::float_mul_scalar(change, scalar(step.rate)))
}

pub(crate) fn store<B: Backend>(
    slab: FloatTensor<B>,
    fresh: FloatTensor<B>,
    places: IntTensor<B>,
) -> FloatTensor<B> {
    B::float_scatter_nd(slab, places, fresh, IndexingUpdateOp::Assign)
}

fn scalar(value: f32) -> Scalar {
    Scalar::from(value)
}
