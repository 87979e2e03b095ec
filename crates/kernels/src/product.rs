//! `x · Wᵀ` for few rows of `x`: each row of the weight is read once, by one thread, and all threads read.
//!
//! The `gemm` crate computes a product with one row on one thread and packs its operands for a few; both cost more
//! than the arithmetic. Weights may be bf16, which halves what has to be read; sums are f32 in either case.

use half::bf16;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::simd::{dot, vectorised};

/// Rows of `x` up to which this is faster than a general product.
pub(crate) const MAX_ROWS: usize = 16;
/// Rows of the weight that share their loads of `x`.
const WEIGHT_ROWS: usize = 4;
/// Rows of `x` that share their loads of the weight.
const INPUT_ROWS: usize = 4;
/// Weights below this many elements are done by the caller alone.
const WORTH_THREADS: usize = 1 << 16;

/// `[M, K]` and `[N, K]` → `[M, N]`, row-major.
pub(crate) fn small_product_f32(x: &[f32], weight: &[f32], n_in: usize) -> Vec<f32> {
    small_product(x, weight, n_in, |x, weight, out| vectorised(Block { x, weight, n_in, out }))
}

/// As [`small_product_f32`], with a weight in bf16.
///
/// # Panics
/// If `n_in` is odd.
pub(crate) fn small_product_bf16(x: &[f32], weight: &[bf16], n_in: usize) -> Vec<f32> {
    assert!(n_in.is_multiple_of(2), "pairs of weights are read as one word");
    // A word holds an even and an odd element: with `x` sorted the same way no lane has to move.
    let mut sorted = Vec::with_capacity(x.len());
    for row in x.chunks(n_in) {
        sorted.extend(row.iter().step_by(2));
        sorted.extend(row.iter().skip(1).step_by(2));
    }
    small_product(&sorted, weight, n_in, |x, weight, out| {
        vectorised(HalfBlock { x, weight: bytemuck::cast_slice(weight), n_in, out });
    })
}

fn small_product<W: Sync>(
    x: &[f32],
    weight: &[W],
    n_in: usize,
    block: impl Fn(&[f32], &[W], &mut [f32]) + Sync,
) -> Vec<f32> {
    let (n_rows, n_out) = (x.len() / n_in, weight.len() / n_in);
    // Computed as [N, M], so that threads write apart.
    let mut columns = vec![0.0; n_out * n_rows];
    let share = if n_out * n_in < WORTH_THREADS {
        n_out
    } else {
        n_out.div_ceil(4 * rayon::current_num_threads()).next_multiple_of(WEIGHT_ROWS)
    };
    if share >= n_out {
        block(x, weight, &mut columns);
    } else {
        let outs = columns.par_chunks_mut(share * n_rows).zip(weight.par_chunks(share * n_in));
        outs.for_each(|(out, weight)| block(x, weight, out));
    }
    if n_rows == 1 {
        return columns;
    }
    let mut rows = vec![0.0; n_out * n_rows];
    for (row, out) in rows.chunks_mut(n_out).enumerate() {
        for (value, column) in out.iter_mut().zip(columns.chunks(n_rows)) {
            *value = column[row];
        }
    }
    rows
}

/// `out[n, m] = Σ_k weight[n, k] · x[m, k]`
struct Block<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    n_in: usize,
    out: &'a mut [f32],
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, weight, n_in, out } = self;
        let n_rows = x.len() / n_in;
        let weights = weight.chunks(WEIGHT_ROWS * n_in).zip(out.chunks_mut(WEIGHT_ROWS * n_rows));
        for (weight, out) in weights {
            for (first, x) in x.chunks(INPUT_ROWS * n_in).enumerate() {
                let first = first * INPUT_ROWS;
                match (weight.len() / n_in, x.len() / n_in) {
                    (WEIGHT_ROWS, 4) => tile::<S, 4>(simd, x, weight, n_in, (first, n_rows), out),
                    (WEIGHT_ROWS, 3) => tile::<S, 3>(simd, x, weight, n_in, (first, n_rows), out),
                    (WEIGHT_ROWS, 2) => tile::<S, 2>(simd, x, weight, n_in, (first, n_rows), out),
                    (WEIGHT_ROWS, 1) => tile::<S, 1>(simd, x, weight, n_in, (first, n_rows), out),
                    _ => {
                        for (n, weight) in weight.chunks(n_in).enumerate() {
                            for (m, x) in x.chunks(n_in).enumerate() {
                                out[n * n_rows + first + m] = dot(simd, weight, x);
                            }
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn tile<S: Simd, const M: usize>(
    simd: S,
    x: &[f32],
    weight: &[f32],
    n_in: usize,
    (first, n_rows): (usize, usize),
    out: &mut [f32],
) {
    let x: [_; M] = std::array::from_fn(|m| S::as_simd_f32s(&x[m * n_in..(m + 1) * n_in]));
    let weight: [_; WEIGHT_ROWS] =
        std::array::from_fn(|n| S::as_simd_f32s(&weight[n * n_in..(n + 1) * n_in]));
    let mut sums = [[simd.splat_f32s(0.0); M]; WEIGHT_ROWS];
    for idx in 0..x[0].0.len() {
        for (sums, weight) in sums.iter_mut().zip(&weight) {
            for (sum, x) in sums.iter_mut().zip(&x) {
                *sum = simd.mul_add_e_f32s(weight.0[idx], x.0[idx], *sum);
            }
        }
    }
    for (n, (sums, weight)) in sums.iter().zip(&weight).enumerate() {
        for (m, (sum, x)) in sums.iter().zip(&x).enumerate() {
            let tail = simd.mul_f32s(simd.partial_load_f32s(weight.1), simd.partial_load_f32s(x.1));
            out[n * n_rows + first + m] = simd.reduce_sum_f32s(simd.add_f32s(*sum, tail));
        }
    }
}

/// [`Block`] with pairs of bf16 in each word of the weight, and `x` sorted into even and odd elements.
struct HalfBlock<'a> {
    x: &'a [f32],
    weight: &'a [u32],
    n_in: usize,
    out: &'a mut [f32],
}

impl WithSimd for HalfBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, weight, n_in, out } = self;
        let (n_rows, n_words) = (x.len() / n_in, n_in / 2);
        for (weight, out) in weight.chunks(2 * n_words).zip(out.chunks_mut(2 * n_rows)) {
            for (first, x) in x.chunks(INPUT_ROWS * n_in).enumerate() {
                let place = (first * INPUT_ROWS, n_rows);
                match (weight.len() / n_words, x.len() / n_in) {
                    (2, 4) => half_tile::<S, 2, 4>(simd, x, weight, n_in, place, out),
                    (2, 3) => half_tile::<S, 2, 3>(simd, x, weight, n_in, place, out),
                    (2, 2) => half_tile::<S, 2, 2>(simd, x, weight, n_in, place, out),
                    (2, 1) => half_tile::<S, 2, 1>(simd, x, weight, n_in, place, out),
                    (_, 4) => half_tile::<S, 1, 4>(simd, x, weight, n_in, place, out),
                    (_, 3) => half_tile::<S, 1, 3>(simd, x, weight, n_in, place, out),
                    (_, 2) => half_tile::<S, 1, 2>(simd, x, weight, n_in, place, out),
                    _ => half_tile::<S, 1, 1>(simd, x, weight, n_in, place, out),
                }
            }
        }
    }
}

#[inline(always)]
fn half_tile<S: Simd, const N: usize, const M: usize>(
    simd: S,
    x: &[f32],
    weight: &[u32],
    n_in: usize,
    (first, n_rows): (usize, usize),
    out: &mut [f32],
) {
    let n_words = n_in / 2;
    let (shift, mask) = (simd.splat_u32s(16), simd.splat_u32s(0xffff_0000));
    let even_odd = |word: S::u32s| {
        let even = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(word, shift));
        (even, simd.transmute_f32s_u32s(simd.and_u32s(word, mask)))
    };
    let part = |m: usize, half: usize| {
        let start = m * n_in + half * n_words;
        S::as_simd_f32s(&x[start..start + n_words])
    };
    let even: [_; M] = std::array::from_fn(|m| part(m, 0));
    let odd: [_; M] = std::array::from_fn(|m| part(m, 1));
    let weight: [_; N] = std::array::from_fn(|n| S::as_simd_u32s(&weight[n * n_words..(n + 1) * n_words]));
    let mut sums = [[simd.splat_f32s(0.0); M]; N];
    for idx in 0..even[0].0.len() {
        for (sums, weight) in sums.iter_mut().zip(&weight) {
            let (low, high) = even_odd(weight.0[idx]);
            for ((sum, even), odd) in sums.iter_mut().zip(&even).zip(&odd) {
                *sum = simd.mul_add_e_f32s(low, even.0[idx], *sum);
                *sum = simd.mul_add_e_f32s(high, odd.0[idx], *sum);
            }
        }
    }
    for (n, (sums, weight)) in sums.iter().zip(&weight).enumerate() {
        let (low, high) = even_odd(simd.partial_load_u32s(weight.1));
        for (m, ((sum, even), odd)) in sums.iter().zip(&even).zip(&odd).enumerate() {
            let tail = simd.mul_f32s(low, simd.partial_load_f32s(even.1));
            let tail = simd.mul_add_e_f32s(high, simd.partial_load_f32s(odd.1), tail);
            out[n * n_rows + first + m] = simd.reduce_sum_f32s(simd.add_f32s(*sum, tail));
        }
    }
}
