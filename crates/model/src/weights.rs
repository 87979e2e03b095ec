//! Weights in and out: safetensors in HF's names and layout, or fresh ones from a seed.
//!
//! The names and shapes of a model's tensors are listed once, here; reading, writing, initialising and the adapter all
//! go by that list.

mod files;
mod fresh;
mod names;
mod read;
mod shards;
mod write;

use std::collections::HashMap;

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};

pub use read::stored_dtype;
pub use write::{SaveOptions, copy_companions};

pub(crate) use files::{TensorFiles, write_atomically, write_tensors};
#[cfg(test)]
pub(crate) use fresh::normal_values;
pub(crate) use fresh::{tensor_rng, uniform_values};
pub(crate) use write::{HostTensor, host_values};

use crate::Result;
use crate::config::{DecoderConfig, Heads, KvSource, MlpKind, NormKind, NormPlacement, QkNorm, QkvLayout};
use crate::decoder::{Attention, Body, Embedding, LanguageModel, Layer, Linear, Mlp, Norm, ShortConv, Taps};
use crate::lora::Target;

/// Shape of one of the linear maps of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinearShape {
    pub(crate) target: Target,
    pub(crate) n_in: usize,
    pub(crate) n_out: usize,
    pub(crate) bias: bool,
}

/// The linear maps of a layer.
pub(crate) fn linear_shapes(config: &DecoderConfig, layer: usize) -> Vec<LinearShape> {
    let (d, ff) = (config.hidden_size, config.mlp_width(layer));
    let Heads { n_kv_heads, head_dim } = config.heads(config.reach(layer));
    let (q, kv) = (config.n_heads * head_dim, n_kv_heads * head_dim);
    let shape = |target, n_in, n_out, bias| LinearShape { target, n_in, n_out, bias };
    let (of_qkv, of_mlp) = (config.qkv_bias, config.mlp_bias);
    let gated = [
        shape(Target::GateProj, d, ff, of_mlp),
        shape(Target::UpProj, d, ff, of_mlp),
        shape(Target::DownProj, ff, d, of_mlp),
    ];
    if let Some(convs) = config.short_convs.as_ref().filter(|convs| convs.layers[layer]) {
        let around = [shape(Target::ConvIn, d, 3 * d, convs.bias), shape(Target::ConvOut, d, d, convs.bias)];
        return gated.into_iter().chain(around).collect();
    }
    let (k, v) = (shape(Target::KProj, d, kv, of_qkv), shape(Target::VProj, d, kv, of_qkv));
    let mut shapes = match (config.qkv, config.kv_source(layer)) {
        (QkvLayout::Blocks | QkvLayout::PerHead, _) => {
            vec![shape(Target::QkvProj, d, q + 2 * kv, of_qkv)]
        }
        (QkvLayout::Separate, KvSource::Own) => vec![shape(Target::QProj, d, q, of_qkv), k, v],
        (QkvLayout::Separate, KvSource::KeysAlone) => vec![shape(Target::QProj, d, q, of_qkv), k],
        (QkvLayout::Separate, KvSource::Earlier) => vec![shape(Target::QProj, d, q, of_qkv)],
    };
    shapes.push(shape(Target::OProj, q, d, config.output_bias));
    let up = shape(Target::UpProj, d, ff, of_mlp);
    shapes.extend(match config.mlp {
        MlpKind::Gated => vec![shape(Target::GateProj, d, ff, of_mlp), up],
        MlpKind::GatedInOne => vec![shape(Target::GateUpProj, d, 2 * ff, of_mlp)],
        MlpKind::Plain => vec![up],
    });
    shapes.push(shape(Target::DownProj, ff, d, of_mlp));
    if let Some(width) = config.per_layer_input {
        shapes.extend([
            shape(Target::PerLayerInputGate, d, width, false),
            shape(Target::PerLayerProjection, width, d, false),
        ]);
    }
    shapes
}

/// Path within a layer and width of each of its norms.
fn norm_shapes(config: &DecoderConfig, layer: usize) -> Vec<(&'static str, usize)> {
    let d = config.hidden_size;
    let mut shapes: Vec<(&str, usize)> = match config.norm_placement {
        NormPlacement::Before | NormPlacement::OnStream => vec![(INPUT_NORM, d), (ATTENTION_NORM, d)],
        NormPlacement::After => vec![(ATTENTION_NORM, d), (LAST_NORM, d)],
        NormPlacement::Around => {
            vec![(INPUT_NORM, d), (ATTENTION_NORM, d), (MLP_NORM, d), (LAST_NORM, d)]
        }
    };
    if config.per_layer_input.is_some() {
        shapes.push((PER_LAYER_NORM, d));
    }
    let Heads { n_kv_heads, head_dim } = config.heads(config.reach(layer));
    let (n_heads, n_kv_heads) = match config.qk_norm {
        _ if config.is_conv(layer) => return shapes,
        QkNorm::None => return shapes,
        QkNorm::Head => (1, 1),
        QkNorm::Whole => (config.n_heads, n_kv_heads),
    };
    shapes.push((Q_NORM, n_heads * head_dim));
    if config.kv_source(layer) != KvSource::Earlier {
        shapes.push((K_NORM, n_kv_heads * head_dim));
    }
    shapes
}

const INPUT_NORM: &str = "input_layernorm";
const ATTENTION_NORM: &str = "post_attention_layernorm";
const MLP_NORM: &str = "pre_feedforward_layernorm";
const LAST_NORM: &str = "post_feedforward_layernorm";
const PER_LAYER_NORM: &str = "post_per_layer_input_norm";
const Q_NORM: &str = "self_attn.q_norm";
const K_NORM: &str = "self_attn.k_norm";

const POSITIONS: &str = "model.embed_positions";
const PROJECT_IN: &str = "model.project_in";
const PROJECT_OUT: &str = "model.project_out";
const TAPS: &str = "conv.conv";
const LAYER_SCALAR: &str = "layer_scalar";
const PER_LAYER_TABLE: &str = "model.embed_tokens_per_layer";
const PER_LAYER_MAP: &str = "model.per_layer_model_projection";
const PER_LAYER_MAP_NORM: &str = "model.per_layer_projection_norm";

/// Name and shape of every tensor of the model, without adapters.
pub(crate) fn tensor_shapes(config: &DecoderConfig) -> Vec<(String, Vec<usize>)> {
    let (v, d, e) = (config.vocab_size, config.hidden_size, config.embedding_size);
    let mut shapes = vec![("model.embed_tokens.weight".to_owned(), vec![v, e])];
    if let Some(first) = config.first_position_row {
        shapes.push((format!("{POSITIONS}.weight"), vec![first + config.max_position_embeddings, d]));
    }
    if e != d {
        shapes.push((format!("{PROJECT_IN}.weight"), vec![d, e]));
        shapes.push((format!("{PROJECT_OUT}.weight"), vec![e, d]));
    }
    if let Some(width) = config.per_layer_input {
        let all = config.n_layers * width;
        for (name, shape) in [
            (PER_LAYER_TABLE, vec![v, all]),
            (PER_LAYER_MAP, vec![all, d]),
            (PER_LAYER_MAP_NORM, vec![width]),
        ] {
            shapes.push((format!("{name}.weight"), shape));
        }
    }
    for layer in 0..config.n_layers {
        let mut add = |name: &str, shape| shapes.push((format!("model.layers.{layer}.{name}"), shape));
        for (name, width) in norm_shapes(config, layer) {
            add(&format!("{name}.weight"), vec![width]);
            if config.norm_kind == NormKind::Layer {
                add(&format!("{name}.bias"), vec![width]);
            }
        }
        for linear in linear_shapes(config, layer) {
            add(&format!("{}.weight", linear.target.path()), vec![linear.n_out, linear.n_in]);
            if linear.bias {
                add(&format!("{}.bias", linear.target.path()), vec![linear.n_out]);
            }
        }
        if let Some(convs) = config.short_convs.as_ref().filter(|convs| convs.layers[layer]) {
            add(&format!("{TAPS}.weight"), vec![d, 1, convs.width]);
            if convs.bias {
                add(&format!("{TAPS}.bias"), vec![d]);
            }
        }
        if config.layer_scalar {
            add(LAYER_SCALAR, vec![1]);
        }
    }
    if config.final_norm {
        shapes.push(("model.norm.weight".to_owned(), vec![d]));
        if config.norm_kind == NormKind::Layer {
            shapes.push(("model.norm.bias".to_owned(), vec![d]));
        }
    }
    if !config.tie_word_embeddings {
        shapes.push(("lm_head.weight".to_owned(), vec![v, e]));
    }
    shapes
}

/// Where the tensors of a new model come from.
pub(crate) trait TensorSource {
    /// Values of one tensor by its path in the module tree; the result has the asked-for shape.
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<TensorData>;
}

/// Builds a model from its tensors.
pub(crate) fn build(
    config: &DecoderConfig,
    source: &mut dyn TensorSource,
    dtype: DType,
    device: &Device,
) -> Result<LanguageModel> {
    Builder { config, source, dtype, device }.model()
}

struct Builder<'a> {
    config: &'a DecoderConfig,
    source: &'a mut dyn TensorSource,
    dtype: DType,
    device: &'a Device,
}

impl Builder<'_> {
    fn model(mut self) -> Result<LanguageModel> {
        let config = self.config;
        let (v, d, e) = (config.vocab_size, config.hidden_size, config.embedding_size);
        let mut body = Body::new(
            Embedding::new(self.tensor("model.embed_tokens.weight", [v, e])?),
            (0..config.n_layers).map(|idx| self.layer(idx)).collect::<Result<_>>()?,
            config.final_norm.then(|| self.norm("model.norm", d)).transpose()?,
            config.per_layer_input.map(|width| self.per_layer_inputs(width)).transpose()?,
        );
        if let Some(first) = config.first_position_row {
            let n_rows = first + config.max_position_embeddings;
            body.embed_positions =
                Some(Embedding::new(self.tensor(&format!("{POSITIONS}.weight"), [n_rows, d])?));
        }
        if e != d {
            let (to, from) = (format!("{PROJECT_IN}.weight"), format!("{PROJECT_OUT}.weight"));
            body.project_in = Some(Linear::new(self.tensor(&to, [d, e])?, None));
            body.project_out = Some(Linear::new(self.tensor(&from, [e, d])?, None));
        }
        let lm_head = match config.tie_word_embeddings {
            true => None,
            false => Some(Embedding::new(self.tensor("lm_head.weight", [v, e])?)),
        };
        Ok(LanguageModel::from_parts(body, lm_head, config.clone()))
    }

    fn per_layer_inputs(&mut self, width: usize) -> Result<(Embedding, Linear, Norm)> {
        let (v, d, all) = (self.config.vocab_size, self.config.hidden_size, self.config.n_layers * width);
        Ok((
            Embedding::new(self.tensor(&format!("{PER_LAYER_TABLE}.weight"), [v, all])?),
            Linear::new(self.tensor(&format!("{PER_LAYER_MAP}.weight"), [all, d])?, None),
            self.norm(PER_LAYER_MAP_NORM, width)?,
        ))
    }

    fn layer(&mut self, idx: usize) -> Result<Layer> {
        let prefix = format!("model.layers.{idx}");
        let mut linears = HashMap::new();
        for shape in linear_shapes(self.config, idx) {
            linears.insert(shape.target, self.linear(&prefix, shape)?);
        }
        let mut norms = HashMap::new();
        for (name, width) in norm_shapes(self.config, idx) {
            norms.insert(name, self.norm(&format!("{prefix}.{name}"), width)?);
        }
        let layer_scalar = match self.config.layer_scalar {
            true => Some(self.tensor(&format!("{prefix}.{LAYER_SCALAR}"), [1])?),
            false => None,
        };
        let conv = match (linears.remove(&Target::ConvIn), linears.remove(&Target::ConvOut)) {
            (Some(in_proj), Some(out_proj)) => {
                Some(ShortConv { in_proj, conv: self.taps(&prefix)?, out_proj })
            }
            _ => None,
        };
        let always = "every family has it";
        Ok(Layer {
            conv,
            self_attn: (!self.config.is_conv(idx)).then(|| Attention {
                q_proj: linears.remove(&Target::QProj),
                k_proj: linears.remove(&Target::KProj),
                v_proj: linears.remove(&Target::VProj),
                qkv_proj: linears.remove(&Target::QkvProj),
                layout: self.config.qkv,
                o_proj: linears.remove(&Target::OProj).expect(always),
                q_norm: norms.remove(Q_NORM),
                k_norm: norms.remove(K_NORM),
                value_norm_eps: self.config.value_norm.then_some(self.config.norm_eps),
            }),
            mlp: Mlp {
                gate_proj: linears.remove(&Target::GateProj),
                up_proj: linears.remove(&Target::UpProj),
                gate_up_proj: linears.remove(&Target::GateUpProj),
                down_proj: linears.remove(&Target::DownProj).expect(always),
                activation: self.config.activation,
            },
            input_layernorm: norms.remove(INPUT_NORM),
            post_attention_layernorm: norms.remove(ATTENTION_NORM).expect(always),
            pre_feedforward_layernorm: norms.remove(MLP_NORM),
            post_feedforward_layernorm: norms.remove(LAST_NORM),
            per_layer_input_gate: linears.remove(&Target::PerLayerInputGate),
            per_layer_projection: linears.remove(&Target::PerLayerProjection),
            post_per_layer_input_norm: norms.remove(PER_LAYER_NORM),
            // A buffer of the original: saved, never trained.
            layer_scalar: layer_scalar.map(|value| Param::from_tensor(value).set_require_grad(false)),
            residual_scale: self.config.scales.residual,
            is_parallel: self.config.parallel_residual,
            norm_placement: self.config.norm_placement,
        })
    }

    fn taps(&mut self, prefix: &str) -> Result<Taps> {
        let convs = self.config.short_convs.as_ref().expect("asked for in such a model");
        let (d, name) = (self.config.hidden_size, format!("{prefix}.{TAPS}"));
        let weight = self.tensor(&format!("{name}.weight"), [d, 1, convs.width])?;
        let bias = match convs.bias {
            true => Some(self.tensor(&format!("{name}.bias"), [d])?),
            false => None,
        };
        Ok(Taps { weight: Param::from_tensor(weight), bias: bias.map(Param::from_tensor) })
    }

    fn linear(&mut self, prefix: &str, shape: LinearShape) -> Result<Linear> {
        let name = format!("{prefix}.{}", shape.target.path());
        let weight = self.tensor(&format!("{name}.weight"), [shape.n_out, shape.n_in])?;
        let bias = match shape.bias {
            false => None,
            true => Some(self.tensor(&format!("{name}.bias"), [shape.n_out])?),
        };
        Ok(Linear::new(weight, bias))
    }

    fn norm(&mut self, name: &str, width: usize) -> Result<Norm> {
        let weight = self.tensor(&format!("{name}.weight"), [width])?;
        Ok(match self.config.norm_kind {
            NormKind::RootMeanSquare => Norm::new(weight, self.config.norm_eps, self.config.norm_offset),
            NormKind::Layer => {
                let bias = self.tensor(&format!("{name}.bias"), [width])?;
                Norm::layer(weight, bias, self.config.norm_eps)
            }
        })
    }

    fn tensor<const D: usize>(&mut self, name: &str, shape: [usize; D]) -> Result<Tensor<D>> {
        let data = self.source.tensor(name, &shape)?;
        Ok(Tensor::from_data(data, (self.device, self.dtype)))
    }
}

#[cfg(test)]
mod tests;
