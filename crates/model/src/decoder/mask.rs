//! Which keys a query may see, as a tensor to add to the scores.

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::Positions;

/// Added to the score of a hidden key. Finite, so that a row of padding, which sees nothing, stays finite; within the
/// range of bf16.
const HIDDEN: f32 = -1e30;

/// The additive mask `[1 or B, T, S]`.
///
/// A query at position p sees the keys at positions p−w+1 … p, w being the window.
pub(super) fn attention_mask(
    queries: &Positions,
    keys: &Positions,
    window: Option<usize>,
    (device, dtype): (&Device, DType),
) -> Tensor<3> {
    let n_rows = queries.n_rows().max(keys.n_rows());
    let (n_queries, n_keys) = (queries.n_cols(), keys.n_cols());
    let mut mask = Vec::with_capacity(n_rows * n_queries * n_keys);
    for row in 0..n_rows {
        for &query in queries.row(row) {
            let oldest = window.map_or(0, |window| (query + 1 - window as i32).max(0));
            let visible = |key: i32| key != Positions::PADDING && oldest <= key && key <= query;
            mask.extend(keys.row(row).iter().map(|&key| if visible(key) { 0.0 } else { HIDDEN }));
        }
    }
    Tensor::from_data(TensorData::new(mask, [n_rows, n_queries, n_keys]), (device, dtype))
}
