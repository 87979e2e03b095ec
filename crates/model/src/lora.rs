//! Low-rank adapters on a model in memory: attach, detach, merge. Files are `adapter`'s.

use std::fmt;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use crate::Error;
use crate::config::{DecoderConfig, MlpKind, QkvLayout};
use crate::decoder::{LanguageModel, Linear};
use crate::weights::{LinearShape, linear_shapes, tensor_rng, uniform_values};

/// A linear map of every layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// `self_attn.q_proj`
    QProj,
    /// `self_attn.k_proj`
    KProj,
    /// `self_attn.v_proj`
    VProj,
    /// `self_attn.qkv_proj`, the three above in one
    QkvProj,
    /// `self_attn.o_proj`
    OProj,
    /// `mlp.gate_proj`
    GateProj,
    /// `mlp.up_proj`
    UpProj,
    /// `mlp.gate_up_proj`, the two above in one
    GateUpProj,
    /// `mlp.down_proj`
    DownProj,
    /// `conv.in_proj`, of layers with a convolution
    ConvIn,
    /// `conv.out_proj`
    ConvOut,
    /// `per_layer_input_gate`
    PerLayerInputGate,
    /// `per_layer_projection`
    PerLayerProjection,
}

impl Target {
    /// All of them, of all families.
    pub const ALL: [Self; 13] = [
        Self::QProj,
        Self::KProj,
        Self::VProj,
        Self::QkvProj,
        Self::OProj,
        Self::GateProj,
        Self::UpProj,
        Self::GateUpProj,
        Self::DownProj,
        Self::ConvIn,
        Self::ConvOut,
        Self::PerLayerInputGate,
        Self::PerLayerProjection,
    ];

    /// Its name in PEFT's `target_modules`.
    pub fn name(self) -> &'static str {
        match self {
            Self::QProj => "q_proj",
            Self::KProj => "k_proj",
            Self::VProj => "v_proj",
            Self::QkvProj => "qkv_proj",
            Self::OProj => "o_proj",
            Self::GateProj => "gate_proj",
            Self::UpProj => "up_proj",
            Self::GateUpProj => "gate_up_proj",
            Self::DownProj => "down_proj",
            Self::ConvIn => "in_proj",
            Self::ConvOut => "out_proj",
            Self::PerLayerInputGate => "per_layer_input_gate",
            Self::PerLayerProjection => "per_layer_projection",
        }
    }

    /// Its path within a layer.
    pub(crate) fn path(self) -> String {
        let parent = match self {
            Self::QProj | Self::KProj | Self::VProj | Self::QkvProj | Self::OProj => "self_attn",
            Self::GateProj | Self::UpProj | Self::GateUpProj | Self::DownProj => "mlp",
            Self::ConvIn | Self::ConvOut => "conv",
            Self::PerLayerInputGate | Self::PerLayerProjection => return self.name().to_owned(),
        };
        format!("{parent}.{}", self.name())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Target {
    /// All that some family calls by this name, as PEFT's `target_modules` have it: `q_proj`, gpt2's `c_proj`, which are
    /// two, or `attn.c_proj`.
    ///
    /// # Errors
    /// If no family has such a map in its layers.
    pub fn named(name: &str) -> Result<Vec<Self>, Error> {
        let called = Self::called(name);
        if called.is_empty() {
            return Err(Error::UnsupportedVariant {
                model_type: "lora".to_owned(),
                field: "target_modules".to_owned(),
                value: name.to_owned(),
            });
        }
        Ok(called)
    }
}

/// Shape of an adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraConfig {
    /// Inner dimension.
    pub rank: usize,
    /// The side path is scaled by `alpha / rank`.
    pub alpha: f32,
    /// Which maps have a side path, in every layer; those that a family does not have count for nothing.
    pub targets: Vec<Target>,
}

impl LoraConfig {
    /// All linear maps.
    pub fn all_linear(rank: usize, alpha: f32) -> Self {
        Self { rank, alpha, targets: Target::ALL.to_vec() }
    }

    /// The same for a model that may have some of the maps in one: a part stands for the whole, and only what the model
    /// has remains.
    pub(crate) fn on(&self, config: &DecoderConfig) -> Self {
        let whole = |target: Target| match target {
            Target::QProj | Target::KProj | Target::VProj if config.qkv != QkvLayout::Separate => {
                Target::QkvProj
            }
            Target::GateProj | Target::UpProj if config.mlp == MlpKind::GatedInOne => Target::GateUpProj,
            other => other,
        };
        let wanted: Vec<Target> = self.targets.iter().copied().map(whole).collect();
        let mut targets = present_targets(config);
        targets.retain(|target| wanted.contains(target));
        Self { targets, ..self.clone() }
    }

    /// What the side path is multiplied by.
    pub fn scale(&self) -> f32 {
        self.alpha / self.rank as f32
    }
}

/// The linear maps that any layer of a model has.
pub(crate) fn present_targets(config: &DecoderConfig) -> Vec<Target> {
    let shapes = (0..config.n_layers).flat_map(|layer| linear_shapes(config, layer));
    let mut targets: Vec<Target> = shapes.map(|shape| shape.target).collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}

/// One side path: where it is and its two matrices on the host.
pub(crate) struct LoraPair {
    /// Of the linear map, e.g. `model.layers.0.self_attn.q_proj`.
    pub(crate) name: String,
    /// `[r, in]`
    pub(crate) a: Vec<f32>,
    /// `[out, r]`
    pub(crate) b: Vec<f32>,
    pub(crate) shape: LinearShape,
}

/// Names and shapes of all side paths of an adapter.
pub(crate) fn lora_places(config: &DecoderConfig, lora: &LoraConfig) -> Vec<(String, LinearShape)> {
    let places = (0..config.n_layers).flat_map(|layer| {
        let shapes = linear_shapes(config, layer).into_iter();
        let shapes = shapes.filter(|shape| lora.targets.contains(&shape.target));
        shapes.map(move |shape| (format!("model.layers.{layer}.{}", shape.target.path()), shape))
    });
    places.collect()
}

/// The pairs of a new adapter: A as PEFT draws it (Kaiming-uniform with a = √5, i.e. ±1/√in), B zero.
pub(crate) fn fresh_pairs<'a>(
    config: &DecoderConfig,
    lora: &'a LoraConfig,
    seed: u64,
) -> impl Iterator<Item = LoraPair> + use<'a> {
    lora_places(config, lora).into_iter().map(move |(name, shape)| {
        let bound = 1.0 / (shape.n_in as f32).sqrt();
        let a = uniform_values(&mut tensor_rng(seed, &name), bound, lora.rank * shape.n_in);
        LoraPair { name, a, b: vec![0.0; shape.n_out * lora.rank], shape }
    })
}

impl LanguageModel {
    /// Adds a fresh adapter that changes nothing yet; from here on only the adapter asks for gradients.
    pub fn with_fresh_lora(self, lora: &LoraConfig, seed: u64) -> Self {
        let lora = lora.on(&self.config);
        let pairs: Vec<LoraPair> = fresh_pairs(&self.config, &lora, seed).collect();
        self.with_lora_pairs(&lora, pairs)
    }

    /// Adds an adapter with the given matrices, one pair for each of [`lora_places`], in that order.
    pub(crate) fn with_lora_pairs(self, lora: &LoraConfig, pairs: Vec<LoraPair>) -> Self {
        let device = self.device();
        let mut model = self.without_lora().no_grad();
        let mut pairs = pairs.into_iter();
        model = model.map_linears(|target, linear| {
            if !lora.targets.contains(&target) {
                return linear;
            }
            let pair = pairs.next().expect("a pair for every place");
            let (a, b) = upload(pair, lora.rank, &device);
            linear.with_lora(a, b, lora.scale())
        });
        model.lora = Some(lora.clone());
        model
    }

    /// The base model; its weights stay frozen.
    pub fn without_lora(self) -> Self {
        let mut model = self.map_linears(|_, mut linear| {
            linear.lora_a = None;
            linear.lora_b = None;
            linear
        });
        model.lora = None;
        model
    }

    /// The model with its adapter folded into the weights: the same function up to rounding, and faster.
    pub fn merged(self) -> Self {
        let mut model = self.map_linears(|_, linear| linear.merged());
        model.lora = None;
        model
    }

    /// Rebuilds the linear maps, layer by layer, in the order of [`lora_places`].
    pub(crate) fn map_linears(mut self, mut change: impl FnMut(Target, Linear) -> Linear) -> Self {
        for layer in &mut self.model.layers {
            for target in Target::ALL {
                if let Some(linear) = layer.linear_mut(target) {
                    *linear = change(target, linear.clone());
                }
            }
        }
        self
    }
}

fn upload(pair: LoraPair, rank: usize, device: &Device) -> (Tensor<2>, Tensor<2>) {
    let LinearShape { n_in, n_out, .. } = pair.shape;
    let a = Tensor::from_data(TensorData::new(pair.a, [rank, n_in]), device);
    let b = Tensor::from_data(TensorData::new(pair.b, [n_out, rank]), device);
    (a, b)
}

#[cfg(test)]
pub(crate) mod tests;
