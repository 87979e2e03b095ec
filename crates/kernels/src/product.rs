//! `x · Wᵀ`, every element summed in one order, whatever else is computed beside it.
//!
//! With one row the `gemm` crate works on one thread, with a few rows its packing costs more than the arithmetic; and
//! its order of summation depends on the number of rows, so that a row's result depends on its neighbours. Here each
//! element is one sum over lanes, in steps of the vector's width: decoding and prefill agree to the bit.
//! Weights may be bf16, which halves what has to be read; sums are f32 in either case.

use half::bf16;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::simd::vectorised;

/// Rows of the weight that share their loads of `x`.
const WEIGHT_ROWS: usize = 4;
/// Rows of `x` that stay in the cache while the weight passes.
const ROWS_IN_CACHE: usize = 48;
/// Below this many rows of `x` threads share the weight, above it they share `x`.
const MANY_ROWS: usize = 32;
/// Multiplications below which the caller does everything alone.
const WORTH_THREADS: usize = 1 << 16;

/// `[M, K]` and `[N, K]` → `[M, N]`, row-major.
pub(crate) fn product_f32(x: &[f32], weight: &[f32], n_in: usize) -> Vec<f32> {
    spread(x, weight, n_in, |x, weight, out| vectorised(Block { x, weight, n_in, out }))
}

/// As [`product_f32`], with a weight in bf16.
///
/// # Panics
/// If `n_in` is odd.
pub(crate) fn product_bf16(x: &[f32], weight: &[bf16], n_in: usize) -> Vec<f32> {
    assert!(n_in.is_multiple_of(2), "pairs of weights are read as one word");
    // A word holds an even and an odd element: with `x` sorted the same way no lane has to move.
    let mut sorted = Vec::with_capacity(x.len());
    for row in x.chunks(n_in) {
        sorted.extend(row.iter().step_by(2));
        sorted.extend(row.iter().skip(1).step_by(2));
    }
    spread(&sorted, weight, n_in, |x, weight, out| {
        vectorised(HalfBlock { x, weight: bytemuck::cast_slice(weight), n_in, out });
    })
}

/// Where a block writes: the place of `[m, n]` is `m · by_row + n · by_column`.
struct Out<'a> {
    values: &'a mut [f32],
    by_row: usize,
    by_column: usize,
}

impl Out<'_> {
    #[inline(always)]
    fn set(&mut self, row: usize, column: usize, value: f32) {
        self.values[row * self.by_row + column * self.by_column] = value;
    }
}

fn spread<W: Sync>(
    x: &[f32],
    weight: &[W],
    n_in: usize,
    block: impl Fn(&[f32], &[W], Out<'_>) + Sync,
) -> Vec<f32> {
    let (n_rows, n_out) = (x.len() / n_in, weight.len() / n_in);
    let mut out = vec![0.0; n_rows * n_out];
    let n_threads = rayon::current_num_threads();
    if n_threads == 1 || x.len() * n_out < WORTH_THREADS {
        block(x, weight, Out { values: &mut out, by_row: n_out, by_column: 1 });
        return out;
    }
    if n_rows >= MANY_ROWS {
        let share = n_rows.div_ceil(n_threads).min(ROWS_IN_CACHE);
        let blocks = out.par_chunks_mut(share * n_out).zip(x.par_chunks(share * n_in));
        blocks.for_each(|(values, x)| block(x, weight, Out { values, by_row: n_out, by_column: 1 }));
        return out;
    }
    // Computed as [N, M], so that threads write apart.
    let share = n_out.div_ceil(4 * n_threads).next_multiple_of(WEIGHT_ROWS);
    let blocks = out.par_chunks_mut(share * n_rows).zip(weight.par_chunks(share * n_in));
    blocks.for_each(|(values, weight)| block(x, weight, Out { values, by_row: 1, by_column: n_rows }));
    if n_rows == 1 {
        return out;
    }
    let mut rows = vec![0.0; out.len()];
    for (row, values) in rows.chunks_mut(n_out).enumerate() {
        for (value, column) in values.iter_mut().zip(out.chunks(n_rows)) {
            *value = column[row];
        }
    }
    rows
}

/// Calls `$tile::<S, $n, M>` for the rows of `x` at hand, M at most 6 (registers allow for no more).
macro_rules! tiles {
    ($tile:ident, $n:literal, $m:expr, $($arg:expr),+) => {
        match $m {
            6 => $tile::<S, $n, 6>($($arg),+),
            5 => $tile::<S, $n, 5>($($arg),+),
            4 => $tile::<S, $n, 4>($($arg),+),
            3 => $tile::<S, $n, 3>($($arg),+),
            2 => $tile::<S, $n, 2>($($arg),+),
            _ => $tile::<S, $n, 1>($($arg),+),
        }
    };
}

/// Rows of `x` that share their loads of the weight: as many as there are registers for.
#[inline(always)]
fn input_rows<S: Simd>() -> usize {
    if S::F32_LANES >= 16 { 6 } else { 2 }
}

struct Block<'a> {
    x: &'a [f32],
    weight: &'a [f32],
    n_in: usize,
    out: Out<'a>,
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, weight, n_in, mut out } = self;
        let rows = input_rows::<S>();
        for (block, x) in x.chunks(ROWS_IN_CACHE * n_in).enumerate() {
            for (column, weight) in weight.chunks(WEIGHT_ROWS * n_in).enumerate() {
                for (tile_row, x) in x.chunks(rows * n_in).enumerate() {
                    let place = (block * ROWS_IN_CACHE + tile_row * rows, column * WEIGHT_ROWS);
                    let m = x.len() / n_in;
                    if weight.len() == WEIGHT_ROWS * n_in {
                        tiles!(tile, 4, m, simd, x, weight, n_in, place, &mut out);
                        continue;
                    }
                    for (n, weight) in weight.chunks(n_in).enumerate() {
                        let place = (place.0, place.1 + n);
                        tiles!(tile, 1, m, simd, x, weight, n_in, place, &mut out);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn tile<S: Simd, const N: usize, const M: usize>(
    simd: S,
    x: &[f32],
    weight: &[f32],
    n_in: usize,
    (row, column): (usize, usize),
    out: &mut Out<'_>,
) {
    let x: [_; M] = std::array::from_fn(|m| S::as_simd_f32s(&x[m * n_in..(m + 1) * n_in]));
    let weight: [_; N] = std::array::from_fn(|n| S::as_simd_f32s(&weight[n * n_in..(n + 1) * n_in]));
    let n_steps = x[0].0.len();
    let mut sums = [[simd.splat_f32s(0.0); M]; N];
    for step in 0..n_steps {
        let x: [_; M] = std::array::from_fn(|m| x[m].0[step]);
        for (sums, weight) in sums.iter_mut().zip(&weight) {
            let weight = weight.0[step];
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = simd.mul_add_e_f32s(weight, x, *sum);
            }
        }
    }
    // A copy: indexed later by what the compiler does not know, the sums themselves would be kept in memory.
    let done = sums;
    for (n, (sums, weight)) in done.iter().zip(&weight).enumerate() {
        for (m, (sum, x)) in sums.iter().zip(&x).enumerate() {
            let mut sum = *sum;
            if !weight.1.is_empty() {
                let tail = (simd.partial_load_f32s(weight.1), simd.partial_load_f32s(x.1));
                sum = simd.mul_add_e_f32s(tail.0, tail.1, sum);
            }
            out.set(row + m, column + n, simd.reduce_sum_f32s(sum));
        }
    }
}

/// [`Block`] with pairs of bf16 in each word of the weight, and `x` sorted into even and odd elements.
struct HalfBlock<'a> {
    x: &'a [f32],
    weight: &'a [u32],
    n_in: usize,
    out: Out<'a>,
}

impl WithSimd for HalfBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, weight, n_in, mut out } = self;
        let (rows, n_words) = (input_rows::<S>(), n_in / 2);
        for (block, x) in x.chunks(ROWS_IN_CACHE * n_in).enumerate() {
            for (column, weight) in weight.chunks(2 * n_words).enumerate() {
                for (tile_row, x) in x.chunks(rows * n_in).enumerate() {
                    let place = (block * ROWS_IN_CACHE + tile_row * rows, 2 * column);
                    let m = x.len() / n_in;
                    if weight.len() == 2 * n_words {
                        tiles!(half_tile, 2, m, simd, x, weight, n_in, place, &mut out);
                    } else {
                        tiles!(half_tile, 1, m, simd, x, weight, n_in, place, &mut out);
                    }
                }
            }
        }
    }
}

/// The two numbers in each word, widened.
#[inline(always)]
fn even_odd<S: Simd>(simd: S, word: S::u32s) -> (S::f32s, S::f32s) {
    let even = simd.wrapping_dyn_shl_u32s(word, simd.splat_u32s(16));
    let odd = simd.and_u32s(word, simd.splat_u32s(0xffff_0000));
    (simd.transmute_f32s_u32s(even), simd.transmute_f32s_u32s(odd))
}

#[inline(always)]
fn half_tile<S: Simd, const N: usize, const M: usize>(
    simd: S,
    x: &[f32],
    weight: &[u32],
    n_in: usize,
    (row, column): (usize, usize),
    out: &mut Out<'_>,
) {
    let n_words = n_in / 2;
    let part = |m: usize, half: usize| {
        let start = m * n_in + half * n_words;
        S::as_simd_f32s(&x[start..start + n_words])
    };
    let even: [_; M] = std::array::from_fn(|m| part(m, 0));
    let odd: [_; M] = std::array::from_fn(|m| part(m, 1));
    let weight: [_; N] = std::array::from_fn(|n| S::as_simd_u32s(&weight[n * n_words..(n + 1) * n_words]));
    let mut sums = [[simd.splat_f32s(0.0); M]; N];
    for step in 0..even[0].0.len() {
        let even: [_; M] = std::array::from_fn(|m| even[m].0[step]);
        let odd: [_; M] = std::array::from_fn(|m| odd[m].0[step]);
        for (sums, weight) in sums.iter_mut().zip(&weight) {
            let (low, high) = even_odd(simd, weight.0[step]);
            for ((sum, even), odd) in sums.iter_mut().zip(even).zip(odd) {
                *sum = simd.mul_add_e_f32s(low, even, *sum);
                *sum = simd.mul_add_e_f32s(high, odd, *sum);
            }
        }
    }
    let done = sums;
    for (n, (sums, weight)) in done.iter().zip(&weight).enumerate() {
        let (low, high) = even_odd(simd, simd.partial_load_u32s(weight.1));
        for (m, ((sum, even), odd)) in sums.iter().zip(&even).zip(&odd).enumerate() {
            let tail = simd.mul_f32s(low, simd.partial_load_f32s(even.1));
            let tail = simd.mul_add_e_f32s(high, simd.partial_load_f32s(odd.1), tail);
            out.set(row + m, column + n, simd.reduce_sum_f32s(simd.add_f32s(*sum, tail)));
        }
    }
}
