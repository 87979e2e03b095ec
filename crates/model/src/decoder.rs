//! The decoder: one graph for rollout and for training.
//!
//! Modules carry HF's field names and HF's `[out, in]` weights, so that a path in the module tree *is* the name in a
//! safetensors file. Nothing here knows about files, sampling or losses.
//!
//! # Source
//! `modeling_*.py` of each family in transformers 5.23.0, for the arithmetic; the code is our own.

mod attention;
mod cache;
mod linear;
mod norm;
mod positions;
mod rope;
mod sight;
mod token_batch;

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use kernels::{Gate, LogitScale, gated, linear};

pub use cache::KvCache;
pub use linear::Linear;
pub use norm::RmsNorm;
pub use token_batch::TokenBatch;

pub(crate) use attention::Attention;
pub(crate) use positions::Positions;

use crate::config::{Activation, DecoderConfig, Scales};
use crate::lora::{LoraConfig, Target};
use attention::Frame;
use cache::LayerCache;

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

/// Its norms carry HF's names, which say less than they seem to: the one after attention stands before the MLP unless
/// the layer also has one after the MLP.
#[derive(Module, Debug)]
pub(crate) struct Layer {
    pub(crate) self_attn: Attention,
    pub(crate) mlp: Mlp,
    pub(crate) input_layernorm: Option<RmsNorm>,
    pub(crate) post_attention_layernorm: RmsNorm,
    pub(crate) pre_feedforward_layernorm: Option<RmsNorm>,
    pub(crate) post_feedforward_layernorm: Option<RmsNorm>,
    /// Of what a block adds to the residual stream.
    pub(crate) residual_scale: f64,
}

/// The gated MLP: `down(act(gate(x)) · up(x))`.
#[derive(Module, Debug)]
pub(crate) struct Mlp {
    pub(crate) gate_proj: Option<Linear>,
    pub(crate) up_proj: Option<Linear>,
    /// Instead of the two, where a family has them in one.
    pub(crate) gate_up_proj: Option<Linear>,
    pub(crate) down_proj: Linear,
    #[module(skip)]
    pub(crate) activation: Activation,
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
        self.model.norm.weight.val().dtype()
    }

    /// The model with its matrices rounded to bf16 and everything else as it is: half the memory to read for each token
    /// of a small batch. For inference on a CPU, where [`kernels::linear`] reads them.
    pub fn with_bf16_matrices(self) -> Self {
        let rounded = |weight: Param<Tensor<2>>| weight.map(|weight| weight.cast(DType::BF16).detach());
        let mut model = self.map_linears(|_, mut linear| {
            linear.weight = rounded(linear.weight);
            linear
        });
        model.model.embed_tokens.weight = rounded(model.model.embed_tokens.weight);
        model.lm_head = model.lm_head.map(|head| Embedding { weight: rounded(head.weight) });
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
        let frame = Frame::of_batch(batch, &self.config, (&self.device(), self.dtype()));
        let mut x = self.embed(batch);
        for (idx, layer) in self.model.layers.iter().enumerate() {
            x = layer.forward(x, None, &frame, self.config.windows[idx], None);
        }
        self.finish(x, batch)
    }

    /// The first step of [`LanguageModel::hidden`], which is `embed`, `layer` by `layer`, `finish`: for callers that keep
    /// the tensors between layers and compute the rest again.
    ///
    /// # Shapes
    /// `[B, T]` tokens → `[B·T, D]`
    pub fn embed(&self, batch: &TokenBatch) -> Tensor<2> {
        let ids: Vec<i32> = batch.ids().iter().map(|&id| id as i32).collect();
        let ids = Tensor::<1, Int>::from_data(
            TensorData::new(ids, [batch.n_rows() * batch.n_cols()]),
            &self.device(),
        );
        let embedded = self.model.embed_tokens.weight.val().select(0, ids);
        let embedded = if embedded.dtype() == self.dtype() { embedded } else { embedded.cast(self.dtype()) };
        // transformers rounds the factor to the type of the weights.
        match (self.config.scales.embedding, self.dtype()) {
            (1.0, _) => embedded,
            (scale, DType::BF16) => embedded.mul_scalar(half::bf16::from_f64(scale).to_f64()),
            (scale, DType::F16) => embedded.mul_scalar(half::f16::from_f64(scale).to_f64()),
            (scale, _) => embedded.mul_scalar(scale),
        }
    }

    /// One layer; see [`LanguageModel::embed`].
    ///
    /// # Shapes
    /// `[B·T, D]` → `[B·T, D]`
    pub fn layer(&self, idx: usize, x: Tensor<2>, batch: &TokenBatch) -> Tensor<2> {
        let frame = Frame::of_batch(batch, &self.config, (&self.device(), self.dtype()));
        self.model.layers[idx].forward(x, None, &frame, self.config.windows[idx], None)
    }

    /// The last norm; see [`LanguageModel::embed`].
    ///
    /// # Shapes
    /// `[B·T, D]` → `[B, T, D]`
    pub fn finish(&self, x: Tensor<2>, batch: &TokenBatch) -> Tensor<3> {
        unflatten(self.model.norm.forward(x), batch)
    }

    /// Whether the embedding asks for a gradient.
    pub fn trains_embedding(&self) -> bool {
        self.model.embed_tokens.weight.val().is_require_grad()
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
            x = layer.forward(x, None, &frame, *window, None);
        }
        let frame = Frame::of_last_tokens(batch, &self.config, (&device, dtype));
        let x = last.forward(x, Some(&slots), &frame, self.config.windows[layers.len()], None);
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
            x = layer.forward(x, None, &frame, self.config.windows[idx], None);
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
        let frame = Frame::with_cache(admitted, slots, &self.config, (&self.device(), self.dtype()));
        let mut x = self.embed(batch);
        for (idx, layer) in self.model.layers.iter().enumerate() {
            x = layer.forward(x, None, &frame, self.config.windows[idx], Some(cache.layer_mut(idx)));
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
}

fn unflatten(x: Tensor<2>, batch: &TokenBatch) -> Tensor<3> {
    let d = x.dims()[1];
    x.reshape([batch.n_rows(), batch.n_cols(), d])
}

impl Layer {
    /// The linear map of a target, where the layer has it.
    pub(crate) fn linear(&self, target: Target) -> Option<&Linear> {
        let (attn, mlp) = (&self.self_attn, &self.mlp);
        match target {
            Target::QProj => attn.q_proj.as_ref(),
            Target::KProj => attn.k_proj.as_ref(),
            Target::VProj => attn.v_proj.as_ref(),
            Target::QkvProj => attn.qkv_proj.as_ref(),
            Target::OProj => Some(&attn.o_proj),
            Target::GateProj => mlp.gate_proj.as_ref(),
            Target::UpProj => mlp.up_proj.as_ref(),
            Target::GateUpProj => mlp.gate_up_proj.as_ref(),
            Target::DownProj => Some(&mlp.down_proj),
        }
    }

    /// As [`Layer::linear`], to change it.
    pub(crate) fn linear_mut(&mut self, target: Target) -> Option<&mut Linear> {
        let (attn, mlp) = (&mut self.self_attn, &mut self.mlp);
        match target {
            Target::QProj => attn.q_proj.as_mut(),
            Target::KProj => attn.k_proj.as_mut(),
            Target::VProj => attn.v_proj.as_mut(),
            Target::QkvProj => attn.qkv_proj.as_mut(),
            Target::OProj => Some(&mut attn.o_proj),
            Target::GateProj => mlp.gate_proj.as_mut(),
            Target::UpProj => mlp.up_proj.as_mut(),
            Target::GateUpProj => mlp.gate_up_proj.as_mut(),
            Target::DownProj => Some(&mut mlp.down_proj),
        }
    }

    /// The output at all slots, or at some of them, whose positions `frame` then holds.
    ///
    /// # Shapes
    /// `[B·S, D]` → `[B·T, D]`: rows are kept flat because a matrix product with a shared weight is one GEMM only in 2-D.
    fn forward(
        &self,
        x: Tensor<2>,
        slots: Option<&[usize]>,
        frame: &Frame,
        window: Option<usize>,
        cache: Option<&mut LayerCache>,
    ) -> Tensor<2> {
        let (middle, last) = (&self.post_attention_layernorm, self.post_feedforward_layernorm.as_ref());
        let (after_attention, before_mlp) = match last {
            Some(_) => (Some(middle), self.pre_feedforward_layernorm.as_ref()),
            None => (None, Some(middle)),
        };
        let attended = self.self_attn.forward(
            normed(self.input_layernorm.as_ref(), x.clone()),
            slots,
            frame,
            window,
            cache,
        );
        let x = match slots {
            Some(slots) => select_slots(x, slots),
            None => x,
        };
        let x = self.add(x, normed(after_attention, attended));
        let fed = self.mlp.forward(normed(before_mlp, x.clone()));
        self.add(x, normed(last, fed))
    }

    fn add(&self, x: Tensor<2>, block: Tensor<2>) -> Tensor<2> {
        if self.residual_scale == 1.0 { x + block } else { x + block.mul_scalar(self.residual_scale) }
    }
}

fn normed(norm: Option<&RmsNorm>, x: Tensor<2>) -> Tensor<2> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

impl Mlp {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let (gate, up) = match (&self.gate_up_proj, &self.gate_proj, &self.up_proj) {
            (Some(both), ..) => {
                let both = both.forward(x);
                let width = both.dims()[1] / 2;
                (both.clone().narrow(1, 0, width), both.narrow(1, width, width))
            }
            (None, Some(gate), Some(up)) => (gate.forward(x.clone()), up.forward(x)),
            _ => unreachable!("a model is built with one map or with two"),
        };
        let gate_kind = match self.activation {
            Activation::Silu => Gate::Silu,
            Activation::GeluTanh => Gate::GeluTanh,
        };
        self.down_proj.forward(gated(gate, up, gate_kind))
    }
}

#[cfg(test)]
mod tests;
