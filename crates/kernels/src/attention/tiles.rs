//! The vector code of a block: scores, softmax, and the sum of values.

use pulp::{Simd, WithSimd};

use crate::simd::{dot, exp, largest, map_lanes, tanh, update_lanes};

/// Keys that share their loads of the queries.
const KEYS: usize = 4;
/// Asks that share their loads of the keys.
const ASKS: usize = 4;

/// `out[ask, key] = ask · key`, where the ask sees the key; elsewhere `out` may keep what it held.
pub(super) struct Scores<'a> {
    pub(super) asks: &'a [&'a [f32]],
    pub(super) ends: &'a [usize],
    pub(super) keys: &'a [f32],
    pub(super) stride: usize,
    pub(super) n_keys: usize,
    pub(super) out: &'a mut [f32],
    pub(super) width: usize,
}

impl WithSimd for Scores<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { asks, ends, keys, stride, n_keys, out, width } = self;
        let head_dim = asks[0].len();
        for first in (0..n_keys).step_by(KEYS) {
            let n = KEYS.min(n_keys - first);
            for (tile, asks) in asks.chunks(ASKS).enumerate() {
                let ends = &ends[tile * ASKS..tile * ASKS + asks.len()];
                if ends.iter().all(|end| *end <= first) {
                    continue;
                }
                let out = &mut out[tile * ASKS * width + first..];
                if n == KEYS && asks.len() == ASKS {
                    let keys: [_; KEYS] = std::array::from_fn(|n| &keys[(first + n) * stride..][..head_dim]);
                    let asks: [_; ASKS] = std::array::from_fn(|m| asks[m]);
                    dots(simd, asks, keys, out, width);
                    continue;
                }
                for n in 0..n {
                    let key = &keys[(first + n) * stride..][..head_dim];
                    for (m, ask) in asks.iter().enumerate() {
                        dots(simd, [*ask], [key], &mut out[m * width + n..], width);
                    }
                }
            }
        }
    }
}

/// All products of some asks and keys.
#[inline(always)]
fn dots<S: Simd, const M: usize, const N: usize>(
    simd: S,
    asks: [&[f32]; M],
    keys: [&[f32]; N],
    out: &mut [f32],
    width: usize,
) {
    let asks: [_; M] = std::array::from_fn(|m| S::as_simd_f32s(asks[m]));
    let keys: [_; N] = std::array::from_fn(|n| S::as_simd_f32s(keys[n]));
    let mut sums = [[simd.splat_f32s(0.0); N]; M];
    for step in 0..asks[0].0.len() {
        let keys: [_; N] = std::array::from_fn(|n| keys[n].0[step]);
        for (sums, ask) in sums.iter_mut().zip(&asks) {
            let ask = ask.0[step];
            for (sum, key) in sums.iter_mut().zip(keys) {
                *sum = simd.mul_add_e_f32s(ask, key, *sum);
            }
        }
    }
    // A copy: indexed later by what the compiler does not know, the sums themselves would be kept in memory.
    let done = sums;
    for (m, (sums, ask)) in done.iter().zip(&asks).enumerate() {
        for (n, (sum, key)) in sums.iter().zip(&keys).enumerate() {
            let mut sum = *sum;
            if !key.1.is_empty() {
                let tail = (simd.partial_load_f32s(ask.1), simd.partial_load_f32s(key.1));
                sum = simd.mul_add_e_f32s(tail.0, tail.1, sum);
            }
            out[m * width + n] = simd.reduce_sum_f32s(sum);
        }
    }
}

/// `out[ask] = Σ p[ask, key] · value[key]`, key after key.
pub(super) struct Mix<'a> {
    pub(super) p: &'a [f32],
    pub(super) width: usize,
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
    pub(super) ends: &'a [usize],
    pub(super) out: &'a mut [f32],
    pub(super) head_dim: usize,
}

impl WithSimd for Mix<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { p, width, values, stride, ends, out, head_dim } = self;
        let asks = p.chunks(ASKS * width).zip(ends.chunks(ASKS)).zip(out.chunks_mut(ASKS * head_dim));
        for ((p, ends), out) in asks {
            let n_keys = ends.iter().copied().max().unwrap_or(0);
            let values = Strided { values, stride, head_dim, n: n_keys };
            if ends.len() == ASKS {
                mix::<S, ASKS>(simd, p, width, values, out);
                continue;
            }
            for (p, out) in p.chunks(width).zip(out.chunks_mut(head_dim)) {
                mix::<S, 1>(simd, p, width, values, out);
            }
        }
    }
}

/// `n` vectors, `stride` apart.
#[derive(Clone, Copy)]
struct Strided<'a> {
    values: &'a [f32],
    stride: usize,
    head_dim: usize,
    n: usize,
}

#[inline(always)]
fn mix<S: Simd, const M: usize>(simd: S, p: &[f32], width: usize, values: Strided<'_>, out: &mut [f32]) {
    /// Vectors of a value that are summed together.
    const PARTS: usize = 4;
    let (n_vectors, lanes) = (values.head_dim / S::F32_LANES, S::F32_LANES);
    let mut from = 0;
    while from + PARTS <= n_vectors {
        mix_part::<S, M, PARTS>(simd, p, width, values, out, from * lanes);
        from += PARTS;
    }
    while from < n_vectors {
        mix_part::<S, M, 1>(simd, p, width, values, out, from * lanes);
        from += 1;
    }
    let from = from * lanes;
    if from == values.head_dim {
        return;
    }
    for m in 0..M {
        let mut sum = simd.splat_f32s(0.0);
        for (key, p) in p[m * width..][..values.n].iter().enumerate() {
            let value = &values.values[key * values.stride..][from..values.head_dim];
            sum = simd.mul_add_e_f32s(simd.splat_f32s(*p), simd.partial_load_f32s(value), sum);
        }
        simd.partial_store_f32s(&mut out[m * values.head_dim..][from..values.head_dim], sum);
    }
}

#[inline(always)]
fn mix_part<S: Simd, const M: usize, const N: usize>(
    simd: S,
    p: &[f32],
    width: usize,
    values: Strided<'_>,
    out: &mut [f32],
    from: usize,
) {
    let p: [&[f32]; M] = std::array::from_fn(|m| &p[m * width..][..values.n]);
    let mut sums = [[simd.splat_f32s(0.0); N]; M];
    for key in 0..values.n {
        let value = &values.values[key * values.stride + from..][..N * S::F32_LANES];
        let value = S::as_simd_f32s(value).0;
        let value: [_; N] = std::array::from_fn(|n| value[n]);
        for (sums, p) in sums.iter_mut().zip(p) {
            let p = simd.splat_f32s(p[key]);
            for (sum, value) in sums.iter_mut().zip(value) {
                *sum = simd.mul_add_e_f32s(p, value, *sum);
            }
        }
    }
    let done = sums;
    for (m, sums) in done.iter().enumerate() {
        let out = &mut out[m * values.head_dim + from..][..N * S::F32_LANES];
        for (out, sum) in S::as_mut_simd_f32s(out).0.iter_mut().zip(sums) {
            *out = *sum;
        }
    }
}

/// In place: `cap · tanh(score / cap)`
pub(super) struct SoftCap<'a> {
    pub(super) cap: f32,
    pub(super) scores: &'a mut [f32],
}

impl WithSimd for SoftCap<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (cap, inverse) = (simd.splat_f32s(self.cap), simd.splat_f32s(self.cap.recip()));
        update_lanes!(simd, S, x in self.scores, {
            simd.mul_f32s(cap, tanh(simd, simd.mul_f32s(x, inverse)))
        });
    }
}

pub(super) struct SoftCapBackward<'a> {
    pub(super) cap: f32,
    pub(super) scores: &'a [f32],
    pub(super) d_scores: &'a mut [f32],
}

impl WithSimd for SoftCapBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { cap, scores, d_scores } = self;
        let (one, inverse) = (simd.splat_f32s(1.0), simd.splat_f32s(cap.recip()));
        let before = d_scores.to_vec();
        map_lanes!(simd, S, [x = scores, d = &before] -> d_scores, {
            let t = tanh(simd, simd.mul_f32s(x, inverse));
            simd.mul_f32s(d, simd.sub_f32s(one, simd.mul_f32s(t, t)))
        });
    }
}

/// In place; at least one score is finite.
pub(super) struct Softmax<'a> {
    pub(super) scores: &'a mut [f32],
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let scores = self.scores;
        let most = simd.splat_f32s(largest(simd, scores));
        update_lanes!(simd, S, x in scores, exp(simd, simd.sub_f32s(x, most)));
        let (head, tail) = S::as_simd_f32s(scores);
        let mut lanes = simd.splat_f32s(0.0);
        for x in head {
            lanes = simd.add_f32s(lanes, *x);
        }
        let sum = simd.reduce_sum_f32s(lanes) + tail.iter().sum::<f32>();
        let inverse = simd.splat_f32s(sum.recip());
        update_lanes!(simd, S, x in scores, simd.mul_f32s(x, inverse));
    }
}

/// In place: `p · (d − Σ p d)`
pub(super) struct SoftmaxBackward<'a> {
    pub(super) p: &'a [f32],
    pub(super) d_scores: &'a mut [f32],
}

impl WithSimd for SoftmaxBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { p, d_scores } = self;
        let mean = simd.splat_f32s(dot(simd, p, d_scores));
        let ((p, p_tail), (d, d_tail)) = (S::as_simd_f32s(p), S::as_mut_simd_f32s(d_scores));
        for (d, p) in d.iter_mut().zip(p) {
            *d = simd.mul_f32s(*p, simd.sub_f32s(*d, mean));
        }
        let (p, d) = (simd.partial_load_f32s(p_tail), simd.partial_load_f32s(d_tail));
        simd.partial_store_f32s(d_tail, simd.mul_f32s(p, simd.sub_f32s(d, mean)));
    }
}
