//! Operations that burn has no fast form of on a CPU, each as one custom operation with its gradient.
//!
//! [`linear`], [`rms_norm`], [`gated`], [`softmax_stats`], [`rotate`], [`attention`], [`store`], [`head_stats`],
//! [`adamw`]: a function on tensors each, behind one seam (`ops::KernelOps`). On flex they run the code here; on other backends the reference bodies in plain tensor
//! operations, which the tests compare with. Tensors that are not f32 take the reference bodies everywhere, except
//! bf16 weights of [`linear`].
//!
//! What it does not know: models, files, tokens.

mod adamw;
mod attention;
mod autodiff;
mod flex;
mod head;
mod matrix;
mod ops;
mod product;
mod reference;
mod rows;
mod simd;
mod threads;
pub mod verify;

pub use adamw::AdamWStep;
pub use head::LogitScale;
pub use ops::{
    EntropyGradient, HeadStats, adamw, attention, gated, head_stats, linear, rms_norm, rotate, softmax_stats,
    store,
};
pub use rows::{Gate, exponentials};
pub use simd::force_scalar;

#[cfg(test)]
mod tests;
