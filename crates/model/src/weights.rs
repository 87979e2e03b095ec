//! Weights in and out: safetensors in HF's names and layout, or fresh ones from a seed.
//!
//! The names and shapes of a model's tensors are listed once, here; reading, writing, initialising and the adapter all
//! go by that list.

mod files;
mod fresh;
mod read;
mod write;

use std::collections::HashMap;

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};

pub use write::{SaveOptions, copy_companions};

pub(crate) use files::{TensorFiles, write_atomically, write_tensors};
#[cfg(test)]
pub(crate) use fresh::normal_values;
pub(crate) use fresh::{tensor_rng, uniform_values};
pub(crate) use write::{HostTensor, host_values};

use crate::Result;
use crate::config::{DecoderConfig, Heads, KvSource, NormPlacement, QkNorm};
use crate::decoder::{Attention, Body, Embedding, LanguageModel, Layer, Linear, Mlp, RmsNorm};
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
    let (output, down) =
        (shape(Target::OProj, q, d, config.output_bias), shape(Target::DownProj, ff, d, config.mlp_bias));
    if config.fused_maps {
        return vec![
            shape(Target::QkvProj, d, q + 2 * kv, config.qkv_bias),
            output,
            shape(Target::GateUpProj, d, 2 * ff, config.mlp_bias),
            down,
        ];
    }
    let (k, v) = (shape(Target::KProj, d, kv, config.qkv_bias), shape(Target::VProj, d, kv, config.qkv_bias));
    let mut shapes = vec![shape(Target::QProj, d, q, config.qkv_bias)];
    shapes.extend(match config.kv_source(layer) {
        KvSource::Own => vec![k, v],
        KvSource::KeysAlone => vec![k],
        KvSource::Earlier => Vec::new(),
    });
    shapes.extend([
        output,
        shape(Target::GateProj, d, ff, config.mlp_bias),
        shape(Target::UpProj, d, ff, config.mlp_bias),
        down,
    ]);
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
        NormPlacement::Before => vec![(INPUT_NORM, d), (ATTENTION_NORM, d)],
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

const LAYER_SCALAR: &str = "layer_scalar";
const PER_LAYER_TABLE: &str = "model.embed_tokens_per_layer";
const PER_LAYER_MAP: &str = "model.per_layer_model_projection";
const PER_LAYER_MAP_NORM: &str = "model.per_layer_projection_norm";

/// Name and shape of every tensor of the model, without adapters.
pub(crate) fn tensor_shapes(config: &DecoderConfig) -> Vec<(String, Vec<usize>)> {
    let (v, d) = (config.vocab_size, config.hidden_size);
    let mut shapes = vec![("model.embed_tokens.weight".to_owned(), vec![v, d])];
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
        }
        for linear in linear_shapes(config, layer) {
            add(&format!("{}.weight", linear.target.path()), vec![linear.n_out, linear.n_in]);
            if linear.bias {
                add(&format!("{}.bias", linear.target.path()), vec![linear.n_out]);
            }
        }
        if config.layer_scalar {
            add(LAYER_SCALAR, vec![1]);
        }
    }
    shapes.push(("model.norm.weight".to_owned(), vec![d]));
    if !config.tie_word_embeddings {
        shapes.push(("lm_head.weight".to_owned(), vec![v, d]));
    }
    shapes
}

/// Where the tensors of a new model come from.
pub(crate) trait TensorSource {
    /// Values of one tensor; the result has the asked-for shape.
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
        let (v, d) = (self.config.vocab_size, self.config.hidden_size);
        let embed_tokens = Embedding::new(self.tensor("model.embed_tokens.weight", [v, d])?);
        let layers = (0..self.config.n_layers).map(|idx| self.layer(idx)).collect::<Result<_>>()?;
        let norm = self.norm("model.norm", d)?;
        let lm_head = match self.config.tie_word_embeddings {
            true => None,
            false => Some(Embedding::new(self.tensor("lm_head.weight", [v, d])?)),
        };
        let per_layer = self.config.per_layer_input.map(|width| self.per_layer_inputs(width)).transpose()?;
        let body = Body::new(embed_tokens, layers, norm, per_layer);
        Ok(LanguageModel::from_parts(body, lm_head, self.config.clone()))
    }

    fn per_layer_inputs(&mut self, width: usize) -> Result<(Embedding, Linear, RmsNorm)> {
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
        let always = "every family has it";
        Ok(Layer {
            self_attn: Attention {
                q_proj: linears.remove(&Target::QProj),
                k_proj: linears.remove(&Target::KProj),
                v_proj: linears.remove(&Target::VProj),
                qkv_proj: linears.remove(&Target::QkvProj),
                o_proj: linears.remove(&Target::OProj).expect(always),
                q_norm: norms.remove(Q_NORM),
                k_norm: norms.remove(K_NORM),
                value_norm_eps: self.config.value_norm.then_some(self.config.rms_norm_eps),
            },
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
        })
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

    fn norm(&mut self, name: &str, width: usize) -> Result<RmsNorm> {
        let weight = self.tensor(&format!("{name}.weight"), [width])?;
        Ok(RmsNorm::new(weight, self.config.rms_norm_eps, self.config.norm_offset))
    }

    fn tensor<const D: usize>(&mut self, name: &str, shape: [usize; D]) -> Result<Tensor<D>> {
        let data = self.source.tensor(name, &shape)?;
        Ok(Tensor::from_data(data, (self.device, self.dtype)))
    }
}

#[cfg(test)]
mod tests;
