//! Grouped-query attention over a batch that may be ragged and may continue a cache.

use burn::module::Module;
use burn::tensor::{DType, Device, Int, Tensor};
use kernels::attention;

use super::cache::{Admitted, LayerCache, Places};
use super::conv::{Past, ShortConv};
use super::norm::over_root_mean_square;
use super::rope::{RopeTables, Side};
use super::sight::{sight_of_batch, sight_of_cache, sight_of_last};
use super::{Linear, Norm, Positions, TokenBatch, select_slots};
use crate::config::{DecoderConfig, Heads, QkvLayout, Reach};

#[derive(Module, Debug)]
pub(crate) struct Attention {
    pub(crate) q_proj: Option<Linear>,
    pub(crate) k_proj: Option<Linear>,
    pub(crate) v_proj: Option<Linear>,
    /// Instead of the three, where a family has them in one.
    pub(crate) qkv_proj: Option<Linear>,
    #[module(skip)]
    pub(crate) layout: QkvLayout,
    pub(crate) o_proj: Linear,
    pub(crate) q_norm: Option<Norm>,
    pub(crate) k_norm: Option<Norm>,
    /// Of the mean square of each value head, where those are normed.
    #[module(skip)]
    pub(crate) value_norm_eps: Option<f64>,
}

/// What all layers of one forward pass share.
pub(crate) struct Frame {
    n_rows: usize,
    /// Slots per row that ask.
    n_queries: usize,
    /// Slots per row that are asked, without those in the cache.
    n_keys: usize,
    n_heads: usize,
    soft_cap: Option<f64>,
    full: View,
    /// With the model's window, where a layer has one.
    windowed: View,
    /// Where the cache takes the batch's keys and values.
    places: Option<Places>,
    /// Later layers may ask for the keys and values of earlier ones.
    keeps_kv: bool,
    /// Where convolutions find the tokens before each.
    past: Option<Past>,
}

/// What a layer sees, and where it believes it is.
#[derive(Clone)]
struct View {
    q_rope: RopeTables,
    k_rope: RopeTables,
    sight: Tensor<3, Int>,
    heads: Heads,
    /// Keys and values of the last layer that had its own.
    kept: Option<(Tensor<4>, Tensor<4>)>,
}

impl Frame {
    /// Every token of the batch looks at the batch.
    pub(super) fn of_batch(batch: &TokenBatch, config: &DecoderConfig, place: (&Device, DType)) -> Self {
        let sight = |window| sight_of_batch(batch, window, place.0);
        let past = config.conv_reach().map(|reach| Past::of_batch(batch, reach, place.0));
        Self { past, ..Self::new((batch, batch.positions()), sight, None, config, place) }
    }

    /// The last token of each row looks at the batch.
    pub(super) fn of_last_tokens(
        batch: &TokenBatch,
        config: &DecoderConfig,
        place: (&Device, DType),
    ) -> Self {
        let sight = |window| sight_of_last(batch, window, place.0);
        let past = config.conv_reach().map(|reach| Past::of_batch(batch, reach, place.0));
        Self { past, ..Self::new((batch, &batch.last_positions()), sight, None, config, place) }
    }

    /// Every token of the batch looks at what its slot of the cache holds, itself included.
    pub(super) fn with_cache(
        admitted: Admitted,
        slots: &[usize],
        config: &DecoderConfig,
        place: (&Device, DType),
    ) -> Self {
        let Admitted { batch, places, capacity } = admitted;
        let positions = batch.positions();
        let sight = |window| sight_of_cache(positions, slots, window, place.0);
        let past = config.conv_reach();
        let past = past.map(|reach| Past::of_cache(positions, slots, capacity, reach, place.0));
        Self { past, ..Self::new((&batch, positions), sight, Some(places), config, place) }
    }

    fn new(
        (batch, queries): (&TokenBatch, &Positions),
        sight: impl Fn(Option<usize>) -> Tensor<3, Int>,
        places: Option<Places>,
        config: &DecoderConfig,
        place: (&Device, DType),
    ) -> Self {
        let view = |reach, sight| {
            let own = config.rope_of(reach).depends_on_length().then(|| batch.own_positions());
            let own_queries = own.as_ref().filter(|own| own.n_cols() == queries.n_cols());
            let tables = |positions, side| RopeTables::new(config, reach, positions, side, place);
            View {
                q_rope: tables(own_queries.unwrap_or(queries), Side::Queries),
                k_rope: tables(own.as_ref().unwrap_or(batch.positions()), Side::Keys),
                sight,
                heads: config.heads(reach),
                kept: None,
            }
        };
        let window = config.windows.iter().copied().flatten().next();
        let reach = queries.values().iter().copied().max().unwrap_or(0) as usize + 1;
        // A window that reaches back to the first token hides nothing.
        let hides = window.is_some_and(|window| window < reach);
        let full = view(Reach::Full, sight(None));
        let windowed = match window {
            Some(_) if hides || config.window_rope != config.rope => view(Reach::Window, sight(window)),
            _ => full.clone(),
        };
        Self {
            n_rows: batch.n_rows(),
            n_queries: queries.n_cols(),
            n_keys: batch.n_cols(),
            n_heads: config.n_heads,
            soft_cap: config.soft_caps.attention,
            full,
            windowed,
            places,
            keeps_kv: config.variants.n_shared_kv > 0,
            past: None,
        }
    }

    /// What a convolution makes of all slots.
    pub(super) fn convolved(
        &self,
        conv: &ShortConv,
        x: Tensor<2>,
        cache: Option<&mut LayerCache>,
    ) -> Tensor<2> {
        let past = self.past.as_ref().expect("made for every model with convolutions");
        conv.forward(x, [self.n_rows, self.n_keys], past, cache.zip(self.places.as_ref()))
    }

    /// With the keys and values that the layers of an earlier frame have left.
    pub(super) fn after(mut self, earlier: Self) -> Self {
        (self.full.kept, self.windowed.kept) = (earlier.full.kept, earlier.windowed.kept);
        self
    }
}

impl Attention {
    /// What all slots, or some of them, read from all slots.
    ///
    /// # Shapes
    /// `[B·S, D]` → `[B·T, D]`
    pub(super) fn forward(
        &self,
        x: Tensor<2>,
        slots: Option<&[usize]>,
        frame: &mut Frame,
        window: Option<usize>,
        cache: Option<&mut LayerCache>,
    ) -> Tensor<2> {
        let Frame { n_rows, n_queries, n_keys, n_heads, keeps_kv, .. } = *frame;
        let view = if window.is_some() { &mut frame.windowed } else { &mut frame.full };
        let Heads { n_kv_heads, head_dim } = view.heads;
        let heads = |y: Tensor<2>, n_cols: usize, n: usize| y.reshape([n_rows, n_cols, n, head_dim]);
        let (q, kv) = self.project(x, slots, n_heads, view.heads);
        let q = normed(self.q_norm.as_ref(), q, |q| heads(q, n_queries, n_heads));
        let q = view.q_rope.rotate(q);
        let kv = kv.map(|(k, v)| {
            let k = normed(self.k_norm.as_ref(), k, |k| heads(k, n_keys, n_kv_heads));
            let v = heads(v, n_keys, n_kv_heads);
            let v = match self.value_norm_eps {
                Some(eps) => over_root_mean_square(v, eps),
                None => v,
            };
            let k = view.k_rope.rotate(k);
            match (cache, &frame.places) {
                (Some(cache), Some(places)) => cache.append(k, v, places),
                _ => (k, v),
            }
        });
        if kv.is_some() && keeps_kv {
            view.kept.clone_from(&kv);
        }
        let (k, v) = kv.or_else(|| view.kept.clone()).expect("an earlier layer has keys of its own");
        let mixed = attention(q, k, v, view.sight.clone(), frame.soft_cap);
        self.o_proj.forward(mixed.reshape([n_rows * n_queries, n_heads * head_dim]))
    }

    /// Queries of the chosen slots; keys and values of all, where the layer has its own.
    fn project(
        &self,
        x: Tensor<2>,
        slots: Option<&[usize]>,
        n_heads: usize,
        Heads { n_kv_heads, head_dim }: Heads,
    ) -> (Tensor<2>, Option<(Tensor<2>, Tensor<2>)>) {
        let chosen = |x: Tensor<2>| match slots {
            Some(slots) => select_slots(x, slots),
            None => x,
        };
        match (&self.qkv_proj, &self.q_proj, &self.k_proj, &self.v_proj) {
            (Some(qkv), ..) => {
                let all = qkv.forward(x);
                let (n, q_width, kv_width) = (all.dims()[0], n_heads * head_dim, n_kv_heads * head_dim);
                let block = |from, width| all.clone().narrow(1, from, width);
                let of_heads = |part: usize| {
                    let heads = all.clone().reshape([n, n_heads, 3 * head_dim]);
                    heads.narrow(2, part * head_dim, head_dim).reshape([n, q_width])
                };
                let (q, k, v) = match self.layout {
                    QkvLayout::PerHead => (of_heads(0), of_heads(1), of_heads(2)),
                    _ => (block(0, q_width), block(q_width, kv_width), block(q_width + kv_width, kv_width)),
                };
                (chosen(q), Some((k, v)))
            }
            (None, Some(q), k, v) => {
                let queries = q.forward(chosen(x.clone()));
                let kv = k.as_ref().map(|k| {
                    let keys = k.forward(x.clone());
                    let values = v.as_ref().map_or_else(|| keys.clone(), |v| v.forward(x));
                    (keys, values)
                });
                (queries, kv)
            }
            _ => unreachable!("a model is built with one map or with one for each"),
        }
    }
}

/// Splits into heads, and norms where there is a norm: over a head or over all of them, as its width says.
fn normed(norm: Option<&Norm>, x: Tensor<2>, to_heads: impl Fn(Tensor<2>) -> Tensor<4>) -> Tensor<4> {
    match norm {
        None => to_heads(x),
        Some(norm) if norm.weight.val().dims()[0] == x.dims()[1] => to_heads(norm.forward(x)),
        Some(norm) => norm.forward(to_heads(x)),
    }
}
