//! A model with its optimizer: rows in, report out.

mod within_memory;

use std::collections::BTreeMap;

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{DType, Device, Gradients, Tensor};

use self::within_memory::{divided, smaller, unless_out_of_memory};
use crate::score::stats_of_hidden;
use crate::{
    AdamW, AdamWConfig, Batch, CausalLm, Error, LossTerms, Metric, Objective, Row, ScoreSettings, StepReport,
    Tie, clip_factor, global_norm,
};

/// Settings of a [`Learner`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearnerConfig {
    /// The optimizer's.
    pub adamw: AdamWConfig,
    /// Gradients are scaled down to this global norm.
    pub max_grad_norm: f64,
    /// What is kept between the forward and the backward pass.
    pub activations: Activations,
}

/// What a backward pass needs of the forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activations {
    /// Everything that is needed.
    Kept,
    /// The tensors between layers; what lies within a layer is computed again: a third more time, and the memory of one
    /// layer instead of all. Models whose layers read more than the one before keep everything.
    Recomputed,
}

impl Default for LearnerConfig {
    fn default() -> Self {
        Self { adamw: AdamWConfig::default(), max_grad_norm: 1.0, activations: Activations::Kept }
    }
}

/// Owns the weights while they change.
#[derive(Debug)]
pub struct Learner<M> {
    model: M,
    optimizer: AdamW,
    config: LearnerConfig,
    tie: Option<Tie<M>>,
    device: Device,
    /// Tokens of a part, since one with more did not fit.
    token_limit: usize,
    n_steps: u64,
    n_skipped: u64,
}

impl<M: CausalLm> Learner<M> {
    /// Takes a model whose trained parameters require gradients (all of them, or an adapter's).
    ///
    /// # Panics
    /// If the model has no parameters.
    pub fn new(model: M, config: LearnerConfig) -> Self {
        let device = model.devices().first().cloned().expect("a model has parameters");
        let optimizer = AdamW::new(config.adamw);
        Self {
            model,
            optimizer,
            config,
            tie: None,
            device,
            token_limit: usize::MAX,
            n_steps: 0,
            n_skipped: 0,
        }
    }

    /// Adds a pull towards another model to every step; rows must then be read whole ([`Row::with_whole_input`]).
    pub fn with_tie(mut self, tie: Tie<M>) -> Self {
        self.tie = Some(tie);
        self
    }

    /// The weights as they are.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The model, without the optimizer.
    pub fn into_model(self) -> M {
        self.model
    }

    /// Where the model lives.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Steps taken, skipped ones included.
    pub fn n_steps(&self) -> u64 {
        self.n_steps
    }

    /// One optimizer step over all `parts` ([`crate::micro_batches`]), whose gradients are added up.
    ///
    /// A gradient that is not finite leaves weights and optimizer as they were and is counted. Where the device runs out
    /// of memory, the same step is taken in smaller parts, and all later ones too.
    ///
    /// # Errors
    /// [`Error::NothingToLearn`] if there is no part; [`Error::OutOfMemory`] if the smallest part does not fit.
    pub fn step(
        &mut self,
        parts: &[Vec<Row>],
        objective: &dyn Objective,
        score: &ScoreSettings,
        lr: f64,
    ) -> Result<StepReport, Error> {
        if parts.is_empty() {
            return Err(Error::NothingToLearn { n_rows: 0 });
        }
        let (gradients, mut report) = self.gradients_within_memory(parts, objective, score)?;
        report.step = self.n_steps;
        report.lr = lr;
        report.grad_norm = global_norm(&self.model, &gradients);
        report.skipped = !(report.grad_norm.is_finite() && report.loss.is_finite());
        if report.skipped {
            self.n_skipped += 1;
        } else {
            let factor = clip_factor(report.grad_norm, self.config.max_grad_norm);
            self.model = self.optimizer.step(self.model.clone(), gradients, lr, factor);
        }
        report.n_skipped = self.n_skipped;
        self.n_steps += 1;
        Ok(report)
    }

    fn gradients_within_memory(
        &mut self,
        parts: &[Vec<Row>],
        objective: &dyn Objective,
        score: &ScoreSettings,
    ) -> Result<(GradientsParams, StepReport), Error> {
        loop {
            let parts = divided(parts, self.token_limit, objective.unit());
            match unless_out_of_memory(|| self.gradients(&parts, objective, score)) {
                Ok(found) => return Ok(found),
                Err(reason) => {
                    self.token_limit = smaller(&parts, objective.unit(), reason)?;
                    self.device.memory_cleanup();
                }
            }
        }
    }

    /// The gradient of a step and its figures, without touching the weights.
    pub fn gradients(
        &self,
        parts: &[Vec<Row>],
        objective: &dyn Objective,
        score: &ScoreSettings,
    ) -> (GradientsParams, StepReport) {
        let mut accumulator = GradientsAccumulator::<M>::new();
        let n_scored = parts.iter().flatten().map(Row::n_loss_tokens).sum();
        let loss = |hidden: Tensor<3>, batch: &Batch| {
            let mut terms =
                objective.loss(batch, &stats_of_hidden(&self.model, hidden.clone(), batch, score));
            if let Some(tie) = &self.tie {
                let term = tie.term(&self.model, hidden, batch, n_scored);
                terms.metrics.push(Metric::sum("tie", term.clone()));
                terms.loss = terms.loss + term;
            }
            terms
        };
        let mut figures = Figures::default();
        let mut report = StepReport::default();
        for rows in parts {
            let batch = Batch::new(rows, self.model.beginnings(), &self.device);
            report.n_rows += rows.len();
            report.n_tokens += batch.n_tokens;
            report.n_input_tokens += batch.tokens.ids().len();
            let mut add = |gradients| {
                accumulator.accumulate(&self.model, GradientsParams::from_grads(gradients, &self.model));
            };
            let terms = match self.config.activations {
                Activations::Recomputed if self.model.layers_stand_alone() => {
                    backward_by_layer(&self.model, &batch, loss, add)
                }
                _ => {
                    let terms = loss(self.model.hidden(&batch.tokens), &batch);
                    add(terms.loss.backward());
                    terms
                }
            };
            figures.push(Metric::sum("loss", terms.loss));
            terms.metrics.into_iter().for_each(|metric| figures.push(metric));
        }
        report.metrics = figures.read();
        report.loss = report.metrics.remove("loss").expect("pushed for every part");
        (accumulator.grads(), report)
    }
}

/// Walks back layer by layer, each computed a second time from what it read; `add` takes the gradients of each part.
fn backward_by_layer<M: CausalLm>(
    model: &M,
    batch: &Batch,
    loss: impl Fn(Tensor<3>, &Batch) -> LossTerms,
    mut add: impl FnMut(Gradients),
) -> LossTerms {
    let tokens = &batch.tokens;
    let plain = model.valid();
    let mut inputs = vec![plain.start(tokens)];
    for idx in 0..model.n_layers() {
        inputs.push(plain.layer(idx, inputs[idx].clone(), tokens));
    }
    let tracked = |x: Tensor<2>| Tensor::from_inner(x).require_grad();
    let top = tracked(inputs.pop().expect("one more than there are layers"));
    let terms = loss(model.finish(top.clone(), tokens), batch);
    let mut gradients = terms.loss.backward();
    let mut upstream = top.grad_remove(&mut gradients).expect("the loss depends on the hidden states");
    add(gradients);
    for (idx, input) in inputs.into_iter().enumerate().rev() {
        let input = tracked(input);
        let output = model.layer(idx, input.clone(), tokens);
        let mut gradients = (output * Tensor::from_inner(upstream)).sum().backward();
        upstream = input.grad_remove(&mut gradients).expect("a layer depends on its input");
        add(gradients);
    }
    if model.trains_embedding() {
        add((model.start(tokens) * Tensor::from_inner(upstream)).sum().backward());
    }
    terms
}

/// Figures that wait on the device, so that a step reads back once.
#[derive(Default)]
struct Figures(Vec<Metric>);

impl Figures {
    fn push(&mut self, metric: Metric) {
        self.0.push(metric);
    }

    fn read(self) -> BTreeMap<String, f64> {
        let values = Tensor::cat(self.0.iter().map(|metric| metric.value.clone()).collect(), 0);
        let values: Vec<f32> =
            values.into_data_dtype(DType::F32).try_to_vec().expect("converted to f32 just now");
        let mut folded = BTreeMap::new();
        for (metric, value) in self.0.iter().zip(values.into_iter().map(f64::from)) {
            folded
                .entry(metric.name.to_owned())
                .and_modify(|kept| *kept = metric.fold.apply(*kept, value))
                .or_insert(value);
        }
        folded
    }
}

#[cfg(test)]
mod tests;
