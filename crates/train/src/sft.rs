//! Next-token cross-entropy.

use crate::{Batch, LossTerms, Metric, Objective, Row, TokenStats};

/// Cross-entropy of the tokens that count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossEntropy {
    /// The sum is divided by this.
    pub n_items: f64,
    n_tokens: f64,
}

impl CrossEntropy {
    /// Mean over all tokens of the step.
    pub fn mean(parts: &[Vec<Row>]) -> Self {
        let n_tokens = n_tokens(parts);
        Self { n_items: n_tokens, n_tokens }
    }

    /// Divided by a count of one's own, e.g. of a larger batch that the step is a part of.
    pub fn per_items(parts: &[Vec<Row>], n_items: usize) -> Self {
        Self { n_items: n_items as f64, n_tokens: n_tokens(parts) }
    }
}

fn n_tokens(parts: &[Vec<Row>]) -> f64 {
    parts.iter().flatten().map(Row::n_loss_tokens).sum::<usize>() as f64
}

impl Objective for CrossEntropy {
    fn loss(&self, batch: &Batch, stats: &TokenStats) -> LossTerms {
        let loss = stats.logprobs.clone().sum().div_scalar(-self.n_items);
        let entropy =
            (stats.entropy.clone().inner() * batch.loss_mask.clone()).sum().div_scalar(self.n_tokens);
        LossTerms { loss, metrics: vec![Metric::sum("entropy", entropy)] }
    }
}

#[cfg(test)]
mod tests;
