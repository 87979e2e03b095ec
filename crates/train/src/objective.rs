//! What a step minimises, as seen from the optimizer.

use burn::tensor::Tensor;

use crate::{Batch, RowUnit, TokenStats};

/// How the values of a figure from several micro-batches become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Values are shares that were divided by the whole step's normaliser.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl Fold {
    /// Combines two values.
    pub fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Sum => a + b,
            Self::Min => a.min(b),
            Self::Max => a.max(b),
        }
    }
}

/// A figure about a micro-batch, on the device until the step's end.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Name in [`crate::StepReport::metrics`].
    pub name: &'static str,
    /// How micro-batches are combined.
    pub fold: Fold,
    /// `[1]`, without a gradient.
    pub value: Tensor<1>,
}

impl Metric {
    /// A figure that is a sum over micro-batches.
    pub fn sum(name: &'static str, value: Tensor<1>) -> Self {
        Self { name, fold: Fold::Sum, value: value.inner() }
    }

    /// A figure that is the smallest of the micro-batches'.
    pub fn min(name: &'static str, value: Tensor<1>) -> Self {
        Self { name, fold: Fold::Min, value: value.inner() }
    }

    /// A figure that is the largest of the micro-batches'.
    pub fn max(name: &'static str, value: Tensor<1>) -> Self {
        Self { name, fold: Fold::Max, value: value.inner() }
    }
}

/// A micro-batch's part of the loss, with figures.
#[derive(Clone, Debug)]
pub struct LossTerms {
    /// `[1]`. Parts of all micro-batches add up to the step's loss.
    pub loss: Tensor<1>,
    /// Figures for the report.
    pub metrics: Vec<Metric>,
}

/// What a step minimises. Normalisers of the whole step live in the implementor, so that the split does not matter.
pub trait Objective {
    /// The part of the loss that belongs to `batch`.
    fn loss(&self, batch: &Batch, stats: &TokenStats) -> LossTerms;

    /// Rows that a split must leave together.
    fn unit(&self) -> RowUnit {
        RowUnit::Single
    }
}
