//! Grouped-query attention without the matrix of scores: blocks of queries against the keys that they see, and the
//! same blocks again for the gradients.
//!
//! # Source
//! FlashAttention-2, arXiv 2307.08691, §3: the backward pass recomputes the probabilities of a block.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::matrix::{Matrix, add_product, product};
use crate::simd::{dot, exp, largest, map_lanes, tanh, update_lanes, vectorised};

/// Queries of one block.
const BLOCK: usize = 64;

/// Sizes of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) n_rows: usize,
    pub(crate) n_heads: usize,
    pub(crate) n_kv_heads: usize,
    pub(crate) n_queries: usize,
    pub(crate) n_keys: usize,
    pub(crate) head_dim: usize,
}

impl Shape {
    fn group(&self) -> usize {
        self.n_heads / self.n_kv_heads
    }
}

/// An operand `[B, heads, T, head_dim]` in any order of its first three dimensions.
#[derive(Clone, Copy)]
pub(crate) struct Heads<'a> {
    pub(crate) values: &'a [f32],
    /// From row to row, head to head, token to token.
    pub(crate) strides: [usize; 3],
}

impl<'a> Heads<'a> {
    fn tokens(&self, row: usize, head: usize, tokens: Range<usize>, head_dim: usize) -> Matrix<'a> {
        let [by_row, by_head, by_token] = self.strides;
        let start = row * by_row + head * by_head + tokens.start * by_token;
        Matrix::new(&self.values[start..], tokens.len(), head_dim, by_token)
    }
}

/// Which keys each query sees, from the additive mask `[1 or B, T, S]`.
pub(crate) struct Sight<'a> {
    mask: &'a [f32],
    n_queries: usize,
    n_keys: usize,
    n_masks: usize,
    /// First and last visible key of each query, and whether a key between them is hidden.
    spans: Vec<(usize, usize, bool)>,
}

impl<'a> Sight<'a> {
    pub(crate) fn new(mask: &'a [f32], n_queries: usize, n_keys: usize) -> Self {
        let span = |row: &[f32]| {
            let Some(first) = row.iter().position(|value| *value == 0.0) else { return (0, n_keys, true) };
            let end = row.iter().rposition(|value| *value == 0.0).unwrap_or(first) + 1;
            (first, end, row[first..end].iter().any(|value| *value != 0.0))
        };
        let spans = mask.chunks(n_keys).map(span).collect();
        Self { mask, n_queries, n_keys, n_masks: mask.len() / (n_queries * n_keys), spans }
    }

    fn place(&self, row: usize, query: usize) -> usize {
        (if self.n_masks == 1 { 0 } else { row }) * self.n_queries + query
    }

    /// Keys that some query of a block sees.
    fn keys_of(&self, row: usize, queries: Range<usize>) -> Range<usize> {
        let spans = queries.map(|query| self.spans[self.place(row, query)]);
        let (first, end) =
            spans.fold((usize::MAX, 0), |(first, end), span| (first.min(span.0), end.max(span.1)));
        first..end
    }

    /// Hides scores of one query over `keys`.
    fn hide(&self, row: usize, query: usize, keys: &Range<usize>, scores: &mut [f32]) {
        let place = self.place(row, query);
        let (first, end, has_holes) = self.spans[place];
        scores[..first.saturating_sub(keys.start)].fill(f32::NEG_INFINITY);
        scores[end - keys.start..].fill(f32::NEG_INFINITY);
        if has_holes {
            let mask = &self.mask[place * self.n_keys + keys.start..][..scores.len()];
            scores.iter_mut().zip(mask).for_each(|(score, mask)| *score += mask);
        }
    }
}

/// The operands of a call.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    pub(crate) q: Heads<'a>,
    pub(crate) k: Heads<'a>,
    pub(crate) v: Heads<'a>,
    pub(crate) sight: &'a Sight<'a>,
    pub(crate) soft_cap: f32,
    pub(crate) shape: Shape,
}

/// `[B, T, heads, head_dim]`
pub(crate) fn attention(call: Operands<'_>) -> Vec<f32> {
    let Shape { n_rows, n_heads, n_kv_heads, n_queries, head_dim, .. } = call.shape;
    let group = call.shape.group();
    let mut out = vec![0.0; n_rows * n_queries * n_heads * head_dim];
    let tasks = n_rows * n_kv_heads;
    let heads: Vec<Vec<f32>> = spread(tasks, call.work(), |task| {
        let (row, kv_head) = (task / n_kv_heads, task % n_kv_heads);
        call.read_head(row, kv_head)
    });
    for (task, head) in heads.iter().enumerate() {
        put_head(
            &mut out,
            head,
            (task / n_kv_heads, n_queries),
            (task % n_kv_heads, n_kv_heads),
            group * head_dim,
        );
    }
    out
}

/// Writes one head's `[tokens, width]` to its place in `[B, tokens, heads, width]`.
fn put_head(
    whole: &mut [f32],
    part: &[f32],
    (row, n_tokens): (usize, usize),
    (head, n_heads): (usize, usize),
    width: usize,
) {
    for (token, values) in part.chunks(width).enumerate() {
        let start = ((row * n_tokens + token) * n_heads + head) * width;
        whole[start..start + width].copy_from_slice(values);
    }
}

/// Gradients of [`attention`]: `[B, T, heads, head_dim]`, and twice `[B, S, kv heads, head_dim]`.
pub(crate) fn attention_backward(call: Operands<'_>, grad: &[f32]) -> [Vec<f32>; 3] {
    let Shape { n_rows, n_heads, n_kv_heads, n_queries, n_keys, head_dim } = call.shape;
    let group = call.shape.group();
    let grad =
        Heads { values: grad, strides: [n_queries * n_heads * head_dim, head_dim, n_heads * head_dim] };
    let tasks = n_rows * n_kv_heads;
    let heads = spread(tasks, 3 * call.work(), |task| {
        call.head_gradients(task / n_kv_heads, task % n_kv_heads, grad)
    });
    let mut d_q = vec![0.0; n_rows * n_queries * n_heads * head_dim];
    let mut d_k = vec![0.0; n_rows * n_keys * n_kv_heads * head_dim];
    let mut d_v = d_k.clone();
    for (task, [q, k, v]) in heads.iter().enumerate() {
        let (row, place) = (task / n_kv_heads, (task % n_kv_heads, n_kv_heads));
        put_head(&mut d_q, q, (row, n_queries), place, group * head_dim);
        put_head(&mut d_k, k, (row, n_keys), place, head_dim);
        put_head(&mut d_v, v, (row, n_keys), place, head_dim);
    }
    [d_q, d_k, d_v]
}

/// Multiplications below which threads are not worth waking.
const WORTH_THREADS: usize = 1 << 16;

fn spread<T: Send>(tasks: usize, work: usize, task: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    if work < WORTH_THREADS {
        return (0..tasks).map(task).collect();
    }
    (0..tasks).into_par_iter().map(task).collect()
}

impl Operands<'_> {
    fn work(&self) -> usize {
        let Shape { n_rows, n_heads, n_queries, n_keys, head_dim, .. } = self.shape;
        n_rows * n_heads * n_queries * n_keys * head_dim
    }

    /// What the heads that share a key head read in one row: `[T, group, head_dim]`.
    fn read_head(&self, row: usize, kv_head: usize) -> Vec<f32> {
        let Shape { n_queries, n_keys, head_dim, .. } = self.shape;
        let group = self.shape.group();
        let mut out = vec![0.0; n_queries * group * head_dim];
        let mut scores = vec![0.0; n_queries.min(BLOCK) * n_keys];
        for member in 0..group {
            let head = kv_head * group + member;
            for start in (0..n_queries).step_by(BLOCK) {
                let queries = start..(start + BLOCK).min(n_queries);
                let keys = self.sight.keys_of(row, queries.clone());
                let v = self.v.tokens(row, kv_head, keys.clone(), head_dim);
                let block = self.probabilities((row, kv_head, head), &queries, &keys, &mut scores);
                let block = Matrix::new(block, queries.len(), keys.len(), keys.len());
                let place = &mut out[(start * group + member) * head_dim..];
                product(place, group * head_dim, block, v);
            }
        }
        out
    }

    /// The probabilities of a block, `[queries, keys]`.
    fn probabilities<'s>(
        &self,
        (row, kv_head, head): (usize, usize, usize),
        queries: &Range<usize>,
        keys: &Range<usize>,
        scores: &'s mut [f32],
    ) -> &'s mut [f32] {
        let head_dim = self.shape.head_dim;
        let q = self.q.tokens(row, head, queries.clone(), head_dim);
        let k = self.k.tokens(row, kv_head, keys.clone(), head_dim);
        let scores = &mut scores[..queries.len() * keys.len()];
        product(scores, keys.len(), q, k.transposed());
        for (query, scores) in queries.clone().zip(scores.chunks_mut(keys.len())) {
            if self.soft_cap > 0.0 {
                vectorised(SoftCap { cap: self.soft_cap, scores });
            }
            self.sight.hide(row, query, keys, scores);
            vectorised(Softmax { scores });
        }
        scores
    }

    /// Gradients of `[T, group, head_dim]` queries and `[S, head_dim]` keys and values.
    fn head_gradients(&self, row: usize, kv_head: usize, grad: Heads<'_>) -> [Vec<f32>; 3] {
        let Shape { n_queries, n_keys, head_dim, .. } = self.shape;
        let group = self.shape.group();
        let mut d_q = vec![0.0; n_queries * group * head_dim];
        let (mut d_k, mut d_v) = (vec![0.0; n_keys * head_dim], vec![0.0; n_keys * head_dim]);
        let room = n_queries.min(BLOCK) * n_keys;
        let (mut scores, mut d_scores) = (vec![0.0; room], vec![0.0; room]);
        for member in 0..group {
            let head = kv_head * group + member;
            for start in (0..n_queries).step_by(BLOCK) {
                let queries = start..(start + BLOCK).min(n_queries);
                let keys = self.sight.keys_of(row, queries.clone());
                let (n, s) = (queries.len(), keys.len());
                let q = self.q.tokens(row, head, queries.clone(), head_dim);
                let k = self.k.tokens(row, kv_head, keys.clone(), head_dim);
                let v = self.v.tokens(row, kv_head, keys.clone(), head_dim);
                let d_out = grad.tokens(row, head, queries.clone(), head_dim);
                let block = self.probabilities((row, kv_head, head), &queries, &keys, &mut scores);
                let p = Matrix::new(block, n, s, s);
                add_product(&mut d_v[keys.start * head_dim..], head_dim, p.transposed(), d_out);
                let d_block = &mut d_scores[..n * s];
                product(d_block, s, d_out, v.transposed());
                for (d_scores, p) in d_block.chunks_mut(s).zip(block.chunks(s)) {
                    vectorised(SoftmaxBackward { p, d_scores });
                }
                if self.soft_cap > 0.0 {
                    self.bend(q, k, d_block);
                }
                let d_block = Matrix::new(d_block, n, s, s);
                let place = &mut d_q[(start * group + member) * head_dim..];
                product(place, group * head_dim, d_block, k);
                add_product(&mut d_k[keys.start * head_dim..], head_dim, d_block.transposed(), q);
            }
        }
        [d_q, d_k, d_v]
    }

    /// Through the soft cap: times `1 − tanh²(score / cap)`.
    fn bend(&self, q: Matrix<'_>, k: Matrix<'_>, d_block: &mut [f32]) {
        let mut scores = vec![0.0; d_block.len()];
        product(&mut scores, k.n_rows(), q, k.transposed());
        vectorised(SoftCapBackward { cap: self.soft_cap, scores: &scores, d_scores: d_block });
    }
}

/// In place: `cap · tanh(score / cap)`
struct SoftCap<'a> {
    cap: f32,
    scores: &'a mut [f32],
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

struct SoftCapBackward<'a> {
    cap: f32,
    scores: &'a [f32],
    d_scores: &'a mut [f32],
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

/// In place; a row of −∞ alone becomes uniform.
struct Softmax<'a> {
    scores: &'a mut [f32],
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let scores = self.scores;
        let most = largest(simd, scores);
        let most = simd.splat_f32s(if most.is_finite() { most } else { 0.0 });
        update_lanes!(simd, S, x in scores, exp(simd, simd.sub_f32s(x, most)));
        let (head, tail) = S::as_simd_f32s(scores);
        let mut lanes = simd.splat_f32s(0.0);
        for x in head {
            lanes = simd.add_f32s(lanes, *x);
        }
        let sum = simd.reduce_sum_f32s(lanes) + tail.iter().sum::<f32>();
        if sum > 0.0 {
            let inverse = simd.splat_f32s(sum.recip());
            update_lanes!(simd, S, x in scores, simd.mul_f32s(x, inverse));
        } else {
            scores.fill(1.0 / scores.len() as f32);
        }
    }
}

/// In place: `p · (d − Σ p d)`
struct SoftmaxBackward<'a> {
    p: &'a [f32],
    d_scores: &'a mut [f32],
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
