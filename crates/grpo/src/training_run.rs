//! The trainer loop: play, drop what cannot be used, train, hand the weights over.

use std::time::Instant;

use model::{Engine, LanguageModel};
use rollout::Group;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use train::{Progress, StepReport};

use crate::draw::Drawer;
use crate::{Alarm, Budget, CollapseWatch, DrawConfig, Drawn, Error, GrpoTrainer, Rollouts, TrainerHandle};

/// A GRPO run in progress.
///
/// The caller owns the loop: it asks for one step after the other, and may evaluate, print or stop in between.
pub struct TrainingRun {
    trainer: TrainerHandle,
    engine: Engine,
    /// What would be handed over after the last step.
    model: LanguageModel,
    drawer: Drawer,
    budget: Budget,
    watch: CollapseWatch,
    cancel: CancellationToken,
    n_steps: u64,
    version: u64,
    total: Drawn,
}

/// What happened in one step.
#[derive(Debug)]
pub struct Step {
    /// Number of the step, from 0.
    pub idx: u64,
    /// Where the run stood when it began.
    pub progress: Progress,
    /// Figures of training and play.
    pub report: StepReport,
    /// The groups that were trained on.
    pub groups: Vec<Group>,
    /// What was drawn to get them.
    pub drawn: Drawn,
    /// A sign that the run has stopped learning.
    pub alarm: Option<Alarm>,
}

impl TrainingRun {
    /// A run that plays `rollouts`, whose policy should be `engine`'s, and trains `trainer`.
    ///
    /// Must be called within a tokio runtime: play may start at once.
    pub fn new(
        trainer: GrpoTrainer,
        engine: Engine,
        rollouts: Rollouts,
        draw: DrawConfig,
        budget: Budget,
        cancel: &CancellationToken,
    ) -> Self {
        let cancel = cancel.child_token();
        Self {
            version: trainer.version(),
            model: trainer.model().clone(),
            trainer: TrainerHandle::spawn(trainer),
            engine,
            drawer: Drawer::new(rollouts, draw, cancel.clone()),
            budget,
            watch: CollapseWatch::default(),
            cancel,
            n_steps: 0,
            total: Drawn::default(),
        }
    }

    /// Plays and trains one step; `None` when the budget is spent or the run is cancelled, and the engine then plays
    /// [`TrainingRun::model`].
    ///
    /// Not cancel safe: a drop loses the groups that were drawn. Use the token.
    ///
    /// # Errors
    /// [`Error::Starved`] if no group could be used, or as [`TrainerHandle::step`].
    pub async fn next_step(&mut self) -> Result<Option<Step>, Error> {
        if self.is_over() {
            return self.settle().await;
        }
        let (groups, drawn) = self.drawer.draw(self.version, self.budget.deadline).await;
        self.total.add(&drawn);
        if groups.is_empty() {
            return if self.is_over() { self.settle().await } else { Err(starved(&drawn)) };
        }
        let progress = self.budget.progress(self.n_steps, Instant::now());
        let trained = self.trainer.step(groups, progress).await?;
        self.version = trained.version;
        self.model = trained.averaged;
        self.engine.set_model(trained.model, trained.version).await?;
        let mut step = Step {
            idx: self.n_steps,
            progress,
            report: trained.report,
            groups: trained.groups,
            drawn,
            alarm: None,
        };
        self.n_steps += 1;
        step.report.metrics.insert("zero_signal".to_owned(), drawn.zero_signal_share());
        let entropy = step.report.metrics.get("entropy").copied().unwrap_or(f64::INFINITY);
        step.alarm = self.watch.observe(drawn.zero_signal_share(), entropy);
        log(&step);
        Ok(Some(step))
    }

    /// What the run would hand over after the last step: its weights, or their mean near the end; asks for gradients.
    pub fn model(&self) -> &LanguageModel {
        &self.model
    }

    /// Counts of all groups drawn so far.
    pub fn drawn(&self) -> &Drawn {
        &self.total
    }

    /// Ends play and gives the trainer back.
    ///
    /// # Errors
    /// [`Error::TrainerStopped`] if its thread has panicked.
    pub fn finish(self) -> Result<GrpoTrainer, Error> {
        self.cancel.cancel();
        self.trainer.finish()
    }

    /// Play after training is with the weights that are handed over: a version of their own.
    async fn settle(&mut self) -> Result<Option<Step>, Error> {
        self.engine.set_model(self.model.clone(), self.version + 1).await?;
        Ok(None)
    }

    fn is_over(&self) -> bool {
        self.cancel.is_cancelled() || self.budget.is_spent(self.n_steps, Instant::now())
    }
}

fn log(step: &Step) {
    let StepReport { loss, grad_norm, lr, skipped, .. } = step.report;
    let legal_logmass = step.report.metrics.get("legal_logmass").copied();
    info!(step = step.idx, loss, grad_norm, lr, legal_logmass, "step");
    if skipped {
        warn!(step = step.idx, grad_norm, loss, "the gradient was not finite; the step was skipped");
    }
    if let Some(alarm) = step.alarm {
        warn!(step = step.idx, ?alarm, "the run has stopped learning");
    }
}

fn starved(drawn: &Drawn) -> Error {
    let Drawn { groups, incomplete, stale, .. } = drawn;
    Error::Starved(format!("of {groups} groups {incomplete} were incomplete and {stale} too old"))
}
