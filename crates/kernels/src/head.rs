//! A language model's head with what an objective wants of it, in blocks of the vocabulary: the logits are never
//! written as a whole.
//!
//! Where the head is frozen, the gradient of a log-prob is known up to a factor as soon as the probabilities are: the
//! expected row of the head minus the chosen one. It is summed in the forward pass, and the backward pass multiplies.
//!
//! # Source
//! The running normaliser is that of Milakov & Gimelshein, arXiv 1805.02867.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::matrix::{Matrix, add_product, product};
use crate::simd::{exp, largest, map_lanes, tanh, update_lanes, vectorised};

/// Predictors of one block.
const ROWS: usize = 256;
/// Tokens of one block: with [`ROWS`] it fills half of a core's cache.
const COLUMNS: usize = 1024;

/// From products to logits: `cap · tanh(scale · z / cap) / temperature`, without the bend where `soft_cap` is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogitScale {
    /// Factor of the product of hidden state and head.
    pub scale: f32,
    /// Bound of the logits; 0 for none.
    pub soft_cap: f32,
    /// The sampler's.
    pub temperature: f32,
}

impl Default for LogitScale {
    /// The products as they are.
    fn default() -> Self {
        Self { scale: 1.0, soft_cap: 0.0, temperature: 1.0 }
    }
}

impl LogitScale {
    /// What a logit moves when its product does.
    pub(crate) fn slope(self, logit: f32) -> f32 {
        let bend = if self.soft_cap > 0.0 { logit * self.temperature / self.soft_cap } else { 0.0 };
        self.scale / self.temperature * (1.0 - bend * bend)
    }
}

/// The operands: `x` `[P, D]`, `weight` `[V, D]`, and for each token its predictor and itself, `[N, 2]`.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) weight: &'a [f32],
    pub(crate) tokens: &'a [i64],
    pub(crate) width: usize,
    pub(crate) scale: LogitScale,
}

/// What the head says: log-sum-exp and entropy of each predictor, the logit of each token, and the expected row of the
/// head, if asked for: Σ p · slope · row, `[P, D]`.
pub(crate) struct HeadStats {
    pub(crate) log_sum_exp: Vec<f32>,
    pub(crate) entropy: Vec<f32>,
    pub(crate) chosen: Vec<f32>,
    pub(crate) expected: Vec<f32>,
}

/// Whether the expected rows are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Summed,
    LeftOut,
}

/// Cotangents of [`HeadStats`].
pub(crate) struct HeadGrad<'a> {
    pub(crate) log_sum_exp: &'a [f32],
    pub(crate) entropy: &'a [f32],
    pub(crate) chosen: &'a [f32],
}

impl Head<'_> {
    fn n_predictors(&self) -> usize {
        self.x.len() / self.width
    }

    fn n_tokens(&self) -> usize {
        self.weight.len() / self.width
    }

    /// Logits of some predictors for some tokens, and into `slopes` what each moves with its product, where that differs.
    fn logits(&self, rows: Range<usize>, columns: Range<usize>, out: &mut [f32], slopes: &mut [f32]) {
        let (n, m) = (rows.len(), columns.len());
        let part = |values, range: Range<usize>| {
            let n = range.len();
            Matrix::new(&slice(values, range, self.width)[..n * self.width], n, self.width, self.width)
        };
        product(out, m, part(self.x, rows), part(self.weight, columns).transposed());
        let out = &mut out[..n * m];
        match self.scale {
            LogitScale { soft_cap, .. } if soft_cap > 0.0 => {
                vectorised(Bend { scale: self.scale, values: out, slopes: &mut slopes[..n * m] });
            }
            LogitScale { scale, temperature, .. } if scale != temperature => {
                vectorised(Times { factor: scale / temperature, values: out });
            }
            _ => {}
        }
    }

    /// Tokens by predictor: index of the token among all.
    fn tokens_of_rows(&self) -> Vec<Vec<usize>> {
        let mut by_row = vec![Vec::new(); self.n_predictors()];
        for (idx, pair) in self.tokens.chunks(2).enumerate() {
            let (row, token) = (pair[0] as usize, pair[1] as usize);
            assert!(token < self.n_tokens(), "token {token} of {}", self.n_tokens());
            by_row[row].push(idx);
        }
        by_row
    }

    fn target(&self, idx: usize) -> usize {
        self.tokens[2 * idx + 1] as usize
    }
}

fn slice(values: &[f32], rows: Range<usize>, width: usize) -> &[f32] {
    &values[rows.start * width..rows.end * width]
}

pub(crate) fn head_stats(head: Head<'_>, expected: Expected) -> HeadStats {
    let n_predictors = head.n_predictors();
    let by_row = head.tokens_of_rows();
    let rows = n_predictors.div_ceil(rayon::current_num_threads()).clamp(1, ROWS);
    let blocks: Vec<RowStats> = (0..n_predictors.div_ceil(rows))
        .into_par_iter()
        .map(|block| {
            let rows = block * rows..((block + 1) * rows).min(n_predictors);
            row_stats(&head, rows, &by_row, expected)
        })
        .collect();
    let mut stats = HeadStats {
        log_sum_exp: Vec::with_capacity(n_predictors),
        entropy: Vec::with_capacity(n_predictors),
        chosen: vec![0.0; head.tokens.len() / 2],
        expected: Vec::new(),
    };
    for block in blocks {
        stats.log_sum_exp.extend(block.log_sum_exp);
        stats.entropy.extend(block.entropy);
        stats.expected.extend(block.expected);
        for (idx, logit) in block.chosen {
            stats.chosen[idx] = logit;
        }
    }
    stats
}

struct RowStats {
    log_sum_exp: Vec<f32>,
    entropy: Vec<f32>,
    chosen: Vec<(usize, f32)>,
    expected: Vec<f32>,
}

/// Sums over the tokens so far, relative to the largest logit so far.
#[derive(Clone, Copy)]
struct Running {
    most: f32,
    /// Σ e^(y − most)
    sum: f64,
    /// Σ e^(y − most) · (y − most)
    moment: f64,
}

fn row_stats(head: &Head<'_>, rows: Range<usize>, by_row: &[Vec<usize>], expected: Expected) -> RowStats {
    let (n, width) = (rows.len(), head.width);
    let mut running = vec![Running { most: f32::NEG_INFINITY, sum: 0.0, moment: 0.0 }; n];
    let mut logits = vec![0.0; n * COLUMNS.min(head.n_tokens())];
    let mut slopes = if head.scale.soft_cap > 0.0 { logits.clone() } else { Vec::new() };
    let mut mean = if expected == Expected::Summed { vec![0.0; n * width] } else { Vec::new() };
    let mut chosen = Vec::new();
    for start in (0..head.n_tokens()).step_by(COLUMNS) {
        let columns = start..(start + COLUMNS).min(head.n_tokens());
        let m = columns.len();
        head.logits(rows.clone(), columns.clone(), &mut logits, &mut slopes);
        for (at, row) in rows.clone().enumerate() {
            let logits = &mut logits[at * m..(at + 1) * m];
            let targets = by_row[row].iter().filter(|idx| columns.contains(&head.target(**idx)));
            chosen.extend(targets.map(|&idx| (idx, logits[head.target(idx) - start])));
            let before = running[at];
            let Summed { most, sum, moment } = vectorised(Exponentials { values: logits, most: before.most });
            let shrink = f64::from(before.most - most).exp();
            let shift = if before.sum > 0.0 { before.sum * f64::from(before.most - most) } else { 0.0 };
            running[at] = Running {
                most,
                sum: before.sum * shrink + f64::from(sum),
                moment: (before.moment + shift) * shrink + f64::from(moment),
            };
            if expected == Expected::Summed {
                if before.sum > 0.0 && most > before.most {
                    let values = &mut mean[at * width..(at + 1) * width];
                    vectorised(Times { factor: shrink as f32, values });
                }
                if head.scale.soft_cap > 0.0 {
                    vectorised(Product { values: logits, factors: &slopes[at * m..(at + 1) * m] });
                }
            }
        }
        if expected == Expected::Summed {
            let weight = Matrix::new(slice(head.weight, columns, width), m, width, width);
            add_product(&mut mean, width, Matrix::new(&logits[..n * m], n, m, m), weight);
        }
    }
    // Where nothing bends, all slopes are one number.
    let slope = if head.scale.soft_cap > 0.0 { 1.0 } else { head.scale.slope(0.0) };
    for (values, running) in mean.chunks_mut(width).zip(&running) {
        vectorised(Times { factor: slope / running.sum as f32, values });
    }
    RowStats {
        log_sum_exp: running.iter().map(|row| (f64::from(row.most) + row.sum.ln()) as f32).collect(),
        entropy: running.iter().map(|row| (row.sum.ln() - row.moment / row.sum) as f32).collect(),
        chosen,
        expected: mean,
    }
}

/// Gradients of the stats: `[P, D]`, and `[V, D]` if asked for.
pub(crate) fn head_backward(
    head: Head<'_>,
    (log_sum_exp, entropy): (&[f32], &[f32]),
    grad: &HeadGrad<'_>,
    for_weight: bool,
) -> (Vec<f32>, Vec<f32>) {
    let (n_predictors, width) = (head.n_predictors(), head.width);
    let by_row = head.tokens_of_rows();
    let share = head.n_tokens().div_ceil(rayon::current_num_threads());
    let work = |columns: Range<usize>, d_weight: &mut [f32]| {
        let mut d_x = vec![0.0; n_predictors * width];
        let room = ROWS.min(n_predictors) * COLUMNS.min(columns.len());
        let mut logits = vec![0.0; room];
        let mut slopes = if head.scale.soft_cap > 0.0 { vec![0.0; room] } else { Vec::new() };
        for start in (0..n_predictors).step_by(ROWS) {
            let rows = start..(start + ROWS).min(n_predictors);
            let n = rows.len();
            let x = Matrix::new(slice(head.x, rows.clone(), width), n, width, width);
            for first in columns.clone().step_by(COLUMNS) {
                let block = first..(first + COLUMNS).min(columns.end);
                let m = block.len();
                head.logits(rows.clone(), block.clone(), &mut logits, &mut slopes);
                for (at, row) in rows.clone().enumerate() {
                    let values = &mut logits[at * m..(at + 1) * m];
                    let (shift, of_sum) = (log_sum_exp[row], grad.log_sum_exp[row]);
                    let (entropy, of_entropy) = (entropy[row], grad.entropy[row]);
                    vectorised(LogitGradient { values, shift, of_sum, entropy, of_entropy });
                    for &idx in by_row[row].iter().filter(|idx| block.contains(&head.target(**idx))) {
                        values[head.target(idx) - first] += grad.chosen[idx];
                    }
                    if head.scale.soft_cap > 0.0 {
                        vectorised(Product { values, factors: &slopes[at * m..(at + 1) * m] });
                    } else if head.scale.slope(0.0) != 1.0 {
                        vectorised(Times { factor: head.scale.slope(0.0), values });
                    }
                }
                let d_logits = Matrix::new(&logits[..n * m], n, m, m);
                let weight = Matrix::new(slice(head.weight, block.clone(), width), m, width, width);
                add_product(&mut d_x[start * width..], width, d_logits, weight);
                if for_weight {
                    let place = (block.start - columns.start) * width;
                    add_product(&mut d_weight[place..], width, d_logits.transposed(), x);
                }
            }
        }
        d_x
    };
    let ranges = |part: usize| part * share..((part + 1) * share).min(head.n_tokens());
    let mut d_weight = vec![0.0; if for_weight { head.weight.len() } else { 0 }];
    let parts: Vec<Vec<f32>> = if for_weight {
        let parts = d_weight.par_chunks_mut(share * width).enumerate();
        parts.map(|(part, d_weight)| work(ranges(part), d_weight)).collect()
    } else {
        let n_parts = head.n_tokens().div_ceil(share);
        (0..n_parts).into_par_iter().map(|part| work(ranges(part), &mut [])).collect()
    };
    let mut parts = parts.into_iter();
    let mut d_x = parts.next().unwrap_or_default();
    for part in parts {
        d_x.iter_mut().zip(&part).for_each(|(sum, value)| *sum += value);
    }
    (d_x, d_weight)
}

/// From the expected rows: `g_lse · expected + Σ g_chosen · slope · row`.
pub(crate) fn head_backward_expected(
    head: Head<'_>,
    (expected, chosen): (&[f32], &[f32]),
    (of_sum, of_chosen): (&[f32], &[f32]),
) -> Vec<f32> {
    let width = head.width;
    let mut d_x = expected.to_vec();
    for (values, factor) in d_x.chunks_mut(width).zip(of_sum) {
        vectorised(Times { factor: *factor, values });
    }
    for (idx, pair) in head.tokens.chunks(2).enumerate() {
        let (row, token) = (pair[0] as usize, pair[1] as usize);
        let factor = of_chosen[idx] * head.scale.slope(chosen[idx]);
        let weight = slice(head.weight, token..token + 1, width);
        vectorised(AddTimes { values: &mut d_x[row * width..(row + 1) * width], other: weight, factor });
    }
    d_x
}

/// In place: the bent logits; `slopes` are those of the products.
struct Bend<'a> {
    scale: LogitScale,
    values: &'a mut [f32],
    slopes: &'a mut [f32],
}

impl WithSimd for Bend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let LogitScale { scale, soft_cap, temperature } = self.scale;
        let splat = |value| simd.splat_f32s(value);
        let (inward, outward) = (splat(scale / soft_cap), splat(soft_cap / temperature));
        let (one, slope) = (splat(1.0), splat(scale / temperature));
        update_lanes!(simd, S, z in self.values, tanh(simd, simd.mul_f32s(z, inward)));
        map_lanes!(simd, S, [t = &*self.values] -> self.slopes, {
            simd.mul_f32s(slope, simd.sub_f32s(one, simd.mul_f32s(t, t)))
        });
        update_lanes!(simd, S, t in self.values, simd.mul_f32s(t, outward));
    }
}

struct Times<'a> {
    factor: f32,
    values: &'a mut [f32],
}

impl WithSimd for Times<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let factor = simd.splat_f32s(self.factor);
        update_lanes!(simd, S, x in self.values, simd.mul_f32s(x, factor));
    }
}

struct Product<'a> {
    values: &'a mut [f32],
    factors: &'a [f32],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let ((values, values_tail), (factors, factors_tail)) =
            (S::as_mut_simd_f32s(self.values), S::as_simd_f32s(self.factors));
        for (value, factor) in values.iter_mut().zip(factors) {
            *value = simd.mul_f32s(*value, *factor);
        }
        let tail = simd.mul_f32s(simd.partial_load_f32s(values_tail), simd.partial_load_f32s(factors_tail));
        simd.partial_store_f32s(values_tail, tail);
    }
}

/// In place: `values + factor · other`
struct AddTimes<'a> {
    values: &'a mut [f32],
    other: &'a [f32],
    factor: f32,
}

impl WithSimd for AddTimes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let factor = simd.splat_f32s(self.factor);
        let ((values, values_tail), (other, other_tail)) =
            (S::as_mut_simd_f32s(self.values), S::as_simd_f32s(self.other));
        for (value, other) in values.iter_mut().zip(other) {
            *value = simd.mul_add_e_f32s(*other, factor, *value);
        }
        let (value, other) = (simd.partial_load_f32s(values_tail), simd.partial_load_f32s(other_tail));
        simd.partial_store_f32s(values_tail, simd.mul_add_e_f32s(other, factor, value));
    }
}

/// In place: `e^(y − most)`, `most` being the largest of the values and of what came before them.
struct Exponentials<'a> {
    values: &'a mut [f32],
    most: f32,
}

struct Summed {
    most: f32,
    sum: f32,
    moment: f32,
}

impl WithSimd for Exponentials<'_> {
    type Output = Summed;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Summed {
        let most = self.most.max(largest(simd, self.values));
        let shift = simd.splat_f32s(most);
        let (mut sum, mut moment) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
        let (head, tail) = S::as_mut_simd_f32s(self.values);
        for value in head {
            let shifted = simd.sub_f32s(*value, shift);
            *value = exp(simd, shifted);
            sum = simd.add_f32s(sum, *value);
            moment = simd.mul_add_e_f32s(*value, shifted, moment);
        }
        let (mut sum, mut moment) = (simd.reduce_sum_f32s(sum), simd.reduce_sum_f32s(moment));
        if !tail.is_empty() {
            let n = tail.len();
            let shifted = simd.sub_f32s(simd.partial_load_f32s(tail), shift);
            simd.partial_store_f32s(tail, exp(simd, shifted));
            for value in tail.iter().take(n) {
                sum += value;
                // The shifted logit of a value that has not vanished.
                moment += if *value > 0.0 { value * value.ln() } else { 0.0 };
            }
        }
        Summed { most, sum, moment }
    }
}

/// In place, of logits: `p · (g_lse − g_H · (ln p + H))`
struct LogitGradient<'a> {
    values: &'a mut [f32],
    shift: f32,
    of_sum: f32,
    entropy: f32,
    of_entropy: f32,
}

impl WithSimd for LogitGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let splat = |value| simd.splat_f32s(value);
        let (shift, of_sum) = (splat(self.shift), splat(self.of_sum));
        let (entropy, of_entropy) = (splat(self.entropy), splat(-self.of_entropy));
        update_lanes!(simd, S, y in self.values, {
            let log_p = simd.sub_f32s(y, shift);
            let slope = simd.mul_add_e_f32s(of_entropy, simd.add_f32s(log_p, entropy), of_sum);
            simd.mul_f32s(exp(simd, log_p), slope)
        });
    }
}
