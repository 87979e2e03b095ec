//! The decoder: one graph for rollout and for training.
//!
//! Modules carry HF's field names and HF's `[out, in]` weights, so that a path in the module tree *is* the name in a
//! safetensors file. Nothing here knows about files, sampling or losses.
//!
//! # Source
//! `modeling_qwen2.py`, `modeling_qwen3.py`, `modeling_llama.py`, `modeling_mistral.py` of transformers 5.23.0, for
//! the arithmetic; the code is our own.

mod attention;
mod cache;
mod linear;
mod mask;
mod norm;
mod positions;
mod rope;
mod token_batch;

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor, TensorData, activation};

pub use cache::KvCache;
pub use linear::Linear;
pub use norm::RmsNorm;
pub use token_batch::TokenBatch;

pub(crate) use attention::Attention;
pub(crate) use positions::Positions;

use crate::config::DecoderConfig;
use crate::lora::{LoraConfig, Target};
use attention::Frame;
use cache::Admitted;

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
    pub(crate) norm: RmsNorm,
}

/// A table of vectors: the embedding, or the head of an untied model.
#[derive(Module, Debug)]
pub(crate) struct Embedding {
    /// `[V, D]`
    pub(crate) weight: Param<Tensor<2>>,
}

#[derive(Module, Debug)]
pub(crate) struct Layer {
    pub(crate) self_attn: Attention,
    pub(crate) mlp: Mlp,
    pub(crate) input_layernorm: RmsNorm,
    pub(crate) post_attention_layernorm: RmsNorm,
}

/// The gated MLP: `down(silu(gate(x)) · up(x))`.
#[derive(Module, Debug)]
pub(crate) struct Mlp {
    pub(crate) gate_proj: Linear,
    pub(crate) up_proj: Linear,
    pub(crate) down_proj: Linear,
}

/// Chosen rows of a flat `[B·T, D]` tensor.
pub(crate) fn select_slots(x: Tensor<2>, slots: &[usize]) -> Tensor<2> {
    let index: Vec<i32> = slots.iter().map(|&slot| slot as i32).collect();
    let index = Tensor::<1, Int>::from_data(TensorData::from(index.as_slice()), &x.device());
    x.select(0, index)
}

impl Embedding {
    pub(crate) fn new(weight: Tensor<2>) -> Self {
        Self { weight: Param::from_tensor(weight) }
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

    /// Type of the weights.
    pub fn dtype(&self) -> DType {
        self.model.embed_tokens.weight.val().dtype()
    }

    /// Final hidden states, after the last norm.
    ///
    /// Call it on a model whose weights track gradients only if a backward pass follows: an abandoned graph stays in
    /// memory until the next one. Everything else runs on `model.valid()`.
    ///
    /// # Shapes
    /// `[B, T]` tokens → `[B, T, D]`; values at padding are finite and meaningless.
    pub fn hidden(&self, batch: &TokenBatch) -> Tensor<3> {
        let frame = Frame::of_batch(batch, &self.config, (&self.device(), self.dtype()));
        let mut x = self.embed(batch);
        for (idx, layer) in self.model.layers.iter().enumerate() {
            x = layer.forward(x, &frame, self.config.windows[idx], None);
        }
        self.finish(x, batch)
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
        let mut x = self.embed(batch);
        let Some((last, layers)) = self.model.layers.split_last() else {
            return self.model.norm.forward(select_slots(x, &slots));
        };
        let frame = Frame::of_batch(batch, &self.config, (&device, dtype));
        for (layer, window) in layers.iter().zip(&self.config.windows) {
            x = layer.forward(x, &frame, *window, None);
        }
        let frame = Frame::of_last_tokens(batch, &self.config, (&device, dtype));
        let x = last.forward_slots(x, &slots, &frame, self.config.windows[layers.len()]);
        self.model.norm.forward(x)
    }

    /// The residual stream before every layer, then [`LanguageModel::hidden`]: `n_layers + 1` tensors `[B, T, D]`.
    ///
    /// The same points as `output_hidden_states` of transformers.
    pub fn hidden_states(&self, batch: &TokenBatch) -> Vec<Tensor<3>> {
        let frame = Frame::of_batch(batch, &self.config, (&self.device(), self.dtype()));
        let mut x = self.embed(batch);
        let mut states = Vec::with_capacity(self.config.n_layers + 1);
        for (idx, layer) in self.model.layers.iter().enumerate() {
            states.push(unflatten(x.clone(), batch));
            x = layer.forward(x, &frame, self.config.windows[idx], None);
        }
        states.push(self.finish(x, batch));
        states
    }

    /// Like [`LanguageModel::hidden`] for tokens that follow what the cache holds; the cache then holds them too.
    ///
    /// # Panics
    /// If the cache was made for another number of rows, or the batch is not right-padded.
    pub fn extend(&self, batch: &TokenBatch, cache: &mut KvCache) -> Tensor<3> {
        let Admitted { batch, keys, start } = cache.admit(batch);
        let frame = Frame::with_cache(&batch, &keys, start, &self.config, (&self.device(), self.dtype()));
        let mut x = self.embed(&batch);
        for (idx, layer) in self.model.layers.iter().enumerate() {
            x = layer.forward(x, &frame, self.config.windows[idx], Some(cache.layer_mut(idx)));
        }
        self.finish(x, &batch)
    }

    /// Logits of chosen hidden states: the caller selects the rows that it needs, so `[B, T, V]` never has to exist.
    ///
    /// # Shapes
    /// `[N, D]` → `[N, V]`
    pub fn lm_logits(&self, rows: Tensor<2>) -> Tensor<2> {
        rows.matmul(self.lm_head_weight().transpose())
    }

    /// The head's weight `[V, D]`, for objectives that compute log-probabilities in chunks.
    pub fn lm_head_weight(&self) -> Tensor<2> {
        self.lm_head.as_ref().unwrap_or(&self.model.embed_tokens).weight.val()
    }

    fn embed(&self, batch: &TokenBatch) -> Tensor<2> {
        let ids: Vec<i32> = batch.ids().iter().map(|&id| id as i32).collect();
        let ids = Tensor::<1, Int>::from_data(
            TensorData::new(ids, [batch.n_rows() * batch.n_cols()]),
            &self.device(),
        );
        self.model.embed_tokens.weight.val().select(0, ids)
    }

    fn finish(&self, x: Tensor<2>, batch: &TokenBatch) -> Tensor<3> {
        unflatten(self.model.norm.forward(x), batch)
    }
}

fn unflatten(x: Tensor<2>, batch: &TokenBatch) -> Tensor<3> {
    let d = x.dims()[1];
    x.reshape([batch.n_rows(), batch.n_cols(), d])
}

impl Layer {
    pub(crate) fn linear(&self, target: Target) -> &Linear {
        match target {
            Target::QProj => &self.self_attn.q_proj,
            Target::KProj => &self.self_attn.k_proj,
            Target::VProj => &self.self_attn.v_proj,
            Target::OProj => &self.self_attn.o_proj,
            Target::GateProj => &self.mlp.gate_proj,
            Target::UpProj => &self.mlp.up_proj,
            Target::DownProj => &self.mlp.down_proj,
        }
    }

    /// # Shapes
    /// `[B·T, D]` → `[B·T, D]`: rows are kept flat because a matrix product with a shared weight is one GEMM only in 2-D.
    fn forward(
        &self,
        x: Tensor<2>,
        frame: &Frame,
        window: Option<usize>,
        cache: Option<cache::LayerCacheMut<'_>>,
    ) -> Tensor<2> {
        let normed = self.input_layernorm.forward(x.clone());
        let x = x + self.self_attn.forward((normed.clone(), normed), frame, window, cache);
        self.feed_forward(x)
    }

    /// The output at some slots only; `frame` holds their positions.
    fn forward_slots(
        &self,
        x: Tensor<2>,
        slots: &[usize],
        frame: &Frame,
        window: Option<usize>,
    ) -> Tensor<2> {
        let normed = self.input_layernorm.forward(x.clone());
        let asking = select_slots(normed.clone(), slots);
        let x = select_slots(x, slots) + self.self_attn.forward((asking, normed), frame, window, None);
        self.feed_forward(x)
    }

    fn feed_forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.clone() + self.mlp.forward(self.post_attention_layernorm.forward(x))
    }
}

impl Mlp {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let gate = activation::silu(self.gate_proj.forward(x.clone()));
        self.down_proj.forward(gate * self.up_proj.forward(x))
    }
}

#[cfg(test)]
mod tests;
