//! Which keys a query may see: a row of keys, a span of its columns and one before it, as [`kernels::attention`] takes it.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{Positions, TokenBatch};

/// What the slots of a batch see of the batch, `[B, T, 5]`.
///
/// A token at position p sees those at positions p−w+1 … p of its own sequence, w being the window. Padding sees itself.
pub(super) fn sight_of_batch(batch: &TokenBatch, window: Option<usize>, device: &Device) -> Tensor<3, Int> {
    let n_cols = batch.n_cols();
    sight(batch.n_rows(), n_cols, device, |row, col| {
        let position = batch.positions().row(row)[col].max(0) as usize;
        (row, own_columns(position, col, batch.trunk(row, col), window))
    })
}

/// [`sight_of_batch`] of the last token of each row alone, `[B, 1, 5]`.
pub(super) fn sight_of_last(batch: &TokenBatch, window: Option<usize>, device: &Device) -> Tensor<3, Int> {
    let slots = batch.last_slots();
    sight(batch.n_rows(), 1, device, |row, _| {
        let col = slots[row] % batch.n_cols();
        let position = batch.positions().row(row)[col].max(0) as usize;
        (row, own_columns(position, col, 0..0, window))
    })
}

/// What the slots of a batch see of a cache, in which a token's column is its position, `[B, T, 5]`.
pub(super) fn sight_of_cache(
    positions: &Positions,
    slots: &[usize],
    window: Option<usize>,
    device: &Device,
) -> Tensor<3, Int> {
    sight(slots.len(), positions.n_cols(), device, |row, col| {
        let position = positions.row(row)[col].max(0) as usize;
        (slots[row], own_columns(position, position, 0..0, window))
    })
}

/// The columns that a token sees of its branch, and of the trunk that the branch continues.
fn own_columns(
    position: usize,
    col: usize,
    trunk: Range<usize>,
    window: Option<usize>,
) -> [Range<usize>; 2] {
    let reach = window.map_or(position, |window| position.min(window - 1));
    // Tokens of its own branch that stand before it.
    let before = position - trunk.len();
    let beyond = reach.saturating_sub(before);
    [col - reach.min(before)..col + 1, trunk.end - beyond..trunk.end]
}

fn sight(
    n_rows: usize,
    n_cols: usize,
    device: &Device,
    place: impl Fn(usize, usize) -> (usize, [Range<usize>; 2]),
) -> Tensor<3, Int> {
    let mut places = Vec::with_capacity(5 * n_rows * n_cols);
    for row in 0..n_rows {
        for col in 0..n_cols {
            let (key_row, [own, trunk]) = place(row, col);
            places.extend([key_row, own.start, own.end, trunk.start, trunk.end].map(|field| field as i32));
        }
    }
    Tensor::from_data(TensorData::new(places, [n_rows, n_cols, 5]), device)
}
