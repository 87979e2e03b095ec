//! Which keys a query may see: a row of keys and a span of its columns, as [`kernels::attention`] takes it.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{Positions, TokenBatch};

/// What the slots of a batch see of the batch, `[B, T, 3]`.
///
/// A token at position p sees those at positions p−w+1 … p of its own sequence, w being the window. Padding sees itself.
pub(super) fn sight_of_batch(batch: &TokenBatch, window: Option<usize>, device: &Device) -> Tensor<3, Int> {
    let n_cols = batch.n_cols();
    sight(batch.n_rows(), n_cols, device, |row, col| {
        (row, own_span(batch.positions().row(row)[col], col, window))
    })
}

/// [`sight_of_batch`] of the last token of each row alone, `[B, 1, 3]`.
pub(super) fn sight_of_last(batch: &TokenBatch, window: Option<usize>, device: &Device) -> Tensor<3, Int> {
    let slots = batch.last_slots();
    sight(batch.n_rows(), 1, device, |row, _| {
        let col = slots[row] % batch.n_cols();
        (row, own_span(batch.positions().row(row)[col], col, window))
    })
}

/// What the slots of a batch see of a cache, in which a token's column is its position, `[B, T, 3]`.
pub(super) fn sight_of_cache(
    positions: &Positions,
    slots: &[usize],
    window: Option<usize>,
    device: &Device,
) -> Tensor<3, Int> {
    sight(slots.len(), positions.n_cols(), device, |row, col| {
        let position = positions.row(row)[col].max(0);
        (slots[row], own_span(position, position as usize, window))
    })
}

/// First column, and the one behind the last, that a token in a column sees if its sequence lies together.
fn own_span(position: i32, col: usize, window: Option<usize>) -> [usize; 2] {
    let reach = position.max(0) as usize;
    let reach = window.map_or(reach, |window| reach.min(window - 1));
    [col - reach, col + 1]
}

fn sight(
    n_rows: usize,
    n_cols: usize,
    device: &Device,
    place: impl Fn(usize, usize) -> (usize, [usize; 2]),
) -> Tensor<3, Int> {
    let mut places = Vec::with_capacity(3 * n_rows * n_cols);
    for row in 0..n_rows {
        for col in 0..n_cols {
            let (key_row, [first, end]) = place(row, col);
            places.extend([key_row as i32, first as i32, end as i32]);
        }
    }
    Tensor::from_data(TensorData::new(places, [n_rows, n_cols, 3]), device)
}
