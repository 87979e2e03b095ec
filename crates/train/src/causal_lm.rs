//! What training asks of a language model.

use burn::module::Module;
use burn::tensor::Tensor;
use model::{LanguageModel, TokenBatch};

/// A decoder that is trained: hidden states of whole sequences, logits of chosen ones.
///
/// The two halves are apart so that the vocabulary's rows are computed only where something is predicted.
pub trait CausalLm: Module {
    /// Final hidden states of right-padded sequences; what stands behind a token must not change its state.
    ///
    /// # Shapes
    /// `[B,T]` → `[B,T,D]`
    fn hidden(&self, batch: &TokenBatch) -> Tensor<3>;

    /// Logits of hidden states.
    ///
    /// # Shapes
    /// `[N,D]` → `[N,V]`
    fn lm_logits(&self, rows: Tensor<2>) -> Tensor<2>;
}

impl CausalLm for LanguageModel {
    fn hidden(&self, batch: &TokenBatch) -> Tensor<3> {
        Self::hidden(self, batch)
    }

    fn lm_logits(&self, rows: Tensor<2>) -> Tensor<2> {
        Self::lm_logits(self, rows)
    }
}
