//! The decoder: one graph for rollout and for training.
//!
//! Modules carry llama's field names and HF's `[out, in]` weights, so that a path in the module tree is the name in a
//! safetensors file but for the families of `weights::names`. Nothing here knows about files, sampling or losses.
//!
//! # Source
//! `modeling_*.py` of each family in transformers 5.23.0, for the arithmetic; the code is our own.

mod attention;
mod cache;
mod conv;
mod forest;
mod layer;
mod linear;
mod mlp;
mod norm;
mod positions;
mod rope;
mod sight;
mod token_batch;

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use kernels::{LogitScale, linear};

pub use cache::KvCache;
pub use forest::{Beginnings, Slots, families, n_shared_slots};
pub use linear::Linear;
pub use norm::Norm;
pub use token_batch::TokenBatch;

pub(crate) use attention::Attention;
pub(crate) use conv::{ShortConv, Taps};
pub(crate) use layer::Layer;
pub(crate) use mlp::Mlp;
pub(crate) use positions::Positions;

use crate::config::{DecoderConfig, Scales};
use crate::lora::LoraConfig;
use attention::Frame;
use layer::{Step, normed};

/// Columns of a tree of sequences where attention has no kernel of ours and writes all scores of a row.
const GPU_COLUMNS: usize = 4096;

/// A causal language model, with or without a LoRA adapter.
#[derive(Module, Debug)]
pub struct LanguageModel {
    pub(crate) model: Body,
    /// `None` where the head is the embedding.
    pub(crate) lm_head: Option<Embedding>,
    #[module(skip)]
    pub(crate) config: Arc<DecoderConfig>,
    #[module(skip)]
    pub(crate) lora: Option<LoraConfig>,
}

#[derive(Module, Debug)]
pub(crate) struct Body {
    pub(crate) embed_tokens: Embedding,
    pub(crate) layers: Vec<Layer>,
    pub(crate) norm: Option<Norm>,
    /// Rows to add to the tokens by their position.
    pub(crate) embed_positions: Option<Embedding>,
    /// From the embedding's width to the residual stream's, and back.
    pub(crate) project_in: Option<Linear>,
    pub(crate) project_out: Option<Linear>,
    /// One row for each token, with a part for each layer.
    pub(crate) embed_tokens_per_layer: Option<Embedding>,
    /// From the embedded token to the same parts.
    pub(crate) per_layer_model_projection: Option<Linear>,
    pub(crate) per_layer_projection_norm: Option<Norm>,
}

/// A table of vectors: the embedding, or the head of an untied model.
#[derive(Module, Debug)]
pub(crate) struct Embedding {
    /// `[V, D]`
    pub(crate) weight: Param<Tensor<2>>,
}

/// Chosen rows of a flat `[B·T, D]` tensor.
pub(crate) fn select_slots(x: Tensor<2>, slots: &[usize]) -> Tensor<2> {
    let index: Vec<i32> = slots.iter().map(|&slot| slot as i32).collect();
    let index = Tensor::<1, Int>::from_data(TensorData::from(index.as_slice()), &x.device());
    x.select(0, index)
}

/// `cap · tanh(x / cap)`
pub(crate) fn soft_capped<const D: usize>(x: Tensor<D>, cap: Option<f64>) -> Tensor<D> {
    match cap {
        Some(cap) => x.div_scalar(cap).tanh().mul_scalar(cap),
        None => x,
    }
}

impl Embedding {
    pub(crate) fn new(weight: Tensor<2>) -> Self {
        Self { weight: Param::from_tensor(weight) }
    }

    /// The scaled vectors of `ids`, in `dtype`.
    fn rows(&self, ids: Tensor<1, Int>, scale: f64, dtype: DType) -> Tensor<2> {
        let rows = self.weight.val().select(0, ids);
        let rows = if rows.dtype() == dtype { rows } else { rows.cast(dtype) };
        // transformers rounds the factor to the type of the weights.
        match dtype {
            _ if scale == 1.0 => rows,
            DType::BF16 => rows.mul_scalar(half::bf16::from_f64(scale).to_f64()),
            DType::F16 => rows.mul_scalar(half::f16::from_f64(scale).to_f64()),
            _ => rows.mul_scalar(scale),
        }
    }
}

impl Body {
    pub(crate) fn new(
        embed_tokens: Embedding,
        layers: Vec<Layer>,
        norm: Option<Norm>,
        per_layer: Option<(Embedding, Linear, Norm)>,
    ) -> Self {
        let (embed_tokens_per_layer, per_layer_model_projection, per_layer_projection_norm) = match per_layer
        {
            Some((table, map, norm)) => (Some(table), Some(map), Some(norm)),
            None => (None, None, None),
        };
        Self {
            embed_tokens,
            layers,
            norm,
            embed_positions: None,
            project_in: None,
            project_out: None,
            embed_tokens_per_layer,
            per_layer_model_projection,
            per_layer_projection_norm,
        }
    }

    /// What the head reads.
    fn last_norm(&self, x: Tensor<2>) -> Tensor<2> {
        let x = normed(self.norm.as_ref(), x);
        match &self.project_out {
            Some(map) => map.forward(x),
            None => x,
        }
    }

    /// What each layer is told about the token: a row of a table, and a map of the embedded token, in equal parts.
    fn per_layer_inputs(&self, x: &Tensor<2>, ids: Tensor<1, Int>, n_layers: usize) -> Option<Tensor<2>> {
        let table = self.embed_tokens_per_layer.as_ref()?;
        let (map, norm) =
            (self.per_layer_model_projection.as_ref()?, self.per_layer_projection_norm.as_ref()?);
        let [n, d] = x.dims();
        let width = table.weight.val().dims()[1] / n_layers;
        let told = table.rows(ids, (width as f64).sqrt(), x.dtype());
        let mapped = map.forward(x.clone()).mul_scalar((d as f64).powf(-0.5));
        let mapped = norm.forward(mapped.reshape([n, n_layers, width])).reshape([n, n_layers * width]);
        Some((mapped + told).mul_scalar(0.5_f64.sqrt()))
    }
}

impl LanguageModel {
    pub(crate) fn from_parts(model: Body, lm_head: Option<Embedding>, config: DecoderConfig) -> Self {
        Self { model, lm_head, config: Arc::new(config), lora: None }
    }

    /// The model's shape.
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// The adapter's shape, if there is one.
    pub fn lora(&self) -> Option<&LoraConfig> {
        self.lora.as_ref()
    }

    /// Where the weights are; tracks gradients if the model does.
    pub fn device(&self) -> Device {
        self.model.embed_tokens.weight.val().device()
    }

    /// Type of the activations. Matrices may be narrower ([`LanguageModel::with_bf16_matrices`]).
    pub fn dtype(&self) -> DType {
        let norm = self.model.layers.first().map(|layer| &layer.post_attention_layernorm);
        let norm = norm.or(self.model.norm.as_ref()).expect("a model has a norm");
        norm.weight.val().dtype()
    }

    /// The model with its matrices rounded to bf16 and everything else as it is: half the memory to read for each token
    /// of a small batch. For inference on a CPU, where [`kernels::linear`] reads them.
    pub fn with_bf16_matrices(self) -> Self {
        let rounded = |weight: Param<Tensor<2>>| weight.map(|weight| weight.cast(DType::BF16).detach());
        let mut model = self.map_linears(|_, mut linear| {
            linear.weight = rounded(linear.weight);
            linear
        });
        let table = |table: Embedding| Embedding { weight: rounded(table.weight) };
        model.model.embed_tokens.weight = rounded(model.model.embed_tokens.weight);
        model.model.embed_positions = model.model.embed_positions.map(table);
        model.model.embed_tokens_per_layer = model.model.embed_tokens_per_layer.map(table);
        model.lm_head = model.lm_head.map(table);
        model
    }

    /// Final hidden states, after the last norm.
    ///
    /// Call it on a model whose weights track gradients only if a backward pass follows: an abandoned graph stays in
    /// memory until the next one. Everything else runs on `model.valid()`.
    ///
    /// # Shapes
    /// `[B, T]` tokens → `[B, T, D]`; values at padding are finite and meaningless.
    pub fn hidden(&self, batch: &TokenBatch) -> Tensor<3> {
        let mut frame = Frame::of_batch(batch, &self.config, (&self.device(), self.dtype()));
        let (mut x, inputs) = self.embed(batch);
        for (idx, layer) in self.model.layers.iter().enumerate() {
            x = layer.forward(x, &mut frame, self.step(idx, &inputs));
        }
        self.finish(x, batch)
    }

    /// The first step of [`LanguageModel::hidden`], which is `start`, `layer` by `layer`, `finish`: for callers that keep
    /// the tensors between layers and compute the rest again.
    ///
    /// # Shapes
    /// `[B, T]` tokens → `[B·T, D]`
    pub fn start(&self, batch: &TokenBatch) -> Tensor<2> {
        self.embed(batch).0
    }

    /// One layer; see [`LanguageModel::start`].
    ///
    /// # Shapes
    /// `[B·T, D]` → `[B·T, D]`
    ///
    /// # Panics
    /// If the model's layers do not stand alone.
    pub fn layer(&self, idx: usize, x: Tensor<2>, batch: &TokenBatch) -> Tensor<2> {
        assert!(self.layers_stand_alone(), "layer {idx} reads more than the one before it gives");
        let mut frame = Frame::of_batch(batch, &self.config, (&self.device(), self.dtype()));
        self.model.layers[idx].forward(x, &mut frame, self.step(idx, &None))
    }

    /// The last norm; see [`LanguageModel::start`].
    ///
    /// # Shapes
    /// `[B·T, D]` → `[B, T, D]`
    pub fn finish(&self, x: Tensor<2>, batch: &TokenBatch) -> Tensor<3> {
        unflatten(self.model.last_norm(x), batch)
    }

    /// Whether a layer reads nothing but what the one before it gives.
    pub fn layers_stand_alone(&self) -> bool {
        self.config.per_layer_input.is_none() && self.config.variants.n_shared_kv == 0
    }

    /// Whether sequences may share what they begin with: not where a token's rotation depends on all of its sequence.
    pub fn beginnings(&self) -> Beginnings {
        let config = &self.config;
        if config.rope.depends_on_length() || config.window_rope.depends_on_length() {
            return Beginnings::Apart;
        }
        let on_cpu = self.device().without_autodiff() == Device::flex();
        if on_cpu { forest::UNBOUNDED } else { Beginnings::Shared { columns: GPU_COLUMNS } }
    }

    /// Whether what stands before the first layer asks for a gradient.
    pub fn trains_embedding(&self) -> bool {
        let tables = [Some(&self.model.embed_tokens), self.model.embed_positions.as_ref()];
        let tables = tables.into_iter().flatten().map(|table| &table.weight);
        let maps = self.model.project_in.iter().map(|map| &map.weight);
        tables.chain(maps).any(|weight| weight.val().is_require_grad())
    }

    /// [`LanguageModel::hidden`] of the last token of each row alone: its last layer computes nothing but those.
    ///
    /// # Shapes
    /// `[B, T]` right-padded tokens → `[B, D]`
    ///
    /// # Panics
    /// If the batch is not right-padded.
    pub fn last_hidden(&self, batch: &TokenBatch) -> Tensor<2> {
        let (device, dtype) = (self.device(), self.dtype());
        let slots = batch.last_slots();
        let (mut x, inputs) = self.embed(batch);
        let Some((last, layers)) = self.model.layers.split_last() else {
            return self.model.last_norm(select_slots(x, &slots));
        };
        let mut frame = Frame::of_batch(batch, &self.config, (&device, dtype));
        for (idx, layer) in layers.iter().enumerate() {
            x = layer.forward(x, &mut frame, self.step(idx, &inputs));
        }
        let mut frame = Frame::of_last_tokens(batch, &self.config, (&device, dtype)).after(frame);
        let step = Step { slots: Some(&slots), ..self.step(layers.len(), &inputs) };
        self.model.last_norm(last.forward(x, &mut frame, step))
    }

    /// The residual stream before every layer, then [`LanguageModel::hidden`]: `n_layers + 1` tensors `[B, T, D]`.
    ///
    /// The same points as `output_hidden_states` of transformers.
    pub fn hidden_states(&self, batch: &TokenBatch) -> Vec<Tensor<3>> {
        let mut frame = Frame::of_batch(batch, &self.config, (&self.device(), self.dtype()));
        let (mut x, inputs) = self.embed(batch);
        let mut states = Vec::with_capacity(self.config.n_layers + 1);
        for (idx, layer) in self.model.layers.iter().enumerate() {
            states.push(unflatten(x.clone(), batch));
            x = layer.forward(x, &mut frame, self.step(idx, &inputs));
        }
        states.push(self.finish(x, batch));
        states
    }

    /// Like [`LanguageModel::hidden`] for tokens that follow what the cache holds; the cache then holds them too. Row i of
    /// the batch continues the sequence in `slots[i]`.
    ///
    /// # Panics
    /// If there is not a slot for each row, or the batch is not right-padded.
    pub fn extend(&self, batch: &TokenBatch, slots: &[usize], cache: &mut KvCache) -> Tensor<3> {
        let admitted = cache.admit(batch, slots);
        let (mut x, inputs) = self.embed(&admitted.batch);
        let mut frame = Frame::with_cache(admitted, slots, &self.config, (&self.device(), self.dtype()));
        for (idx, layer) in self.model.layers.iter().enumerate() {
            let step = Step { cache: Some(cache.layer_mut(idx)), ..self.step(idx, &inputs) };
            x = layer.forward(x, &mut frame, step);
        }
        self.finish(x, batch)
    }

    /// Logits of chosen hidden states: the caller selects the rows that it needs, so `[B, T, V]` never has to exist.
    ///
    /// # Shapes
    /// `[N, D]` → `[N, V]`
    pub fn lm_logits(&self, rows: Tensor<2>) -> Tensor<2> {
        self.finish_logits(linear(rows, self.lm_head_weight()))
    }

    /// [`LanguageModel::lm_logits`] for some tokens: a choice between three needs no product with the vocabulary.
    ///
    /// # Shapes
    /// `[N, D]` → `[N, tokens]`
    pub(crate) fn lm_logits_of(&self, rows: Tensor<2>, tokens: &[usize]) -> Tensor<2> {
        self.finish_logits(linear(rows, select_slots(self.lm_head_weight(), tokens)))
    }

    fn finish_logits(&self, logits: Tensor<2>) -> Tensor<2> {
        let Scales { logits: scale, .. } = self.config.scales;
        let logits = if scale == 1.0 { logits } else { logits.mul_scalar(scale) };
        soft_capped(logits, self.config.soft_caps.logits)
    }

    /// The head's weight `[V, D]`, for objectives that compute log-probabilities in chunks.
    pub fn lm_head_weight(&self) -> Tensor<2> {
        self.lm_head.as_ref().unwrap_or(&self.model.embed_tokens).weight.val()
    }

    /// What happens to the products of hidden states and head.
    pub fn logit_scale(&self) -> LogitScale {
        LogitScale {
            scale: self.config.scales.logits as f32,
            soft_cap: self.config.soft_caps.logits.unwrap_or(0.0) as f32,
            temperature: 1.0,
        }
    }

    /// The residual stream before the first layer, and the layers' own inputs side by side.
    ///
    /// # Shapes
    /// `[B·T, D]`, `[B·T, layers · width]`
    fn embed(&self, batch: &TokenBatch) -> (Tensor<2>, Option<Tensor<2>>) {
        let ids: Vec<i32> = batch.ids().iter().map(|&id| id as i32).collect();
        let ids = Tensor::<1, Int>::from_data(
            TensorData::new(ids, [batch.n_rows() * batch.n_cols()]),
            &self.device(),
        );
        let x = self.model.embed_tokens.rows(ids.clone(), self.config.scales.embedding, self.dtype());
        let x = match &self.model.project_in {
            Some(map) => map.forward(x),
            None => x,
        };
        let x = match (&self.model.embed_positions, self.config.first_position_row) {
            (Some(table), Some(first)) => {
                let (last, most) =
                    (batch.positions().values().iter().max(), self.config.max_position_embeddings);
                assert!(
                    last.is_none_or(|last| (*last as usize) < most),
                    "position {last:?} of a table of {most}: the sequence is too long for this model"
                );
                let rows = batch.position_rows(first, &self.device());
                x + table.rows(rows, 1.0, self.dtype())
            }
            _ => x,
        };
        let inputs = self.model.per_layer_inputs(&x, ids, self.config.n_layers);
        (x, inputs)
    }

    /// What layer `idx` is given besides the residual stream.
    fn step(&self, idx: usize, inputs: &Option<Tensor<2>>) -> Step<'_> {
        let width = self.config.per_layer_input.unwrap_or(0);
        let input = inputs.as_ref().map(|inputs| inputs.clone().narrow(1, idx * width, width));
        Step { slots: None, window: self.config.windows[idx], input, cache: None }
    }
}

fn unflatten(x: Tensor<2>, batch: &TokenBatch) -> Tensor<3> {
    let d = x.dims()[1];
    x.reshape([batch.n_rows(), batch.n_cols(), d])
}

#[cfg(test)]
mod tests;
