//! What training asks of a language model.

use burn::module::Module;
use burn::tensor::Tensor;
use kernels::LogitScale;
use model::{Beginnings, LanguageModel, TokenBatch};

/// A decoder that is trained: hidden states of whole sequences, and the head.
///
/// The two halves are apart so that the vocabulary's rows are computed only where something is predicted.
pub trait CausalLm: Module {
    /// Final hidden states; what stands behind a token, or belongs to another sequence, must not change its state.
    ///
    /// # Shapes
    /// `[B,T]` → `[B,T,D]`
    fn hidden(&self, batch: &TokenBatch) -> Tensor<3> {
        let x = (0..self.n_layers()).fold(self.start(batch), |x, idx| self.layer(idx, x, batch));
        self.finish(x, batch)
    }

    /// Whether a token's state depends on nothing behind it, so that sequences may share what they begin with.
    fn beginnings(&self) -> Beginnings;

    /// Whether a layer reads nothing but what the one before it gives; only then is it called alone.
    fn layers_stand_alone(&self) -> bool;

    /// Number of layers.
    fn n_layers(&self) -> usize;

    /// What the first layer reads.
    ///
    /// # Shapes
    /// `[B,T]` → `[B·T,D]`
    fn start(&self, batch: &TokenBatch) -> Tensor<2>;

    /// One layer.
    ///
    /// # Shapes
    /// `[B·T,D]` → `[B·T,D]`
    fn layer(&self, idx: usize, x: Tensor<2>, batch: &TokenBatch) -> Tensor<2>;

    /// What follows the last layer.
    ///
    /// # Shapes
    /// `[B·T,D]` → `[B,T,D]`
    fn finish(&self, x: Tensor<2>, batch: &TokenBatch) -> Tensor<3>;

    /// Whether [`CausalLm::start`] has weights that are trained.
    fn trains_embedding(&self) -> bool;

    /// The head, for objectives that never write the logits of the whole vocabulary: its weight `[V,D]`, and what
    /// happens to the products.
    fn lm_head(&self) -> (Tensor<2>, LogitScale);
}

impl CausalLm for LanguageModel {
    fn hidden(&self, batch: &TokenBatch) -> Tensor<3> {
        Self::hidden(self, batch)
    }

    fn beginnings(&self) -> Beginnings {
        Self::beginnings(self)
    }

    fn layers_stand_alone(&self) -> bool {
        Self::layers_stand_alone(self)
    }

    fn n_layers(&self) -> usize {
        self.config().n_layers
    }

    fn start(&self, batch: &TokenBatch) -> Tensor<2> {
        Self::start(self, batch)
    }

    fn layer(&self, idx: usize, x: Tensor<2>, batch: &TokenBatch) -> Tensor<2> {
        Self::layer(self, idx, x, batch)
    }

    fn finish(&self, x: Tensor<2>, batch: &TokenBatch) -> Tensor<3> {
        Self::finish(self, x, batch)
    }

    fn trains_embedding(&self) -> bool {
        Self::trains_embedding(self)
    }

    fn lm_head(&self) -> (Tensor<2>, LogitScale) {
        (self.lm_head_weight(), self.logit_scale())
    }
}
