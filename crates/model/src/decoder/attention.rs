//! Grouped-query attention over a batch that may be ragged and may continue a cache.

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, activation};

use super::cache::LayerCacheMut;
use super::mask::attention_mask;
use super::rope::RopeTables;
use super::{Linear, Positions, RmsNorm, TokenBatch};
use crate::config::DecoderConfig;

#[derive(Module, Debug)]
pub(crate) struct Attention {
    pub(crate) q_proj: Linear,
    pub(crate) k_proj: Linear,
    pub(crate) v_proj: Linear,
    pub(crate) o_proj: Linear,
    pub(crate) q_norm: Option<RmsNorm>,
    pub(crate) k_norm: Option<RmsNorm>,
}

/// What all layers of one forward pass share.
pub(crate) struct Frame {
    n_rows: usize,
    /// Slots per row that ask.
    n_queries: usize,
    /// Slots per row that are asked, without those in the cache.
    n_keys: usize,
    n_kv_heads: usize,
    group: usize,
    head_dim: usize,
    /// Holds the softmax scale too, which saves a pass over the scores.
    q_rope: RopeTables,
    k_rope: RopeTables,
    /// Without a window.
    full_mask: Option<Tensor<5>>,
    /// With the model's window, where a layer has one and it hides something.
    window_mask: Option<Tensor<5>>,
    /// First column of the cache that this pass writes.
    start: usize,
}

impl Frame {
    /// Every token of the batch looks at the batch.
    pub(super) fn of_batch(batch: &TokenBatch, config: &DecoderConfig, place: (&Device, DType)) -> Self {
        Self::new((batch, batch.positions()), batch.positions(), 0, config, place)
    }

    /// The last token of each row looks at the batch.
    pub(super) fn of_last_tokens(
        batch: &TokenBatch,
        config: &DecoderConfig,
        place: (&Device, DType),
    ) -> Self {
        Self::new((batch, &batch.last_positions()), batch.positions(), 0, config, place)
    }

    /// Every token of the batch looks at all `keys`; its own are written to the cache from column `start`.
    pub(super) fn with_cache(
        batch: &TokenBatch,
        keys: &Positions,
        start: usize,
        config: &DecoderConfig,
        place: (&Device, DType),
    ) -> Self {
        Self::new((batch, batch.positions()), keys, start, config, place)
    }

    fn new(
        (batch, queries): (&TokenBatch, &Positions),
        keys: &Positions,
        start: usize,
        config: &DecoderConfig,
        place: (&Device, DType),
    ) -> Self {
        let scale = 1.0 / (config.head_dim as f32).sqrt();
        let mask = |window| attention_mask(queries, keys, window, place);
        let reach = keys.values().iter().copied().max().unwrap_or(0) as usize + 1;
        // A window that reaches back to the first token hides nothing.
        let window = config.windows.iter().copied().flatten().next().filter(|&window| window < reach);
        let full_mask = if window.is_none() || config.windows.contains(&None) { mask(None) } else { None };
        let window_mask = if window.is_some() { mask(window) } else { full_mask.clone() };
        Self {
            n_rows: batch.n_rows(),
            n_queries: queries.n_cols(),
            n_keys: batch.n_cols(),
            n_kv_heads: config.n_kv_heads,
            group: config.group(),
            head_dim: config.head_dim,
            q_rope: RopeTables::new(&config.rope, config.head_dim, queries, scale, place),
            k_rope: RopeTables::new(&config.rope, config.head_dim, batch.positions(), 1.0, place),
            full_mask,
            window_mask,
            start,
        }
    }
}

impl Attention {
    /// What `asking` reads from `asked`: the same slots, or some of them.
    ///
    /// # Shapes
    /// `[B·T, D]` and `[B·S, D]` → `[B·T, D]`
    pub(super) fn forward(
        &self,
        (asking, asked): (Tensor<2>, Tensor<2>),
        frame: &Frame,
        window: Option<usize>,
        cache: Option<LayerCacheMut<'_>>,
    ) -> Tensor<2> {
        let Frame { n_rows, n_queries, n_keys, n_kv_heads, group, head_dim, .. } = *frame;
        let n_heads = n_kv_heads * group;
        let heads = |y: Tensor<2>, n_cols: usize, n: usize| y.reshape([n_rows, n_cols, n, head_dim]);
        let q = normed(&self.q_norm, heads(self.q_proj.forward(asking), n_queries, n_heads));
        let k = normed(&self.k_norm, heads(self.k_proj.forward(asked.clone()), n_keys, n_kv_heads));
        let v = heads(self.v_proj.forward(asked), n_keys, n_kv_heads).swap_dims(1, 2);
        let q = frame.q_rope.rotate(q).swap_dims(1, 2);
        let k = frame.k_rope.rotate(k).swap_dims(1, 2);
        let (k, v) = match cache {
            Some(cache) => cache.append(k, v, frame.start),
            None => (k, v),
        };
        // The heads of a group share their keys: they are stacked along the queries instead of copying the keys.
        let q = q.reshape([n_rows, n_kv_heads, group * n_queries, head_dim]);
        let mask = if window.is_some() { &frame.window_mask } else { &frame.full_mask };
        let scores = hide(q.matmul(k.swap_dims(2, 3)), mask.as_ref(), group);
        let mixed = activation::softmax(scores, 3).matmul(v);
        let mixed = mixed.reshape([n_rows, n_heads, n_queries, head_dim]).swap_dims(1, 2);
        self.o_proj.forward(mixed.reshape([n_rows * n_queries, n_heads * head_dim]))
    }
}

fn normed(norm: &Option<RmsNorm>, x: Tensor<4>) -> Tensor<4> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

/// # Shapes
/// `[B, Hkv, G·T, S]` and `[1 or B, 1, 1, T, S]` → `[B, Hkv, G·T, S]`
fn hide(scores: Tensor<4>, mask: Option<&Tensor<5>>, group: usize) -> Tensor<4> {
    let Some(mask) = mask else { return scores };
    let [b, h, gt, s] = scores.dims();
    let scores = scores.reshape([b, h, group, gt / group, s]) + mask.clone();
    scores.reshape([b, h, gt, s])
}
