//! Weights in and out: safetensors in HF's names and layout, or fresh ones from a seed.
//!
//! The names and shapes of a model's tensors are listed once, here; reading, writing, initialising and the adapter all
//! go by that list.

mod files;
mod fresh;
mod read;
mod write;

use burn::tensor::{DType, Device, Tensor, TensorData};

pub use write::{SaveOptions, copy_companions};

pub(crate) use files::{TensorFiles, write_atomically, write_tensors};
#[cfg(test)]
pub(crate) use fresh::normal_values;
pub(crate) use fresh::{tensor_rng, uniform_values};
pub(crate) use write::{HostTensor, host_values};

use crate::Result;
use crate::config::DecoderConfig;
use crate::decoder::{Attention, Body, Embedding, LanguageModel, Layer, Linear, Mlp, RmsNorm};
use crate::lora::Target;

/// Shape of one of the seven linear maps of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinearShape {
    pub(crate) target: Target,
    pub(crate) n_in: usize,
    pub(crate) n_out: usize,
    pub(crate) bias: bool,
}

/// The linear maps of every layer.
pub(crate) fn linear_shapes(config: &DecoderConfig) -> [LinearShape; 7] {
    let (d, ff) = (config.hidden_size, config.intermediate_size);
    let (q, kv) = (config.n_heads * config.head_dim, config.n_kv_heads * config.head_dim);
    let shape = |target, n_in, n_out, bias| LinearShape { target, n_in, n_out, bias };
    [
        shape(Target::QProj, d, q, config.qkv_bias),
        shape(Target::KProj, d, kv, config.qkv_bias),
        shape(Target::VProj, d, kv, config.qkv_bias),
        shape(Target::OProj, q, d, config.output_bias),
        shape(Target::GateProj, d, ff, config.mlp_bias),
        shape(Target::UpProj, d, ff, config.mlp_bias),
        shape(Target::DownProj, ff, d, config.mlp_bias),
    ]
}

/// Name and shape of every tensor of the model, without adapters.
pub(crate) fn tensor_shapes(config: &DecoderConfig) -> Vec<(String, Vec<usize>)> {
    let (v, d) = (config.vocab_size, config.hidden_size);
    let mut shapes = vec![("model.embed_tokens.weight".to_owned(), vec![v, d])];
    for layer in 0..config.n_layers {
        let mut add = |name: &str, shape| shapes.push((format!("model.layers.{layer}.{name}"), shape));
        add("input_layernorm.weight", vec![d]);
        add("post_attention_layernorm.weight", vec![d]);
        for linear in linear_shapes(config) {
            add(&format!("{}.weight", linear.target.path()), vec![linear.n_out, linear.n_in]);
            if linear.bias {
                add(&format!("{}.bias", linear.target.path()), vec![linear.n_out]);
            }
        }
        if config.qk_norm {
            add("self_attn.q_norm.weight", vec![config.head_dim]);
            add("self_attn.k_norm.weight", vec![config.head_dim]);
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
        Ok(LanguageModel::from_parts(Body { embed_tokens, layers, norm }, lm_head, self.config.clone()))
    }

    fn layer(&mut self, idx: usize) -> Result<Layer> {
        let prefix = format!("model.layers.{idx}");
        let d = self.config.hidden_size;
        let mut linears = Vec::with_capacity(7);
        for shape in linear_shapes(self.config) {
            linears.push(self.linear(&prefix, shape)?);
        }
        let [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]: [Linear; 7] =
            linears.try_into().expect("seven shapes make seven maps");
        let (q_norm, k_norm) = match self.config.qk_norm {
            false => (None, None),
            true => {
                let head_dim = self.config.head_dim;
                let q_norm = self.norm(&format!("{prefix}.self_attn.q_norm"), head_dim)?;
                (Some(q_norm), Some(self.norm(&format!("{prefix}.self_attn.k_norm"), head_dim)?))
            }
        };
        Ok(Layer {
            self_attn: Attention { q_proj, k_proj, v_proj, o_proj, q_norm, k_norm },
            mlp: Mlp { gate_proj, up_proj, down_proj },
            input_layernorm: self.norm(&format!("{prefix}.input_layernorm"), d)?,
            post_attention_layernorm: self.norm(&format!("{prefix}.post_attention_layernorm"), d)?,
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
        Ok(RmsNorm::new(self.tensor(&format!("{name}.weight"), [width])?, self.config.rms_norm_eps))
    }

    fn tensor<const D: usize>(&mut self, name: &str, shape: [usize; D]) -> Result<Tensor<D>> {
        let data = self.source.tensor(name, &shape)?;
        Ok(Tensor::from_data(data, (self.device, self.dtype)))
    }
}

#[cfg(test)]
mod tests;
