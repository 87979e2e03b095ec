//! Keys and values of the tokens that a batch has seen.
//!
//! All rows write the same columns at the same time; a row that has nothing to write in a column leaves a hole there,
//! which the mask hides. So ragged prompts need neither scatter nor per-row offsets.

use burn::tensor::{Int, Tensor, TensorData};

use super::{LanguageModel, Positions, TokenBatch};
use crate::config::{Heads, KvSource};

/// Cache of a batch of sequences.
#[derive(Debug)]
pub struct KvCache {
    /// Of each layer; `None` where a layer reads an earlier one's.
    keys: Vec<Option<Tensor<4>>>,
    values: Vec<Option<Tensor<4>>>,
    /// Position of each used column of each row.
    positions: Positions,
    /// Real tokens of each row.
    lengths: Vec<usize>,
    n_used: usize,
    capacity: usize,
}

/// A batch with its place in the cache.
pub(super) struct Admitted {
    /// With positions that follow the tokens of each row.
    pub(super) batch: TokenBatch,
    /// Positions of all keys that the batch will see.
    pub(super) keys: Positions,
    /// First column that the batch writes.
    pub(super) start: usize,
}

/// One layer's tensors during a forward pass.
pub(super) struct LayerCacheMut<'a> {
    keys: &'a mut Option<Tensor<4>>,
    values: &'a mut Option<Tensor<4>>,
}

impl KvCache {
    /// Room for `n_rows` sequences of `capacity` columns; it grows if that is not enough.
    pub fn new(model: &LanguageModel, n_rows: usize, capacity: usize) -> Self {
        let config = model.config();
        let (device, dtype) = (model.device(), model.dtype());
        let room = |layer| {
            let Heads { n_kv_heads, head_dim } = config.heads(config.reach(layer));
            let shape = [n_rows, n_kv_heads, capacity, head_dim];
            let has_own = config.kv_source(layer) != KvSource::Earlier;
            has_own.then(|| Tensor::zeros(shape, (&device, dtype)))
        };
        let zeros = || (0..config.n_layers).map(room).collect();
        Self {
            keys: zeros(),
            values: zeros(),
            positions: Positions::per_row(Vec::new(), 1),
            lengths: vec![0; n_rows],
            n_used: 0,
            capacity,
        }
    }

    /// Number of sequences.
    pub fn n_rows(&self) -> usize {
        self.lengths.len()
    }

    /// Tokens held for each sequence.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Keeps only the given rows, in the given order.
    pub fn select_rows(&mut self, rows: &[usize]) {
        let index: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
        let positions = rows.iter().flat_map(|&row| self.positions.row(row)).copied().collect();
        self.positions = Positions::per_row(positions, self.n_used);
        self.lengths = rows.iter().map(|&row| self.lengths[row]).collect();
        for tensor in self.keys.iter_mut().chain(&mut self.values) {
            let Some(whole) = tensor.take() else { continue };
            let index = Tensor::<1, Int>::from_data(TensorData::from(index.as_slice()), &whole.device());
            *tensor = Some(whole.select(0, index));
        }
    }

    /// Makes room for `n_cols` columns in all, half as many again if it has to grow.
    fn reserve(&mut self, n_cols: usize) {
        if n_cols <= self.capacity {
            return;
        }
        self.capacity = n_cols + n_cols / 2;
        for tensor in self.keys.iter_mut().chain(&mut self.values) {
            let Some(whole) = tensor.take() else { continue };
            let [b, h, used, d] = whole.dims();
            let room = Tensor::zeros([b, h, self.capacity - used, d], (&whole.device(), whole.dtype()));
            *tensor = Some(Tensor::cat(vec![whole, room], 2));
        }
    }

    /// Reserves columns for a batch and places its tokens after those that each row holds.
    pub(super) fn admit(&mut self, batch: &TokenBatch) -> Admitted {
        let n_cols = batch.n_cols();
        assert!(batch.is_right_padded(), "cached tokens are padded on the right");
        assert_eq!(batch.n_rows(), self.n_rows(), "rows of the batch and of the cache");
        let start = self.n_used;
        self.reserve(start + n_cols);
        let mut all = Vec::with_capacity(self.n_rows() * (start + n_cols));
        let mut new = Vec::with_capacity(self.n_rows() * n_cols);
        for (row, length) in self.lengths.iter_mut().enumerate() {
            let added = batch.lengths()[row];
            let fresh =
                (0..n_cols).map(|col| if col < added { (*length + col) as i32 } else { Positions::PADDING });
            new.extend(fresh);
            if start > 0 {
                all.extend_from_slice(self.positions.row(row));
            }
            all.extend_from_slice(&new[row * n_cols..]);
            *length += added;
        }
        self.positions = Positions::per_row(all, start + n_cols);
        self.n_used = start + n_cols;
        // The first, right-padded tokens need no per-row mask: padding comes after everything that could see it.
        match start {
            0 => Admitted { batch: batch.clone(), keys: Positions::shared(n_cols), start },
            _ => Admitted {
                batch: batch.at(Positions::per_row(new, n_cols)),
                keys: self.positions.clone(),
                start,
            },
        }
    }

    pub(super) fn layer_mut(&mut self, layer: usize) -> LayerCacheMut<'_> {
        LayerCacheMut { keys: &mut self.keys[layer], values: &mut self.values[layer] }
    }
}

impl LayerCacheMut<'_> {
    /// Writes new columns and returns all that are used.
    ///
    /// # Shapes
    /// `[B, Hkv, T, head_dim]` each → `[B, Hkv, S, head_dim]` each
    pub(super) fn append(self, k: Tensor<4>, v: Tensor<4>, start: usize) -> (Tensor<4>, Tensor<4>) {
        (write(self.keys, k, start), write(self.values, v, start))
    }
}

/// The stored handle is given up while writing: only a tensor with one owner is changed in place.
fn write(store: &mut Option<Tensor<4>>, fresh: Tensor<4>, start: usize) -> Tensor<4> {
    let [b, h, t, d] = fresh.dims();
    let whole = store.take().expect("present between forward passes");
    let whole = whole.slice_assign([0..b, 0..h, start..start + t, 0..d], fresh);
    *store = Some(whole.clone());
    whole.narrow(2, 0, start + t)
}
