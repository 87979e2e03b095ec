//! Vector code for the instruction set that is there: AVX-512, AVX2 or none, chosen at run time by `pulp`.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pulp::{Arch, Scalar, Simd, WithSimd};

static SCALAR_ONLY: AtomicBool = AtomicBool::new(false);

/// Runs everything without vector instructions, for tests of that path.
pub fn force_scalar(on: bool) {
    SCALAR_ONLY.store(on, Relaxed);
}

/// Runs `op` with the widest vectors of this machine.
pub(crate) fn vectorised<Op: WithSimd>(op: Op) -> Op::Output {
    if SCALAR_ONLY.load(Relaxed) { op.with_simd(Scalar::new()) } else { Arch::new().dispatch(op) }
}

/// Smallest argument whose exponential is a normal number; below, the result is 0.
const EXP_MIN: f32 = -87.3;
const EXP_MAX: f32 = 88.3;
/// 1.5 · 2²³: adding it leaves the integer part in the low bits.
const ROUND: f32 = 12_582_912.0;

/// eˣ to about 2 ulp; 0 below −87.3, e^88.3 above 88.3.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let splat = |value| simd.splat_f32s(value);
    // In this order of operands a NaN stays one: it must not become a probability.
    let clamped = simd.min_f32s(splat(EXP_MAX), simd.max_f32s(splat(EXP_MIN), x));
    let shifted = simd.mul_add_e_f32s(clamped, splat(std::f32::consts::LOG2_E), splat(ROUND));
    let n = simd.sub_f32s(shifted, splat(ROUND));
    // ln 2 in two parts: the first is exact when multiplied by n.
    let r = simd.mul_add_e_f32s(n, splat(-0.693_359_4), clamped);
    let r = simd.mul_add_e_f32s(n, splat(2.121_944_4e-4), r);
    // Taylor in Horner form is within an ulp on |r| ≤ ln 2 / 2 at degree 7.
    let coefficients = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let mut sum = splat(1.0 / 5040.0);
    for coefficient in coefficients {
        sum = simd.mul_add_e_f32s(sum, r, splat(coefficient));
    }
    let exponent = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    let scaled = simd.add_u32s(simd.transmute_u32s_f32s(sum), exponent);
    let value = simd.transmute_f32s_u32s(scaled);
    simd.select_f32s(simd.less_than_f32s(x, splat(EXP_MIN)), splat(0.0), value)
}

/// 1 / (1 + e⁻ˣ)
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    simd.div_f32s(one, simd.add_f32s(one, exp(simd, simd.neg_f32s(x))))
}

/// tanh to a few ulp, small arguments included: a soft cap multiplies its result by 50.
///
/// # Source
/// The rational approximation of Eigen 3.4, `generic_fast_tanh_float` in `MathFunctionsImpl.h`.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const BOUND: f32 = 7.905_311;
    const ODD: [f32; 7] = [
        -2.760_768_5e-16,
        2.000_188e-13,
        -8.604_672e-11,
        5.122_297e-8,
        1.485_722_4e-5,
        6.372_619_3e-4,
        4.893_524_6e-3,
    ];
    const EVEN: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    let splat = |value| simd.splat_f32s(value);
    let x = simd.min_f32s(splat(BOUND), simd.max_f32s(splat(-BOUND), x));
    let square = simd.mul_f32s(x, x);
    let (odd, even) = (polynomial(simd, square, ODD), polynomial(simd, square, EVEN));
    simd.div_f32s(simd.mul_f32s(x, odd), even)
}

/// Highest coefficient first, by Horner's rule.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, x: S::f32s, coefficients: [f32; N]) -> S::f32s {
    let mut sum = simd.splat_f32s(0.0);
    for coefficient in coefficients {
        sum = simd.mul_add_e_f32s(sum, x, simd.splat_f32s(coefficient));
    }
    sum
}

/// `map_lanes!(simd, S, [a = …, b = …] -> out, { body })`: the body for each vector of equally long slices, the last one
/// filled up with zeros; `out` is written from what it gives.
macro_rules! map_lanes {
    ($simd:ident, $S:ident, [$($name:ident = $input:expr),+] -> $output:expr, $body:expr) => {{
        $(let ($name, tail_of) = $S::as_simd_f32s($input); let $name = ($name, tail_of);)+
        let (head, tail) = $S::as_mut_simd_f32s($output);
        for (idx, slot) in head.iter_mut().enumerate() {
            $(let $name = $name.0[idx];)+
            *slot = $body;
        }
        if !tail.is_empty() {
            $(let $name = $simd.partial_load_f32s($name.1);)+
            let value = $body;
            $simd.partial_store_f32s(tail, value);
        }
    }};
}
pub(crate) use map_lanes;

/// `update_lanes!(simd, S, x in values, body)`: each vector of a slice replaced by the body's value. A macro, because a
/// closure here is compiled for itself, without the vector instructions of its surroundings.
macro_rules! update_lanes {
    ($simd:ident, $S:ident, $x:ident in $values:expr, $body:expr) => {{
        let (head, tail) = $S::as_mut_simd_f32s($values);
        for slot in head.iter_mut() {
            let $x = *slot;
            *slot = $body;
        }
        if !tail.is_empty() {
            let $x = $simd.partial_load_f32s(tail);
            let value = $body;
            $simd.partial_store_f32s(tail, value);
        }
    }};
}
pub(crate) use update_lanes;

/// The largest of some values.
#[inline(always)]
pub(crate) fn largest<S: Simd>(simd: S, values: &[f32]) -> f32 {
    let (head, tail) = S::as_simd_f32s(values);
    let mut lanes = simd.splat_f32s(f32::NEG_INFINITY);
    for x in head {
        lanes = simd.max_f32s(lanes, *x);
    }
    tail.iter().fold(simd.reduce_max_f32s(lanes), |most, x| most.max(*x))
}

/// Σ aᵢ bᵢ
#[inline(always)]
pub(crate) fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_tail), (b, b_tail)) = (S::as_simd_f32s(a), S::as_simd_f32s(b));
    let mut sums = [simd.splat_f32s(0.0); 4];
    let mut pairs = a.iter().zip(b);
    loop {
        let mut is_over = false;
        for sum in &mut sums {
            match pairs.next() {
                Some((a, b)) => *sum = simd.mul_add_e_f32s(*a, *b, *sum),
                None => is_over = true,
            }
        }
        if is_over {
            break;
        }
    }
    let tail = simd.mul_f32s(simd.partial_load_f32s(a_tail), simd.partial_load_f32s(b_tail));
    let [first, second, third, fourth] = sums;
    let sum = simd.add_f32s(simd.add_f32s(first, second), simd.add_f32s(third, fourth));
    simd.reduce_sum_f32s(simd.add_f32s(sum, tail))
}

#[cfg(test)]
mod tests;
