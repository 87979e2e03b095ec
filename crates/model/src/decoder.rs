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
use kernels::{Gate, gated, linear};

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
    /// One row for each token, with a part for each layer.
    pub(crate) embed_tokens_per_layer: Option<Embedding>,
    /// From the embedded token to the same parts.
    pub(crate) per_layer_model_projection: Option<Linear>,
    pub(crate) per_layer_projection_norm: Option<RmsNorm>,
}

/// What a layer is given besides the residual stream.
struct Step<'a> {
    /// The slots to compute; all if `None`.
    slots: Option<&'a [usize]>,
    window: Option<usize>,
    /// Of each token, for this layer alone.
    input: Option<Tensor<2>>,
    cache: Option<&'a mut LayerCache>,
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
    /// Gates what the layer is told about the token.
    pub(crate) per_layer_input_gate: Option<Linear>,
    pub(crate) per_layer_projection: Option<Linear>,
    pub(crate) post_per_layer_input_norm: Option<RmsNorm>,
    /// Multiplies what the layer puts out.
    pub(crate) layer_scalar: Option<Param<Tensor<1>>>,
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
        norm: RmsNorm,
        per_layer: Option<(Embedding, Linear, RmsNorm)>,
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
            embed_tokens_per_layer,
            per_layer_model_projection,
            per_layer_projection_norm,
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
        let table = |table: Embedding| Embedding { weight: rounded(table.weight) };
        model.model.embed_tokens.weight = rounded(model.model.embed_tokens.weight);
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
            return self.model.norm.forward(select_slots(x, &slots));
        };
        let mut frame = Frame::of_batch(batch, &self.config, (&device, dtype));
        for (idx, layer) in layers.iter().enumerate() {
            x = layer.forward(x, &mut frame, self.step(idx, &inputs));
        }
        let mut frame = Frame::of_last_tokens(batch, &self.config, (&device, dtype)).after(frame);
        let step = Step { slots: Some(&slots), ..self.step(layers.len(), &inputs) };
        self.model.norm.forward(last.forward(x, &mut frame, step))
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
        let inputs = self.model.per_layer_inputs(&x, ids, self.config.n_layers);
        (x, inputs)
    }

    /// What layer `idx` is given besides the residual stream.
    fn step(&self, idx: usize, inputs: &Option<Tensor<2>>) -> Step<'_> {
        let width = self.config.per_layer_input.unwrap_or(0);
        let input = inputs.as_ref().map(|inputs| inputs.clone().narrow(1, idx * width, width));
        Step { slots: None, window: self.config.windows[idx], input, cache: None }
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
            Target::PerLayerInputGate => self.per_layer_input_gate.as_ref(),
            Target::PerLayerProjection => self.per_layer_projection.as_ref(),
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
            Target::PerLayerInputGate => self.per_layer_input_gate.as_mut(),
            Target::PerLayerProjection => self.per_layer_projection.as_mut(),
        }
    }

    /// The output at all slots, or at some of them, whose positions `frame` then holds.
    ///
    /// # Shapes
    /// `[B·S, D]` → `[B·T, D]`: rows are kept flat because a matrix product with a shared weight is one GEMM only in 2-D.
    fn forward(&self, x: Tensor<2>, frame: &mut Frame, step: Step<'_>) -> Tensor<2> {
        let Step { slots, window, input, cache } = step;
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
        let chosen = |x: Tensor<2>| match slots {
            Some(slots) => select_slots(x, slots),
            None => x,
        };
        let x = self.add(chosen(x), normed(after_attention, attended));
        let fed = self.mlp.forward(normed(before_mlp, x.clone()));
        let x = self.add(x, normed(last, fed));
        let x = match input {
            Some(input) => self.with_input(x, chosen(input)),
            None => x,
        };
        match &self.layer_scalar {
            Some(scalar) => x * scalar.val().unsqueeze(),
            None => x,
        }
    }

    /// Adds what the layer makes of the token's own input.
    fn with_input(&self, x: Tensor<2>, input: Tensor<2>) -> Tensor<2> {
        let (Some(gate), Some(map)) = (&self.per_layer_input_gate, &self.per_layer_projection) else {
            return x;
        };
        let told = gated(gate.forward(x.clone()), input, self.mlp.activation.gate());
        x + normed(self.post_per_layer_input_norm.as_ref(), map.forward(told))
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
        self.down_proj.forward(gated(gate, up, self.activation.gate()))
    }
}

impl Activation {
    fn gate(self) -> Gate {
        match self {
            Self::Silu => Gate::Silu,
            Self::GeluTanh => Gate::GeluTanh,
        }
    }
}

#[cfg(test)]
mod tests;
