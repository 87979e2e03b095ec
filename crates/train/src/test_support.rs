//! What the tests of this crate share: a small model and rows for it.

use burn::tensor::Device;
use model::{Arch, DecoderConfig, LanguageModel, Size};

use crate::Row;

/// A model that is small and not uniform, with gradients.
pub(crate) fn model(seed: u64) -> LanguageModel {
    let mut config = DecoderConfig::preset(Arch::Qwen2, Size::Pico);
    config.vocab_size = 24;
    config.initializer_range = 0.15;
    LanguageModel::fresh(&config, seed, &Device::flex().autodiff())
}

/// Rows of different lengths, some with a common prompt, some restricted, with masked tokens in between.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(vec![3, 4, 5], vec![6, 7, 8]).with_advantage(1.0),
        Row::new(vec![3, 4, 5], vec![6, 9]).with_advantage(-0.5),
        Row::new(vec![3, 4, 5], vec![10, 11, 12, 13]).with_loss_mask(vec![1, 0, 1, 0]).with_advantage(0.25),
        Row::new(vec![14, 15, 16, 17, 18], vec![5])
            .with_allowed_tokens(vec![vec![4, 5, 6]])
            .with_advantage(-1.0),
        Row::new(vec![14, 15, 16, 17, 18], vec![6, 2])
            .with_allowed_tokens(vec![vec![6, 4, 5], vec![2]])
            .with_loss_mask(vec![1, 0])
            .with_advantage(2.0),
    ]
}
