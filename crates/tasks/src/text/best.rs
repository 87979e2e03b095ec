//! The best weights so far, and what may be handed over.

use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use model::LanguageModel;
use schema::Artifact;
use train::WeightAverage;

use super::examples::{Example, Goal, mean_and_error};
use crate::events::{Event, Observer};
use crate::publish::Publisher;

/// Candidates whose mean is tried at the end.
const KEPT: usize = 6;
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
    /// Best first.
    kept: Vec<Candidate>,
    published: Option<(f64, Artifact)>,
    /// Of the last evaluation and of the last publication, in seconds.
    pub(super) eval_s: f64,
    pub(super) publish_s: f64,
}

impl<'a> Gate<'a> {
    /// A gate that measures the base first.
    pub(super) fn new(goal: &'a Goal, publisher: &'a Publisher, held_out: Vec<Example>) -> Self {
        let started = Instant::now();
        let base = goal.losses(&goal.base, &held_out);
        let eval_s = started.elapsed().as_secs_f64();
        Self { goal, publisher, held_out, base, kept: Vec::new(), published: None, eval_s, publish_s: 1.0 }
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

    /// Takes a candidate in; publishes it if it is the best and beats the base beyond chance. Its figure.
    ///
    /// # Errors
    /// If the artifact cannot be written, or says something else than the model: what lies there stays.
    pub(super) fn consider(
        &mut self,
        model: &LanguageModel,
        step: u64,
        observer: &mut dyn Observer,
    ) -> Result<f64> {
        let started = Instant::now();
        let losses = self.goal.losses(&model.valid(), &self.held_out);
        self.eval_s = started.elapsed().as_secs_f64();
        let (loss, _) = mean_and_error(&losses);
        observer.event(&Event::Evaluation { step, loss, base: self.base_loss(), n: self.held_out.len() });
        if !loss.is_finite() {
            return Ok(loss);
        }
        let is_best = loss < self.best_loss();
        let place = self.kept.partition_point(|kept| kept.loss <= loss);
        self.kept.insert(place, Candidate { model: model.clone(), loss, step });
        self.kept.truncate(KEPT);
        if is_best && self.beats_base(&losses) {
            self.publish(model, loss, step, observer)?;
        }
        Ok(loss)
    }

    /// Paired: the same examples under both.
    fn beats_base(&self, losses: &[f64]) -> bool {
        let gains: Vec<f64> = self.base.iter().zip(losses).map(|(base, ours)| base - ours).collect();
        let (gain, error) = mean_and_error(&gains);
        gain > (MARGIN * self.base_loss().abs()).max(2.0 * error)
    }

    fn publish(
        &mut self,
        model: &LanguageModel,
        loss: f64,
        step: u64,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let started = Instant::now();
        let artifact = self.publisher.publish(model, step)?;
        self.publish_s = started.elapsed().as_secs_f64();
        observer.event(&Event::Published { step, path: artifact.path.clone() });
        self.published = Some((loss, artifact));
        Ok(())
    }

    /// The best candidate, or the mean of several if that is better, found greedily.
    ///
    /// # Errors
    /// As [`Gate::consider`].
    ///
    /// # Source
    /// Wortsman et al., "Model soups", arXiv 2203.05482, recipe 1.
    pub(super) fn soup(&mut self, until: Instant, observer: &mut dyn Observer) -> Result<()> {
        let candidates = self.kept.clone();
        let Some(best) = candidates.first() else { return Ok(()) };
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
            let loss = self.consider(&mixed, best.step, observer)?;
            if loss < lowest {
                lowest = loss;
                taken.push(candidate.model.clone());
            }
        }
        Ok(())
    }

    /// The best candidate.
    pub(super) fn best(&self) -> Option<&Candidate> {
        self.kept.first()
    }

    /// Publishes what has seen the held-out examples, which cannot judge it any more.
    ///
    /// # Errors
    /// As [`Gate::consider`].
    pub(super) fn publish_unjudged(
        &mut self,
        model: &LanguageModel,
        step: u64,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        self.publish(model, self.best_loss(), step, observer)
    }
}
