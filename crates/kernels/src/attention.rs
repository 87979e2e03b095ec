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

/// Which keys each query sees: a row of the keys, of that its columns from a first to before an end, and before them a
/// trunk that it may share with other queries.
pub(crate) struct Sight {
    /// `[B, T, 5]`: row, first, end, first and end of the trunk.
    places: Vec<i64>,
    n_queries: usize,
}

/// Columns that a query, or a block of queries, sees: a trunk, which may be empty, and what lies behind it.
#[derive(Clone, Debug)]
struct Seen {
    trunk: Range<usize>,
    own: Range<usize>,
}

impl Sight {
    /// # Panics
    /// If a query sees nothing, or beyond the keys.
    pub(crate) fn new(places: Vec<i64>, shape: &Shape) -> Self {
        let (n_key_rows, n_keys) = (shape.n_key_rows as i64, shape.n_keys as i64);
        for place in places.chunks(FIELDS) {
            let &[row, first, end, trunk, trunk_end] = place else { unreachable!("places have five fields") };
            let exists = (0..n_key_rows).contains(&row) && 0 <= first && first < end && end <= n_keys;
            assert!(exists, "columns {first}..{end} of row {row} among {n_key_rows} rows of {n_keys} keys");
            let is_before = 0 <= trunk && trunk <= trunk_end && (trunk == trunk_end || trunk_end <= first);
            assert!(is_before, "a trunk {trunk}..{trunk_end} before columns {first}..{end}");
        }
        Self { places, n_queries: shape.n_queries }
    }

    fn place(&self, row: usize, query: usize) -> (usize, Seen) {
        let at = FIELDS * (row * self.n_queries + query);
        let [key_row, first, end, trunk, trunk_end] =
            [0, 1, 2, 3, 4].map(|field| self.places[at + field] as usize);
        (key_row, Seen { trunk: trunk..trunk_end, own: first..end })
    }

    /// Keys seen, counted for each query.
    fn n_seen(&self) -> usize {
        self.places.chunks(FIELDS).map(|place| (place[2] - place[1] + place[4] - place[3]) as usize).sum()
    }

    /// The row of the keys that a row of queries looks at.
    fn key_row(&self, row: usize) -> usize {
        self.place(row, 0).0
    }

    /// Keys that some query of a block sees, in one stretch or two.
    fn keys_of(&self, row: usize, queries: Range<usize>) -> Stretches {
        let seen = queries.map(|query| self.place(row, query).1);
        let (trunks, owns): (Vec<_>, Vec<_>) = seen.map(|seen| (seen.trunk, seen.own)).unzip();
        Stretches::new(hull(trunks), hull(owns))
    }
}

/// Fields of a place.
const FIELDS: usize = 5;

/// One or two stretches of columns, side by side in a block of scores. Each begins with a group of [`LANES`] columns, so
/// that a key has the same place in a vector whatever the block.
struct Stretches {
    /// Where a stretch begins in the block, and its columns.
    parts: Vec<(usize, Range<usize>)>,
    width: usize,
}

impl Stretches {
    fn new(trunk: Range<usize>, own: Range<usize>) -> Self {
        let aligned = |columns: Range<usize>| columns.start - columns.start % LANES..columns.end;
        let own = aligned(own);
        let columns = if trunk.is_empty() {
            vec![own]
        } else if trunk.end > own.start {
            vec![aligned(trunk.start.min(own.start)..own.end)]
        } else {
            vec![aligned(trunk), own]
        };
        let (mut parts, mut width) = (Vec::with_capacity(columns.len()), 0);
        for columns in columns {
            let n = columns.len().next_multiple_of(LANES);
            parts.push((width, columns));
            width += n;
        }
        Self { parts, width }
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
        let mut p = vec![0.0; asks.len() * keys.width];
        self.probabilities(asks, &keys, &mut p);
        let key_row = self.sight.key_row(asks.row);
        let mut parts = keys.parts.iter().map(|(at, columns)| {
            let mut out = vec![0.0; asks.len() * head_dim];
            let start = self.v.start(key_row, asks.kv_head, columns.start);
            vectorised(Mix {
                p: &p[*at..],
                width: keys.width,
                values: &self.v.values[start..],
                stride: self.v.strides[1],
                ends: &self.ends(asks, columns),
                out: &mut out,
                head_dim,
            });
            out
        });
        let mut out = parts.next().expect("a query sees something");
        for part in parts {
            out.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        }
        out
    }

    /// For each ask the first of `columns` that neither it nor, as a rule, its tile needs: behind all that it sees.
    fn ends(&self, asks: &Asks, columns: &Range<usize>) -> Vec<usize> {
        let end = |ask| {
            let Seen { trunk, own } = self.sight.place(asks.row, asks.query(ask)).1;
            let parts = [trunk, own].into_iter().map(|part| within(&part, columns));
            parts.filter(|part| !part.is_empty()).map(|part| part.end - columns.start).max().unwrap_or(0)
        };
        (0..asks.len()).map(end).collect()
    }

    /// The probabilities of a block: `[asks, width]`, the width being that of `keys`.
    fn probabilities(&self, asks: &Asks, keys: &Stretches, scores: &mut [f32]) {
        let head_dim = self.shape.head_dim;
        let width = keys.width;
        let key_row = self.sight.key_row(asks.row);
        let vectors: Vec<&[f32]> = asks
            .queries
            .clone()
            .flat_map(|query| asks.heads.clone().map(move |head| (query, head)))
            .map(|(query, head)| self.q.vector(asks.row, head, query, head_dim))
            .collect();
        for (at, columns) in &keys.parts {
            let start = self.k.start(key_row, asks.kv_head, columns.start);
            vectorised(Scores {
                asks: &vectors,
                ends: &self.ends(asks, columns),
                keys: &self.k.values[start..],
                stride: self.k.strides[1],
                n_keys: columns.len(),
                out: &mut scores[*at..],
                width,
            });
        }
        for (ask, scores) in scores.chunks_mut(width).enumerate() {
            let Seen { trunk, own } = self.sight.place(asks.row, asks.query(ask)).1;
            let mut hidden = 0;
            for (at, columns) in &keys.parts {
                for seen in [&trunk, &own].map(|part| within(part, columns)) {
                    if seen.is_empty() {
                        continue;
                    }
                    let seen = at + seen.start - columns.start..at + seen.end - columns.start;
                    if self.soft_cap > 0.0 {
                        vectorised(SoftCap { cap: self.soft_cap, scores: &mut scores[seen.clone()] });
                    }
                    scores[hidden..seen.start].fill(f32::NEG_INFINITY);
                    hidden = seen.end;
                }
            }
            scores[hidden..].fill(f32::NEG_INFINITY);
            vectorised(Softmax { scores });
        }
    }

    /// Gradients of `[T, group, head_dim]` queries and `[S, head_dim]` keys and values.
    fn head_gradients(&self, row: usize, kv_head: usize, grad: Heads<'_>) -> [Vec<f32>; 3] {
        let Shape { n_queries, n_keys, head_dim, .. } = self.shape;
        let group = self.shape.group();
        let mut d_q = vec![0.0; n_queries * group * head_dim];
        let (mut d_k, mut d_v) = (vec![0.0; n_keys * head_dim], vec![0.0; n_keys * head_dim]);
        // Each of two stretches may begin and end within a group.
        let room = n_queries.min(BLOCK) * (n_keys + 4 * LANES);
        let (mut scores, mut d_scores) = (vec![0.0; room], vec![0.0; room]);
        for member in 0..group {
            let head = kv_head * group + member;
            for start in (0..n_queries).step_by(BLOCK) {
                let queries = start..(start + BLOCK).min(n_queries);
                let keys = self.sight.keys_of(row, queries.clone());
                let (n, width) = (queries.len(), keys.width);
                let q = self.q.tokens(row, head, queries.clone(), head_dim);
                let d_out = grad.tokens(row, head, queries.clone(), head_dim);
                let (block, d_block) = (&mut scores[..n * width], &mut d_scores[..n * width]);
                let asks = Asks { row, kv_head, heads: head..head + 1, queries };
                self.probabilities(&asks, &keys, block);
                // What lies beyond the keys is not of this block.
                d_block.fill(0.0);
                for (at, columns) in &keys.parts {
                    let v = self.v.tokens(row, kv_head, columns.clone(), head_dim);
                    let p = Matrix::new(&block[*at..], n, columns.len(), width);
                    add_product(&mut d_v[columns.start * head_dim..], head_dim, p.transposed(), d_out);
                    product(&mut d_block[*at..], width, d_out, v.transposed());
                }
                for (d_scores, p) in d_block.chunks_mut(width).zip(block.chunks(width)) {
                    vectorised(SoftmaxBackward { p, d_scores });
                }
                for (part, (at, columns)) in keys.parts.iter().enumerate() {
                    let k = self.k.tokens(row, kv_head, columns.clone(), head_dim);
                    if self.soft_cap > 0.0 {
                        self.bend(q, k, &mut d_block[*at..], (columns.len(), width));
                    }
                    let d_part = Matrix::new(&d_block[*at..], n, columns.len(), width);
                    let place = &mut d_q[(start * group + member) * head_dim..];
                    match part {
                        0 => product(place, group * head_dim, d_part, k),
                        _ => add_product(place, group * head_dim, d_part, k),
                    }
                    add_product(&mut d_k[columns.start * head_dim..], head_dim, d_part.transposed(), q);
                }
            }
        }
        [d_q, d_k, d_v]
    }

    /// Through the soft cap: times `1 − tanh²(score / cap)`, in the first `n` of `width` columns.
    fn bend(&self, q: Matrix<'_>, k: Matrix<'_>, d_block: &mut [f32], (n, width): (usize, usize)) {
        let mut scores = vec![0.0; d_block.len()];
        product(&mut scores, width, q, k.transposed());
        for (d_scores, scores) in d_block.chunks_mut(width).zip(scores.chunks(width)) {
            vectorised(SoftCapBackward {
                cap: self.soft_cap,
                scores: &scores[..n],
                d_scores: &mut d_scores[..n],
            });
        }
    }
}

/// The smallest range that holds all that are not empty.
fn hull(ranges: Vec<Range<usize>>) -> Range<usize> {
    let ranges = ranges.into_iter().filter(|range| !range.is_empty());
    ranges.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0)
}

/// What two ranges have in common; empty if nothing.
fn within(part: &Range<usize>, columns: &Range<usize>) -> Range<usize> {
    part.start.max(columns.start)..part.end.min(columns.end)
}
