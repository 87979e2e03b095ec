//! Decoder-only language models on burn: configuration, weights, LoRA, KV cache, and the sampling engine.
//!
//! # Layout
//! - [`DecoderConfig`]: the shape of a model, from HF's config.json or a named size
//! - [`LanguageModel`]: the graph, the same for rollout and training; [`TokenBatch`] goes in
//! - `weights`, `adapter`: safetensors and PEFT folders, in and out
//! - `lora`: the low-rank side path
//! - [`Engine`]: sampling with continuous batching on its own thread
//! - [`devices`], [`DeviceChoice`]: choosing and probing the device
//! - [`verify`]: conformance of a model folder
//!
//! What it does not know: text, objectives, environments, sockets.

mod adapter;
mod config;
mod decoder;
mod device;
mod engine;
mod error;
mod lora;
#[cfg(test)]
mod test_support;
pub mod verify;
mod weights;

pub use adapter::{write_floor_adapter, write_foreign_floor};
pub use config::{
    Activation, Arch, DecoderConfig, Heads, LayerVariants, Llama3Rope, LongRope, MlpKind, NormKind,
    NormPlacement, QkNorm, QkvLayout, RopeConfig, RopeScaling, Scales, ScoreGrowth, ShortConvs, Size,
    SoftCaps, YarnRope,
};
pub use decoder::{
    Beginnings, KvCache, LanguageModel, Linear, Norm, Slots, TokenBatch, families, n_shared_slots,
};
pub use device::{DeviceChoice, DeviceInfo, devices};
pub use engine::{
    Engine, EngineConfig, EngineStats, Event, Finish, GenerateRequest, Generation, Sampling, ScoreRequest,
    Token, TokenStream, candidate_logprobs, generate_batch,
};
pub use error::{Error, Result};
pub use lora::{LoraConfig, Target};
pub use weights::{SaveOptions, copy_companions, stored_dtype};
