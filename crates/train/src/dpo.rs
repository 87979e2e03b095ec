//! Direct preference optimisation: losses of pairs (chosen, rejected).

use std::str::FromStr;

use burn::tensor::{Tensor, activation};

use crate::{Batch, Error, LossTerms, Metric, Objective, Row, RowUnit, TokenStats};

/// The loss of a pair. x = β·((π_c − r_c) − (π_r − r_r)) with sums of log-probs; d is the same with means and without β.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DpoLoss {
    /// `−log σ(x)` (arXiv 2305.18290 eq. 7); with label smoothing s the conservative form
    /// `−(1−s)·log σ(x) − s·log σ(−x)`.
    Sigmoid,
    /// Unbiased under flipped labels: `(−(1−s)·log σ(x) + s·log σ(−x)) / (1−2s)` (arXiv 2403.00409).
    Robust,
    /// `(d − 1/(2β))²` (arXiv 2310.12036 eq. 17), on means.
    Ipo,
    /// `max(0, 1 − x)` (arXiv 2305.10425).
    Hinge,
    /// `−log σ(β·d)`, on means.
    SigmoidNorm,
}

impl FromStr for DpoLoss {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "sigmoid" => Self::Sigmoid,
            "robust" => Self::Robust,
            "ipo" => Self::Ipo,
            "hinge" => Self::Hinge,
            "sigmoid_norm" => Self::SigmoidNorm,
            _ => {
                let expected = "sigmoid, robust, ipo, hinge or sigmoid_norm";
                return Err(Error::UnknownName { what: "dpo loss", value: text.to_owned(), expected });
            }
        })
    }
}

/// Settings of DPO.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DpoSettings {
    /// Which loss.
    pub loss: DpoLoss,
    /// Strength of the tie to the reference.
    pub beta: f64,
    /// Share of labels that are believed to be wrong.
    pub label_smoothing: f64,
}

impl Default for DpoSettings {
    /// TRL's.
    fn default() -> Self {
        Self { loss: DpoLoss::Sigmoid, beta: 0.1, label_smoothing: 0.0 }
    }
}

/// Sums of log-probs of both completions of each pair, policy and reference, and their token counts; all `[P]`.
#[derive(Clone, Debug)]
pub struct PairLogprobs {
    /// Policy, chosen.
    pub chosen: Tensor<1>,
    /// Policy, rejected.
    pub rejected: Tensor<1>,
    /// Reference, chosen.
    pub ref_chosen: Tensor<1>,
    /// Reference, rejected.
    pub ref_rejected: Tensor<1>,
    /// Tokens of the chosen completion.
    pub n_chosen: Tensor<1>,
    /// Tokens of the rejected completion.
    pub n_rejected: Tensor<1>,
}

/// The loss of each pair.
///
/// # Shapes
/// `[P]`
pub fn pair_losses(pairs: &PairLogprobs, settings: &DpoSettings) -> Tensor<1> {
    let DpoSettings { loss, beta, label_smoothing: s } = *settings;
    let chosen = pairs.chosen.clone() - pairs.ref_chosen.clone();
    let rejected = pairs.rejected.clone() - pairs.ref_rejected.clone();
    let x = || (chosen.clone() - rejected.clone()).mul_scalar(beta);
    let d = || chosen.clone() / pairs.n_chosen.clone() - rejected.clone() / pairs.n_rejected.clone();
    let agree = |margin: Tensor<1>| activation::log_sigmoid(margin);
    match loss {
        DpoLoss::Sigmoid if s == 0.0 => agree(x()).neg(),
        DpoLoss::Sigmoid => agree(x()).mul_scalar(s - 1.0) - agree(x().neg()).mul_scalar(s),
        DpoLoss::Robust => {
            (agree(x()).mul_scalar(s - 1.0) + agree(x().neg()).mul_scalar(s)).div_scalar(1.0 - 2.0 * s)
        }
        DpoLoss::Ipo => (d() - 1.0 / (2.0 * beta)).square(),
        DpoLoss::Hinge => (x().neg() + 1.0).clamp_min(0.0),
        DpoLoss::SigmoidNorm => agree(d().mul_scalar(beta)).neg(),
    }
}

/// DPO over rows in pairs ([`crate::RowUnit::Pair`]) with reference log-probs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dpo {
    settings: DpoSettings,
    n_pairs: f64,
    n_tokens: f64,
}

impl Dpo {
    /// The objective of one step, averaged over its pairs.
    pub fn new(parts: &[Vec<Row>], settings: DpoSettings) -> Self {
        let n_rows: usize = parts.iter().map(Vec::len).sum();
        let n_tokens: usize = parts.iter().flatten().map(Row::n_loss_tokens).sum();
        Self { settings, n_pairs: n_rows as f64 / 2.0, n_tokens: n_tokens as f64 }
    }
}

impl Objective for Dpo {
    /// # Panics
    /// If a row has no reference log-probs.
    fn loss(&self, batch: &Batch, stats: &TokenStats) -> LossTerms {
        let reference = batch.ref_logprobs.clone().expect("DPO needs reference log-probs in every row");
        let (chosen, rejected) = per_pair(stats.logprobs.clone());
        let (ref_chosen, ref_rejected) = per_pair(reference);
        let (n_chosen, n_rejected) = per_pair(batch.loss_mask.clone());
        let pairs = PairLogprobs { chosen, rejected, ref_chosen, ref_rejected, n_chosen, n_rejected };
        let loss = pair_losses(&pairs, &self.settings).sum().div_scalar(self.n_pairs);
        let mut metrics = self.metrics(pairs);
        let entropy =
            (stats.entropy.clone().inner() * batch.loss_mask.clone()).sum().div_scalar(self.n_tokens);
        metrics.push(Metric::sum("entropy", entropy));
        LossTerms { loss, metrics }
    }

    fn unit(&self) -> RowUnit {
        RowUnit::Pair
    }
}

impl Dpo {
    fn metrics(&self, pairs: PairLogprobs) -> Vec<Metric> {
        let mean = |values: Tensor<1>| values.sum().div_scalar(self.n_pairs);
        let (chosen, rejected) = (pairs.chosen.inner(), pairs.rejected.inner());
        let reward = |policy: &Tensor<1>, reference: Tensor<1>| {
            (policy.clone() - reference).mul_scalar(self.settings.beta)
        };
        let (good, bad) = (reward(&chosen, pairs.ref_chosen), reward(&rejected, pairs.ref_rejected));
        vec![
            Metric::sum("logps/chosen", mean(chosen)),
            Metric::sum("logps/rejected", mean(rejected)),
            Metric::sum("rewards/accuracies", mean(good.clone().greater(bad.clone()).float())),
            Metric::sum("rewards/margins", mean(good.clone() - bad.clone())),
            Metric::sum("rewards/chosen", mean(good)),
            Metric::sum("rewards/rejected", mean(bad)),
        ]
    }
}

/// Row sums of `[2P,C]`, apart for even and odd rows.
fn per_pair(cells: Tensor<2>) -> (Tensor<1>, Tensor<1>) {
    let [n_rows, _] = cells.dims();
    let sums = cells.sum_dim(1).reshape([n_rows / 2, 2]);
    let column = |idx: usize| sums.clone().slice([0..n_rows / 2, idx..idx + 1]).reshape([n_rows / 2]);
    (column(0), column(1))
}

#[cfg(test)]
mod tests;
