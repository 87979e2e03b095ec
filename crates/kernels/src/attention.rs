//! Grouped-query attention without the matrix of scores: blocks of queries against the keys that they see, and the
//! same blocks again for the gradients.
//!
//! A query's result is summed in one order, key by key, whatever block it is computed in and whatever rows stand beside
//! it: decoding and prefill in any pieces agree to the bit.
//!
//! # Source
//! FlashAttention-2, arXiv 2307.08691, §3: the backward pass recomputes the probabilities of a block.

mod tiles;

use std::ops::Range;

use rayon::prelude::*;

use crate::matrix::{Matrix, add_product, product};
use crate::simd::vectorised;
use tiles::{Mix, Scores, SoftCap, SoftCapBackward, Softmax, SoftmaxBackward};

/// Queries of one block, counted once for each head that asks.
const BLOCK: usize = 64;
/// Numbers of the widest vector. Scores are laid out in such groups, so that their sum has one order.
const LANES: usize = 16;

/// Sizes of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) n_rows: usize,
    pub(crate) n_heads: usize,
    pub(crate) n_kv_heads: usize,
    pub(crate) n_queries: usize,
    /// Rows of keys; a cache may hold more than ask.
    pub(crate) n_key_rows: usize,
    pub(crate) n_keys: usize,
    pub(crate) head_dim: usize,
}

impl Shape {
    fn group(&self) -> usize {
        self.n_heads / self.n_kv_heads
    }
}

/// An operand `[B, T, heads, head_dim]` in any order of its first three dimensions.
#[derive(Clone, Copy)]
pub(crate) struct Heads<'a> {
    pub(crate) values: &'a [f32],
    /// From row to row, token to token, head to head.
    pub(crate) strides: [usize; 3],
}

impl<'a> Heads<'a> {
    fn start(&self, row: usize, head: usize, token: usize) -> usize {
        let [by_row, by_token, by_head] = self.strides;
        row * by_row + head * by_head + token * by_token
    }

    fn tokens(&self, row: usize, head: usize, tokens: Range<usize>, head_dim: usize) -> Matrix<'a> {
        let start = self.start(row, head, tokens.start);
        Matrix::new(&self.values[start..], tokens.len(), head_dim, self.strides[1])
    }

    fn vector(&self, row: usize, head: usize, token: usize, head_dim: usize) -> &'a [f32] {
        &self.values[self.start(row, head, token)..][..head_dim]
    }
}

/// Which keys each query sees: a row of the keys, and its columns from a first to before an end.
pub(crate) struct Sight {
    /// `[B, T, 3]`: row, first, end.
    places: Vec<i64>,
    n_queries: usize,
}

impl Sight {
    /// # Panics
    /// If a query sees nothing, or beyond the keys.
    pub(crate) fn new(places: Vec<i64>, shape: &Shape) -> Self {
        let (n_key_rows, n_keys) = (shape.n_key_rows as i64, shape.n_keys as i64);
        for place in places.chunks(3) {
            let &[row, first, end] = place else { unreachable!("places are triples") };
            let exists = (0..n_key_rows).contains(&row) && 0 <= first && first < end && end <= n_keys;
            assert!(exists, "columns {first}..{end} of row {row} among {n_key_rows} rows of {n_keys} keys");
        }
        Self { places, n_queries: shape.n_queries }
    }

    fn place(&self, row: usize, query: usize) -> (usize, Range<usize>) {
        let at = 3 * (row * self.n_queries + query);
        let [key_row, first, end] = [0, 1, 2].map(|field| self.places[at + field] as usize);
        (key_row, first..end)
    }

    /// Keys seen, counted for each query.
    fn n_seen(&self) -> usize {
        self.places.chunks(3).map(|place| (place[2] - place[1]) as usize).sum()
    }

    /// The row of the keys that a row of queries looks at.
    fn key_row(&self, row: usize) -> usize {
        self.place(row, 0).0
    }

    /// Keys that some query of a block sees, from the beginning of a group of [`LANES`]: so a key has the same place in
    /// a vector whatever the block.
    fn keys_of(&self, row: usize, queries: Range<usize>) -> Range<usize> {
        let spans = queries.map(|query| self.place(row, query).1);
        let (first, end) =
            spans.fold((usize::MAX, 0), |(first, end), span| (first.min(span.start), end.max(span.end)));
        first - first % LANES..end
    }
}

/// The operands of a call.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    pub(crate) q: Heads<'a>,
    pub(crate) k: Heads<'a>,
    pub(crate) v: Heads<'a>,
    pub(crate) sight: &'a Sight,
    pub(crate) soft_cap: f32,
    pub(crate) shape: Shape,
}

/// Queries of one row in the heads that share a key head: `queries` × `heads`, query by query.
#[derive(Clone)]
struct Asks {
    row: usize,
    kv_head: usize,
    heads: Range<usize>,
    queries: Range<usize>,
}

impl Asks {
    fn len(&self) -> usize {
        self.queries.len() * self.heads.len()
    }

    fn query(&self, ask: usize) -> usize {
        self.queries.start + ask / self.heads.len()
    }
}

/// `[B, T, heads, head_dim]`
pub(crate) fn attention(call: Operands<'_>) -> Vec<f32> {
    let Shape { n_rows, n_heads, n_kv_heads, n_queries, head_dim, .. } = call.shape;
    let group = call.shape.group();
    let mut out = vec![0.0; n_rows * n_queries * n_heads * head_dim];
    let block = (BLOCK / group).max(1);
    let n_blocks = n_queries.div_ceil(block);
    let asks = |task: usize| {
        let (row_and_block, kv_head) = (task / n_kv_heads, task % n_kv_heads);
        let (row, start) = (row_and_block / n_blocks, row_and_block % n_blocks * block);
        let queries = start..(start + block).min(n_queries);
        Asks { row, kv_head, heads: kv_head * group..(kv_head + 1) * group, queries }
    };
    let parts = spread(n_rows * n_blocks * n_kv_heads, call.work(), |task| call.read(&asks(task)));
    for (task, part) in parts.iter().enumerate() {
        let Asks { row, heads, queries, .. } = asks(task);
        for (query, values) in queries.zip(part.chunks(group * head_dim)) {
            let start = ((row * n_queries + query) * n_heads + heads.start) * head_dim;
            out[start..start + values.len()].copy_from_slice(values);
        }
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
///
/// # Panics
/// If a row looks at another row's keys.
pub(crate) fn attention_backward(call: Operands<'_>, grad: &[f32]) -> [Vec<f32>; 3] {
    let Shape { n_rows, n_heads, n_kv_heads, n_queries, n_key_rows, n_keys, head_dim } = call.shape;
    let own = n_key_rows == n_rows && (0..n_rows).all(|row| call.sight.key_row(row) == row);
    assert!(own, "gradients flow only into a row's own keys");
    let group = call.shape.group();
    let grad =
        Heads { values: grad, strides: [n_queries * n_heads * head_dim, n_heads * head_dim, head_dim] };
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
        let Shape { n_rows, n_heads, n_queries, head_dim, .. } = self.shape;
        let n_keys = self.sight.n_seen() / (n_rows * n_queries).max(1);
        n_rows * n_heads * n_queries * n_keys * head_dim
    }

    /// What the asks read: `[asks, head_dim]`.
    fn read(&self, asks: &Asks) -> Vec<f32> {
        let head_dim = self.shape.head_dim;
        let keys = self.sight.keys_of(asks.row, asks.queries.clone());
        let width = keys.len().next_multiple_of(LANES);
        let mut p = vec![0.0; asks.len() * width];
        self.probabilities(asks, &keys, &mut p);
        let mut out = vec![0.0; asks.len() * head_dim];
        let key_row = self.sight.key_row(asks.row);
        let start = self.v.start(key_row, asks.kv_head, keys.start);
        vectorised(Mix {
            p: &p,
            width,
            values: &self.v.values[start..],
            stride: self.v.strides[1],
            ends: &self.ends(asks, &keys),
            out: &mut out,
            head_dim,
        });
        out
    }

    /// For each ask the first key that it does not see, counted from the beginning of `keys`.
    fn ends(&self, asks: &Asks, keys: &Range<usize>) -> Vec<usize> {
        let end = |ask| self.sight.place(asks.row, asks.query(ask)).1.end - keys.start;
        (0..asks.len()).map(end).collect()
    }

    /// The probabilities of a block: `[asks, width]`, where the width is that of `keys`, rounded up to [`LANES`].
    fn probabilities(&self, asks: &Asks, keys: &Range<usize>, scores: &mut [f32]) {
        let head_dim = self.shape.head_dim;
        let width = scores.len() / asks.len();
        let key_row = self.sight.key_row(asks.row);
        let vectors: Vec<&[f32]> = asks
            .queries
            .clone()
            .flat_map(|query| asks.heads.clone().map(move |head| (query, head)))
            .map(|(query, head)| self.q.vector(asks.row, head, query, head_dim))
            .collect();
        let start = self.k.start(key_row, asks.kv_head, keys.start);
        vectorised(Scores {
            asks: &vectors,
            ends: &self.ends(asks, keys),
            keys: &self.k.values[start..],
            stride: self.k.strides[1],
            n_keys: keys.len(),
            out: scores,
            width,
        });
        for (ask, scores) in scores.chunks_mut(width).enumerate() {
            let seen = self.sight.place(asks.row, asks.query(ask)).1;
            let seen = seen.start - keys.start..seen.end - keys.start;
            if self.soft_cap > 0.0 {
                vectorised(SoftCap { cap: self.soft_cap, scores: &mut scores[seen.clone()] });
            }
            scores[..seen.start].fill(f32::NEG_INFINITY);
            scores[seen.end..].fill(f32::NEG_INFINITY);
            vectorised(Softmax { scores });
        }
    }

    /// Gradients of `[T, group, head_dim]` queries and `[S, head_dim]` keys and values.
    fn head_gradients(&self, row: usize, kv_head: usize, grad: Heads<'_>) -> [Vec<f32>; 3] {
        let Shape { n_queries, n_keys, head_dim, .. } = self.shape;
        let group = self.shape.group();
        let mut d_q = vec![0.0; n_queries * group * head_dim];
        let (mut d_k, mut d_v) = (vec![0.0; n_keys * head_dim], vec![0.0; n_keys * head_dim]);
        let room = n_queries.min(BLOCK) * n_keys.next_multiple_of(LANES);
        let (mut scores, mut d_scores) = (vec![0.0; room], vec![0.0; room]);
        for member in 0..group {
            let head = kv_head * group + member;
            for start in (0..n_queries).step_by(BLOCK) {
                let queries = start..(start + BLOCK).min(n_queries);
                let keys = self.sight.keys_of(row, queries.clone());
                let (n, s) = (queries.len(), keys.len());
                let width = s.next_multiple_of(LANES);
                let q = self.q.tokens(row, head, queries.clone(), head_dim);
                let k = self.k.tokens(row, kv_head, keys.clone(), head_dim);
                let v = self.v.tokens(row, kv_head, keys.clone(), head_dim);
                let d_out = grad.tokens(row, head, queries.clone(), head_dim);
                let block = &mut scores[..n * width];
                let asks = Asks { row, kv_head, heads: head..head + 1, queries };
                self.probabilities(&asks, &keys, block);
                let p = Matrix::new(block, n, s, width);
                add_product(&mut d_v[keys.start * head_dim..], head_dim, p.transposed(), d_out);
                let d_block = &mut d_scores[..n * width];
                product(d_block, width, d_out, v.transposed());
                for (d_scores, p) in d_block.chunks_mut(width).zip(block.chunks(width)) {
                    // What lies beyond the keys is not of this block.
                    d_scores[s..].fill(0.0);
                    vectorised(SoftmaxBackward { p, d_scores });
                }
                if self.soft_cap > 0.0 {
                    self.bend(q, k, d_block, width);
                }
                let d_block = Matrix::new(d_block, n, s, width);
                let place = &mut d_q[(start * group + member) * head_dim..];
                product(place, group * head_dim, d_block, k);
                add_product(&mut d_k[keys.start * head_dim..], head_dim, d_block.transposed(), q);
            }
        }
        [d_q, d_k, d_v]
    }

    /// Through the soft cap: times `1 − tanh²(score / cap)`.
    fn bend(&self, q: Matrix<'_>, k: Matrix<'_>, d_block: &mut [f32], width: usize) {
        let mut scores = vec![0.0; d_block.len()];
        product(&mut scores, width, q, k.transposed());
        vectorised(SoftCapBackward { cap: self.soft_cap, scores: &scores, d_scores: d_block });
    }
}
