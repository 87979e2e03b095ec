//! Next-token cross-entropy.

use burn::tensor::Tensor;

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

/// Cross-entropy in which every row weighs the same, however long it is: what the evaluator of instruct tasks reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowMean {
    n_rows: f64,
}

impl RowMean {
    /// Mean over the rows of a step of the means over their tokens.
    pub fn new(parts: &[Vec<Row>]) -> Self {
        Self { n_rows: parts.iter().map(Vec::len).sum::<usize>() as f64 }
    }
}

impl Objective for RowMean {
    fn loss(&self, batch: &Batch, stats: &TokenStats) -> LossTerms {
        let counts = batch.loss_mask.clone().sum_dim(1).clamp_min(1.0);
        let weights = batch.loss_mask.clone() / counts.mul_scalar(-self.n_rows);
        let entropy = (stats.entropy.clone().inner() * weights.clone()).sum().neg();
        let loss = (stats.logprobs.clone() * Tensor::from_inner(weights)).sum();
        LossTerms { loss, metrics: vec![Metric::sum("entropy", entropy)] }
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
