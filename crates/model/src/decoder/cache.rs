//! Keys and values of the tokens that sequences have had: a slab with a slot for each sequence, in which a token's column
//! is its position.
//!
//! A slot is given to another sequence by [`KvCache::clear`]; nothing is moved. What a row of a batch reads depends on
//! its own slot alone.

use burn::tensor::{Int, Tensor, TensorData};
use kernels::store;

use super::{LanguageModel, Positions, TokenBatch};
use crate::config::{DecoderConfig, Heads, KvSource};

/// Cache of `n_slots` sequences.
#[derive(Debug)]
pub struct KvCache {
    layers: Vec<LayerCache>,
    /// Tokens held for each sequence.
    lengths: Vec<usize>,
    capacity: usize,
}

/// Keys and values of one layer, `[slots, capacity, Hkv, head_dim]`; absent while one is written, and in a layer that
/// reads an earlier one's.
#[derive(Debug)]
pub(super) struct LayerCache {
    keys: Option<Tensor<4>>,
    values: Option<Tensor<4>>,
}

/// A batch with its place in the cache.
pub(super) struct Admitted {
    /// With positions that follow the tokens of each slot.
    pub(super) batch: TokenBatch,
    pub(super) places: Places,
    /// Columns of a slot.
    pub(super) capacity: usize,
}

/// Where a batch's keys and values go.
pub(super) struct Places {
    /// Real tokens among the batch's slots, if not all.
    real: Option<Tensor<1, Int>>,
    /// Slot and column of each real token, `[N, 2]`.
    at: Tensor<2, Int>,
}

impl KvCache {
    /// Room for `n_slots` sequences of `capacity` tokens; it grows if that is not enough.
    pub fn new(model: &LanguageModel, n_slots: usize, capacity: usize) -> Self {
        let config = model.config();
        let (device, dtype) = (model.device(), model.dtype());
        let layers = (0..config.n_layers).map(|layer| {
            let zeros = || {
                let Heads { n_kv_heads, head_dim } = own_heads(config, layer)?;
                Some(Tensor::zeros([n_slots, capacity, n_kv_heads, head_dim], (&device, dtype)))
            };
            let values = if config.is_conv(layer) { None } else { zeros() };
            LayerCache { keys: zeros(), values }
        });
        Self { layers: layers.collect(), lengths: vec![0; n_slots], capacity }
    }

    /// Bytes of one token in all layers.
    pub fn bytes_per_token(model: &LanguageModel) -> usize {
        let config = model.config();
        let width = |layer| {
            let heads = own_heads(config, layer)?;
            let n_tensors = if config.is_conv(layer) { 1 } else { 2 };
            Some(n_tensors * heads.n_kv_heads * heads.head_dim)
        };
        (0..config.n_layers).filter_map(width).sum::<usize>() * model.dtype().size()
    }

    /// Number of sequences.
    pub fn n_slots(&self) -> usize {
        self.lengths.len()
    }

    /// Tokens that a slot has room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Tokens held in each slot.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Empties a slot.
    pub fn clear(&mut self, slot: usize) {
        self.truncate(slot, 0);
    }

    /// Forgets what a slot holds behind its first `length` tokens.
    ///
    /// # Panics
    /// If it holds fewer.
    pub fn truncate(&mut self, slot: usize, length: usize) {
        assert!(length <= self.lengths[slot], "{length} of {} tokens", self.lengths[slot]);
        self.lengths[slot] = length;
    }

    /// Gives a slot the first `length` tokens of another one.
    ///
    /// # Panics
    /// If that one holds fewer.
    pub fn copy(&mut self, from: usize, to: usize, length: usize) {
        assert!(length <= self.lengths[from], "{length} of {} tokens", self.lengths[from]);
        self.lengths[to] = length;
        if length == 0 || from == to {
            return;
        }
        let device = self.layers[0].keys.as_ref().expect("present between forward passes").device();
        let columns = Tensor::<1, Int>::arange(0..length as i64, &device);
        let at: Vec<i32> = (0..length).flat_map(|column| [to as i32, column as i32]).collect();
        let at = Tensor::<2, Int>::from_data(TensorData::new(at, [length, 2]), &device);
        for tensor in self.layers.iter_mut().flat_map(|layer| [&mut layer.keys, &mut layer.values]) {
            let Some(whole) = tensor.take() else { continue };
            // The slot alone, before anything is gathered: a piece of the whole slab would be copied first.
            let slot = whole.clone().narrow(0, from, 1).squeeze_dim::<3>(0);
            let copied = slot.select(0, columns.clone());
            *tensor = Some(store(whole, copied, at.clone()));
        }
    }

    /// Makes room for `n_cols` tokens in a slot, half as many again if it has to grow.
    fn reserve(&mut self, n_cols: usize) {
        if n_cols <= self.capacity {
            return;
        }
        let added = n_cols + n_cols / 2 - self.capacity;
        self.capacity += added;
        for tensor in self.layers.iter_mut().flat_map(|layer| [&mut layer.keys, &mut layer.values]) {
            let Some(whole) = tensor.take() else { continue };
            let [slots, _, heads, head_dim] = whole.dims();
            let room = Tensor::zeros([slots, added, heads, head_dim], (&whole.device(), whole.dtype()));
            *tensor = Some(Tensor::cat(vec![whole, room], 1));
        }
    }

    /// Reserves the columns behind what the slots hold for the rows of a batch.
    pub(super) fn admit(&mut self, batch: &TokenBatch, slots: &[usize]) -> Admitted {
        let n_cols = batch.n_cols();
        assert!(batch.is_right_padded(), "cached tokens are padded on the right");
        assert_eq!(batch.n_rows(), slots.len(), "rows of the batch and slots");
        let longest = slots.iter().zip(batch.lengths()).map(|(&slot, &added)| self.lengths[slot] + added);
        self.reserve(longest.max().unwrap_or(0));
        let mut positions = Vec::with_capacity(slots.len() * n_cols);
        let (mut real, mut at) = (Vec::new(), Vec::new());
        for (row, (&slot, &added)) in slots.iter().zip(batch.lengths()).enumerate() {
            let length = self.lengths[slot];
            for col in 0..n_cols {
                positions.push(if col < added { (length + col) as i32 } else { Positions::PADDING });
            }
            for col in 0..added {
                real.push((row * n_cols + col) as i32);
                at.extend([slot as i32, (length + col) as i32]);
            }
            self.lengths[slot] += added;
        }
        let device = self.layers[0].keys.as_ref().expect("present between forward passes").device();
        let n_real = real.len();
        let is_ragged = n_real < slots.len() * n_cols;
        let places = Places {
            real: is_ragged.then(|| Tensor::from_data(TensorData::new(real, [n_real]), &device)),
            at: Tensor::from_data(TensorData::new(at, [n_real, 2]), &device),
        };
        Admitted { batch: batch.at(Positions::per_row(positions, n_cols)), places, capacity: self.capacity }
    }

    pub(super) fn layer_mut(&mut self, layer: usize) -> &mut LayerCache {
        &mut self.layers[layer]
    }
}

/// Of the keys that a layer adds to the cache; a convolution adds what it reads.
fn own_heads(config: &DecoderConfig, layer: usize) -> Option<Heads> {
    if config.is_conv(layer) {
        return Some(Heads { n_kv_heads: 1, head_dim: config.hidden_size });
    }
    (config.kv_source(layer) != KvSource::Earlier).then(|| config.heads(config.reach(layer)))
}

impl LayerCache {
    /// [`LayerCache::append`] in a layer without values.
    pub(super) fn append_keys(&mut self, k: Tensor<4>, places: &Places) -> Tensor<4> {
        write(&mut self.keys, k, places)
    }

    /// Writes a batch's keys and values and returns all of the layer's.
    ///
    /// # Shapes
    /// `[B, T, Hkv, head_dim]` each → `[slots, capacity, Hkv, head_dim]` each
    pub(super) fn append(&mut self, k: Tensor<4>, v: Tensor<4>, places: &Places) -> (Tensor<4>, Tensor<4>) {
        (write(&mut self.keys, k, places), write(&mut self.values, v, places))
    }
}

/// The stored handle is given up while writing: only a tensor with one owner is changed in place.
fn write(stored: &mut Option<Tensor<4>>, fresh: Tensor<4>, places: &Places) -> Tensor<4> {
    let [b, t, h, d] = fresh.dims();
    let fresh = fresh.reshape([b * t, h, d]);
    let fresh = match &places.real {
        Some(real) => fresh.select(0, real.clone()),
        None => fresh,
    };
    let whole = stored.take().expect("present between forward passes");
    let whole = store(whole, fresh, places.at.clone());
    *stored = Some(whole.clone());
    whole
}
