//! Row-wise and element-wise operations in one pass over their operands.

use pulp::{Simd, WithSimd};

use crate::simd::{dot, exp, largest, map_lanes, sigmoid, tanh, vectorised};
use crate::threads::{for_row_blocks, for_row_blocks_of_two};

/// What the gate of an MLP goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// `x · sigmoid(x)`
    Silu,
    /// `x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))`
    GeluTanh,
}

/// `act(gate) · up`
pub(crate) fn gated(kind: Gate, gate: &[f32], up: &[f32], width: usize) -> Vec<f32> {
    let mut out = vec![0.0; gate.len()];
    for_row_blocks(&mut out, width, gate.len(), |row, out| {
        let range = row * width..row * width + out.len();
        vectorised(Gated { kind, gate: &gate[range.clone()], up: &up[range], out });
    });
    out
}

/// Gradients of [`gated`] for its two operands.
pub(crate) fn gated_backward(
    kind: Gate,
    [gate, up, grad]: [&[f32]; 3],
    width: usize,
) -> (Vec<f32>, Vec<f32>) {
    let (mut d_gate, mut d_up) = (vec![0.0; gate.len()], vec![0.0; gate.len()]);
    for_row_blocks_of_two((&mut d_gate, &mut d_up), width, 3 * gate.len(), |row, d_gate, d_up| {
        let range = row * width..row * width + d_gate.len();
        let (gate, up, grad) = (&gate[range.clone()], &up[range.clone()], &grad[range]);
        vectorised(GatedBackward { kind, gate, up, grad, d_gate, d_up });
    });
    (d_gate, d_up)
}

/// `x / sqrt(mean(x²) + eps) · (weight + offset)`, rows as long as the weight.
pub(crate) fn rms_norm(x: &[f32], weight: &[f32], eps: f32, offset: f32) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    for_row_blocks(&mut out, weight.len(), x.len(), |row, out| {
        let start = row * weight.len();
        let x = &x[start..start + out.len()];
        vectorised(RmsNorm { x, weight, eps, offset, out });
    });
    out
}

/// Gradients of [`rms_norm`] for its input and its weight.
pub(crate) fn rms_norm_backward(
    [x, weight, grad]: [&[f32]; 3],
    eps: f32,
    offset: f32,
) -> (Vec<f32>, Vec<f32>) {
    let width = weight.len();
    let mut d_x = vec![0.0; x.len()];
    // x̂ · grad, to be summed over rows.
    let mut d_weights = vec![0.0; x.len()];
    for_row_blocks_of_two((&mut d_x, &mut d_weights), width, 3 * x.len(), |row, d_x, d_weights| {
        let range = row * width..row * width + d_x.len();
        let (x, grad) = (&x[range.clone()], &grad[range]);
        vectorised(RmsNormBackward { x, weight, grad, eps, offset, d_x, d_weights });
    });
    let mut d_weight = vec![0.0; width];
    for row in d_weights.chunks(width) {
        d_weight.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    (d_x, d_weight)
}

/// Log-sum-exp and entropy of each row, two numbers a row.
pub(crate) fn softmax_stats(logits: &[f32], width: usize) -> Vec<f32> {
    let mut out = vec![0.0; logits.len() / width * 2];
    for_row_blocks(&mut out, 2, logits.len(), |row, out| {
        let logits = &logits[row * width..(row + out.len() / 2) * width];
        vectorised(SoftmaxStats { logits, width, out });
    });
    out
}

/// Gradient of [`softmax_stats`], from its result and the gradients of both numbers of each row.
pub(crate) fn softmax_stats_backward([logits, stats, grad]: [&[f32]; 3], width: usize) -> Vec<f32> {
    let mut out = vec![0.0; logits.len()];
    for_row_blocks(&mut out, width, logits.len(), |row, out| {
        let n_rows = out.len() / width;
        let logits = &logits[row * width..(row + n_rows) * width];
        let (stats, grad) = (&stats[2 * row..2 * (row + n_rows)], &grad[2 * row..2 * (row + n_rows)]);
        vectorised(SoftmaxStatsBackward { logits, stats, grad, width, out });
    });
    out
}

struct SoftmaxStats<'a> {
    logits: &'a [f32],
    width: usize,
    out: &'a mut [f32],
}

impl WithSimd for SoftmaxStats<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { logits, width, out } = self;
        for (logits, out) in logits.chunks(width).zip(out.chunks_mut(2)) {
            let (head, tail) = S::as_simd_f32s(logits);
            let most = largest(simd, logits);
            let shift = simd.splat_f32s(most);
            let (mut sums, mut weighted) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
            for x in head {
                let x = simd.sub_f32s(*x, shift);
                let e = exp(simd, x);
                sums = simd.add_f32s(sums, e);
                weighted = simd.mul_add_e_f32s(e, x, weighted);
            }
            let (mut sum, mut mean) = (simd.reduce_sum_f32s(sums), simd.reduce_sum_f32s(weighted));
            for x in tail {
                let e = (x - most).exp();
                sum += e;
                mean += e * (x - most);
            }
            out[0] = sum.ln() + most;
            out[1] = sum.ln() - mean / sum;
        }
    }
}

struct SoftmaxStatsBackward<'a> {
    logits: &'a [f32],
    stats: &'a [f32],
    grad: &'a [f32],
    width: usize,
    out: &'a mut [f32],
}

impl WithSimd for SoftmaxStatsBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { logits, stats, grad, width, out } = self;
        let rows = stats.chunks(2).zip(grad.chunks(2));
        for ((logits, out), (stats, grad)) in logits.chunks(width).zip(out.chunks_mut(width)).zip(rows) {
            let [log_sum, entropy] = [stats[0], stats[1]].map(|value| simd.splat_f32s(value));
            let [d_log_sum, d_entropy] = [grad[0], grad[1]].map(|value| simd.splat_f32s(value));
            map_lanes!(simd, S, [x = logits] -> out, {
                let log_p = simd.sub_f32s(x, log_sum);
                let bent = simd.mul_f32s(simd.add_f32s(log_p, entropy), d_entropy);
                simd.mul_f32s(exp(simd, log_p), simd.sub_f32s(d_log_sum, bent))
            });
        }
    }
}

/// Sizes of a call of [`rotate`].
#[derive(Clone, Copy)]
pub(crate) struct RotaryShape {
    pub(crate) n_rows: usize,
    pub(crate) n_tokens: usize,
    pub(crate) n_heads: usize,
    pub(crate) head_dim: usize,
    /// Pairs of a head that are rotated.
    pub(crate) half: usize,
}

/// `x · cos + swap(x) · sin` on `[B, T, heads, head_dim]` with tables `[1 or B, T, head_dim]`, or the transposed map.
pub(crate) fn rotate([x, cos, sin]: [&[f32]; 3], shape: RotaryShape, inverse: bool) -> Vec<f32> {
    let RotaryShape { n_rows, n_tokens, n_heads, head_dim, half } = shape;
    let width = n_heads * head_dim;
    let shared = cos.len() < n_rows * n_tokens * head_dim;
    let mut out = vec![0.0; x.len()];
    for_row_blocks(&mut out, width, x.len(), |first, out| {
        for (slot, out) in (first..).zip(out.chunks_mut(width)) {
            let place = (if shared { slot % n_tokens } else { slot }) * head_dim;
            let (cos, sin) = (&cos[place..place + head_dim], &sin[place..place + head_dim]);
            let x = &x[slot * width..(slot + 1) * width];
            vectorised(Rotate { x, cos, sin, half, inverse, out });
        }
    });
    out
}

struct Rotate<'a> {
    x: &'a [f32],
    cos: &'a [f32],
    sin: &'a [f32],
    half: usize,
    inverse: bool,
    out: &'a mut [f32],
}

impl WithSimd for Rotate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, cos, sin, half, inverse, out } = self;
        let rotary = 2 * half;
        // What multiplies the other half: its own sine in the transposed map.
        let (low, high) = (&sin[..half], &sin[half..rotary]);
        let (for_low, for_high) = if inverse { (high, low) } else { (low, high) };
        for (x, out) in x.chunks(cos.len()).zip(out.chunks_mut(cos.len())) {
            let (rotated, rest) = out.split_at_mut(rotary);
            let (out_low, out_high) = rotated.split_at_mut(half);
            let (x_low, x_high) = (&x[..half], &x[half..rotary]);
            map_lanes!(simd, S, [a = x_low, b = x_high, c = &cos[..half], s = for_low] -> out_low, {
                simd.mul_add_e_f32s(a, c, simd.mul_f32s(b, s))
            });
            map_lanes!(simd, S, [a = x_high, b = x_low, c = &cos[half..rotary], s = for_high] -> out_high, {
                simd.mul_add_e_f32s(a, c, simd.mul_f32s(b, s))
            });
            map_lanes!(simd, S, [a = &x[rotary..], c = &cos[rotary..]] -> rest, simd.mul_f32s(a, c));
        }
    }
}

/// `exp((x − max) / temperature)` for each of a row of logits.
pub fn exponentials(logits: &[f32], max: f32, temperature: f32) -> Vec<f32> {
    let mut out = vec![0.0; logits.len()];
    vectorised(Exponentials { logits, max, inverse: temperature.recip(), out: &mut out });
    out
}

struct Exponentials<'a> {
    logits: &'a [f32],
    max: f32,
    inverse: f32,
    out: &'a mut [f32],
}

impl WithSimd for Exponentials<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { logits, max, inverse, out } = self;
        let (max, inverse) = (simd.splat_f32s(max), simd.splat_f32s(inverse));
        map_lanes!(simd, S, [x = logits] -> out, {
            exp(simd, simd.mul_f32s(simd.sub_f32s(x, max), inverse))
        });
    }
}

struct Gated<'a> {
    kind: Gate,
    gate: &'a [f32],
    up: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Gated<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { kind, gate, up, out } = self;
        match kind {
            Gate::Silu => map_lanes!(simd, S, [g = gate, u = up] -> out, {
                simd.mul_f32s(simd.mul_f32s(g, sigmoid(simd, g)), u)
            }),
            Gate::GeluTanh => map_lanes!(simd, S, [g = gate, u = up] -> out, {
                simd.mul_f32s(gelu(simd, g).0, u)
            }),
        }
    }
}

struct GatedBackward<'a> {
    kind: Gate,
    gate: &'a [f32],
    up: &'a [f32],
    grad: &'a [f32],
    d_gate: &'a mut [f32],
    d_up: &'a mut [f32],
}

impl WithSimd for GatedBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { kind, gate, up, grad, d_gate, d_up } = self;
        match kind {
            Gate::Silu => {
                map_lanes!(simd, S, [g = gate, d = grad] -> d_up, {
                    simd.mul_f32s(simd.mul_f32s(g, sigmoid(simd, g)), d)
                });
                map_lanes!(simd, S, [g = gate, u = up, d = grad] -> d_gate, {
                    // σ · (1 + g · (1 − σ))
                    let (one, s) = (simd.splat_f32s(1.0), sigmoid(simd, g));
                    let slope = simd.mul_add_e_f32s(g, simd.sub_f32s(one, s), one);
                    simd.mul_f32s(simd.mul_f32s(s, slope), simd.mul_f32s(u, d))
                });
            }
            Gate::GeluTanh => {
                map_lanes!(simd, S, [g = gate, d = grad] -> d_up, simd.mul_f32s(gelu(simd, g).0, d));
                map_lanes!(simd, S, [g = gate, u = up, d = grad] -> d_gate, {
                    simd.mul_f32s(gelu(simd, g).1, simd.mul_f32s(u, d))
                });
            }
        }
    }
}

/// GELU in its tanh form, and its slope.
#[inline(always)]
fn gelu<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
    let splat = |value| simd.splat_f32s(value);
    let (one, half, root) = (splat(1.0), splat(0.5), splat(0.797_884_6));
    let square = simd.mul_f32s(x, x);
    let inner = simd.mul_f32s(root, simd.mul_f32s(x, simd.mul_add_e_f32s(splat(0.044_715), square, one)));
    let t = tanh(simd, inner);
    let share = simd.mul_f32s(half, simd.add_f32s(one, t));
    let d_inner = simd.mul_f32s(root, simd.mul_add_e_f32s(splat(0.134_145), square, one));
    let d_t = simd.sub_f32s(one, simd.mul_f32s(t, t));
    let bend = simd.mul_f32s(simd.mul_f32s(half, x), simd.mul_f32s(d_t, d_inner));
    (simd.mul_f32s(x, share), simd.add_f32s(share, bend))
}

struct RmsNorm<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    eps: f32,
    offset: f32,
    out: &'a mut [f32],
}

impl WithSimd for RmsNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, weight, eps, offset, out } = self;
        let width = weight.len();
        let offset = simd.splat_f32s(offset);
        for (x, out) in x.chunks(width).zip(out.chunks_mut(width)) {
            let root = (dot(simd, x, x) / width as f32 + eps).sqrt();
            let root = simd.splat_f32s(root);
            map_lanes!(simd, S, [x = x, w = weight] -> out, {
                simd.mul_f32s(simd.div_f32s(x, root), simd.add_f32s(w, offset))
            });
        }
    }
}

struct RmsNormBackward<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    grad: &'a [f32],
    eps: f32,
    offset: f32,
    d_x: &'a mut [f32],
    d_weights: &'a mut [f32],
}

impl WithSimd for RmsNormBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, weight, grad, eps, offset, d_x, d_weights } = self;
        let width = weight.len();
        let offset = simd.splat_f32s(offset);
        let rows = x.chunks(width).zip(grad.chunks(width));
        for ((x, grad), (d_x, d_weights)) in rows.zip(d_x.chunks_mut(width).zip(d_weights.chunks_mut(width)))
        {
            let inverse = (dot(simd, x, x) / width as f32 + eps).sqrt().recip();
            let scale = simd.splat_f32s(inverse);
            // g = grad · weight; d_x = (g − x̂ · mean(g · x̂)) / root
            map_lanes!(simd, S, [w = weight, d = grad] -> d_x, {
                simd.mul_f32s(d, simd.add_f32s(w, offset))
            });
            let mean = simd.splat_f32s(dot(simd, d_x, x) * inverse * inverse / width as f32);
            map_lanes!(simd, S, [x = x, d = grad] -> d_weights, {
                simd.mul_f32s(simd.mul_f32s(x, scale), d)
            });
            map_lanes!(simd, S, [x = x, w = weight, d = grad] -> d_x, {
                let g = simd.mul_f32s(d, simd.add_f32s(w, offset));
                simd.mul_f32s(simd.sub_f32s(g, simd.mul_f32s(x, mean)), scale)
            });
        }
    }
}
