//! The short gated convolution that some layers of lfm2 have instead of attention.
//!
//! What a token's output needs of the tokens before it is kept in the cache for every token, as keys are: a slot can be
//! shortened, copied and continued like any other.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::cache::{LayerCache, Places};
use super::{Linear, Positions, TokenBatch};

/// `out(c · conv(b · x))` with `b, c, x = in(x)`: each channel is convolved on its own, over the last tokens.
#[derive(Module, Debug)]
pub(crate) struct ShortConv {
    pub(crate) in_proj: Linear,
    pub(crate) conv: Taps,
    pub(crate) out_proj: Linear,
}

/// Weights of the convolution.
#[derive(Module, Debug)]
pub(crate) struct Taps {
    /// `[D, 1, K]`, oldest token first.
    pub(crate) weight: Param<Tensor<3>>,
    /// `[D]`
    pub(crate) bias: Option<Param<Tensor<1>>>,
}

/// Where the tokens before each slot of a batch are, by how far they lie back: from 1 to K − 1.
pub(super) struct Past(Vec<Step>);

struct Step {
    /// Row among all inputs, `[B·T]`.
    rows: Tensor<1, Int>,
    /// 0 where there is no such token, `[B·T, 1]`.
    exists: Tensor<2>,
}

impl Past {
    /// Within the batch itself.
    pub(super) fn of_batch(batch: &TokenBatch, reach: usize, device: &Device) -> Self {
        Self::new(batch.positions(), batch.n_rows(), reach, device, |row, col, _, back| {
            batch.slot_before(row, col, back)
        })
    }

    /// Within slots of a cache, in which a token's column is its position.
    pub(super) fn of_cache(
        positions: &Positions,
        slots: &[usize],
        capacity: usize,
        reach: usize,
        device: &Device,
    ) -> Self {
        Self::new(positions, slots.len(), reach, device, |row, _, position, back| {
            slots[row] * capacity + position - back
        })
    }

    fn new(
        positions: &Positions,
        n_rows: usize,
        reach: usize,
        device: &Device,
        place: impl Fn(usize, usize, usize, usize) -> usize,
    ) -> Self {
        let n = n_rows * positions.n_cols();
        let step = |back: usize| {
            let (mut rows, mut exists) = (Vec::with_capacity(n), Vec::with_capacity(n));
            for row in 0..n_rows {
                for (col, &position) in positions.row(row).iter().enumerate() {
                    let is_there = position >= back as i32;
                    rows.push(if is_there { place(row, col, position as usize, back) as i32 } else { 0 });
                    exists.push(f32::from(u8::from(is_there)));
                }
            }
            Step {
                rows: Tensor::from_data(TensorData::new(rows, [n]), device),
                exists: Tensor::from_data(TensorData::new(exists, [n, 1]), device),
            }
        };
        Self((1..=reach).map(step).collect())
    }
}

impl ShortConv {
    /// # Shapes
    /// `[B·T, D]` → `[B·T, D]`
    pub(super) fn forward(
        &self,
        x: Tensor<2>,
        [n_rows, n_cols]: [usize; 2],
        past: &Past,
        cache: Option<(&mut LayerCache, &Places)>,
    ) -> Tensor<2> {
        let all = self.in_proj.forward(x);
        let d = all.dims()[1] / 3;
        let part = |idx: usize| all.clone().narrow(1, idx * d, d);
        let gated = part(0) * part(2);
        let inputs = match cache {
            None => gated.clone(),
            Some((cache, places)) => {
                let whole = cache.append_keys(gated.clone().reshape([n_rows, n_cols, 1, d]), places);
                let [slots, capacity, ..] = whole.dims();
                whole.reshape([slots * capacity, d])
            }
        };
        let weight = self.conv.weight.val();
        let last = weight.dims()[2] - 1;
        let tap = |back: usize| weight.clone().narrow(2, last - back, 1).reshape([1, d]);
        let mut y = gated * tap(0);
        for (step, back) in past.0.iter().zip(1..) {
            y = y + inputs.clone().select(0, step.rows.clone())
                * step.exists.clone().cast(inputs.dtype())
                * tap(back);
        }
        if let Some(bias) = &self.conv.bias {
            y = y + bias.val().unsqueeze();
        }
        self.out_proj.forward(part(1) * y)
    }
}
