//! The best weights so far, and what may be handed over.

use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use burn::tensor::DType;
use model::LanguageModel;
use schema::Artifact;
use train::WeightAverage;

use super::examples::{Example, Goal, mean_and_error};
use crate::events::{Event, Observer};
use crate::publish::Publisher;

/// Candidates whose mean is tried at the end, if memory allows.
pub(super) const KEPT: usize = 6;
/// The base must be beaten by this share of its loss, or by twice the standard error if that is more.
const MARGIN: f64 = 0.002;

/// Weights, and the evaluator's figure for them.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) model: LanguageModel,
    pub(super) loss: f64,
    pub(super) step: u64,
}

/// Evaluates candidates on held-out examples and publishes what is better than base and than all before it.
pub(super) struct Gate<'a> {
    goal: &'a Goal,
    publisher: &'a Publisher,
    held_out: Vec<Example>,
    base: Vec<f64>,
    /// Best first, at most `n_kept`.
    kept: Vec<Candidate>,
    n_kept: usize,
    /// As whole models are stored.
    dtype: DType,
    published: Option<(Candidate, Artifact)>,
    /// Of the last evaluation and of the last publication, in seconds.
    pub(super) eval_s: f64,
    pub(super) publish_s: f64,
}

impl<'a> Gate<'a> {
    /// A gate that measures the base first and keeps `n_kept` candidates.
    ///
    /// # Errors
    /// If the base has no readable weights.
    pub(super) fn new(
        goal: &'a Goal,
        publisher: &'a Publisher,
        held_out: Vec<Example>,
        n_kept: usize,
    ) -> Result<Self> {
        let started = Instant::now();
        let base = goal.losses(&goal.base, &held_out);
        let eval_s = started.elapsed().as_secs_f64();
        let dtype = publisher.stored_dtype()?;
        let (kept, published, publish_s) = (Vec::new(), None, 1.0);
        Ok(Self { goal, publisher, held_out, base, kept, n_kept, dtype, published, eval_s, publish_s })
    }

    /// The evaluator's figure for the base.
    pub(super) fn base_loss(&self) -> f64 {
        mean_and_error(&self.base).0
    }

    /// The best figure so far.
    pub(super) fn best_loss(&self) -> f64 {
        self.kept.first().map_or(f64::INFINITY, |best| best.loss)
    }

    /// The examples that it evaluates on.
    pub(super) fn held_out(&self) -> &[Example] {
        &self.held_out
    }

    /// What lies in the output folder, unless it is still the floor.
    pub(super) fn published(&self) -> Option<&Artifact> {
        self.published.as_ref().map(|(_, artifact)| artifact)
    }

    /// Takes a candidate in; publishes it if it beats the base beyond chance, and what lies there. Its figure.
    ///
    /// What cannot be written, or says something else when it is read back, is warned of: what lies there stays.
    pub(super) fn consider(&mut self, model: &LanguageModel, step: u64, observer: &mut dyn Observer) -> f64 {
        let started = Instant::now();
        let model = model.read_back_in(self.dtype);
        let losses = self.goal.losses(&model.valid(), &self.held_out);
        self.eval_s = started.elapsed().as_secs_f64();
        let (loss, _) = mean_and_error(&losses);
        observer.event(&Event::Evaluation { step, loss, base: self.base_loss(), n: self.held_out.len() });
        if !loss.is_finite() {
            return loss;
        }
        let candidate = Candidate { model, loss, step };
        let is_better = self.published.as_ref().is_none_or(|(published, _)| loss < published.loss);
        if is_better && self.beats_base(&losses) {
            self.publish(candidate.clone(), observer);
        }
        let place = self.kept.partition_point(|kept| kept.loss <= loss);
        self.kept.insert(place, candidate);
        self.kept.truncate(self.n_kept);
        loss
    }

    /// Paired: the same examples under both.
    fn beats_base(&self, losses: &[f64]) -> bool {
        if !self.base_loss().is_finite() {
            // A damaged base: whatever can be computed is better.
            return true;
        }
        let gains: Vec<f64> = self.base.iter().zip(losses).map(|(base, ours)| base - ours).collect();
        let (gain, error) = mean_and_error(&gains);
        gain > (MARGIN * self.base_loss().abs()).max(2.0 * error)
    }

    fn publish(&mut self, candidate: Candidate, observer: &mut dyn Observer) {
        let started = Instant::now();
        let published = self.publisher.publish(&candidate.model, candidate.step);
        self.publish_s = started.elapsed().as_secs_f64();
        match published {
            Ok(artifact) => {
                observer.event(&Event::Published { step: candidate.step, path: artifact.path.clone() });
                self.published = Some((candidate, artifact));
            }
            Err(error) => {
                let message = format!("step {} is not handed over: {error:#}", candidate.step);
                observer.event(&Event::Warning { message });
            }
        }
    }

    /// The best candidate, or the mean of several if that is better, found greedily.
    ///
    /// # Source
    /// Wortsman et al., "Model soups", arXiv 2203.05482, recipe 1.
    pub(super) fn soup(&mut self, until: Instant, observer: &mut dyn Observer) {
        let candidates = self.kept.clone();
        let Some(best) = candidates.first() else { return };
        let mut taken = vec![best.model.clone()];
        let mut lowest = best.loss;
        for candidate in &candidates[1..] {
            let needed = self.eval_s + 2.0 * self.publish_s;
            if until.saturating_duration_since(Instant::now()).as_secs_f64() < needed {
                break;
            }
            let mut average = WeightAverage::default();
            taken.iter().chain([&candidate.model]).for_each(|model| average.add(model));
            let mixed = average.applied_to(best.model.clone());
            let loss = self.consider(&mixed, best.step, observer);
            if loss < lowest {
                lowest = loss;
                taken.push(candidate.model.clone());
            }
        }
    }

    /// What was published last, unless it is still the floor.
    pub(super) fn handed_over(&self) -> Option<&Candidate> {
        self.published.as_ref().map(|(candidate, _)| candidate)
    }

    /// Publishes what has seen held-out examples, which cannot judge it any more.
    pub(super) fn publish_unjudged(&mut self, model: &LanguageModel, step: u64, observer: &mut dyn Observer) {
        self.publish(Candidate { model: model.clone(), loss: self.best_loss(), step }, observer);
    }
}

#[cfg(test)]
mod tests;
