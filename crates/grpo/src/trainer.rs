//! The trainer: scored groups in, one optimizer step, figures out. Synchronous; runs where the model lives.

use burn::module::Module;
use model::LanguageModel;
use rollout::Group;
use schema::Trajectory;
use train::{
    Batch, EntropyGradient, Learner, Progress, Row, RowUnit, ScoreSettings, StepReport, WeightAverage,
    micro_batches, row_logprobs, token_stats,
};

use crate::advantage::RoleBaselines;
use crate::rows::{advantages_of, group_is_zero_signal, trajectory_rows};
use crate::{Error, GrpoConfig, LossSettings, PolicyObjective, entropy_threshold};

/// Trains a model on groups of trajectories.
#[derive(Debug)]
pub struct GrpoTrainer {
    learner: Learner<LanguageModel>,
    /// Without autodiff; only there if the loss has a KL term.
    reference: Option<LanguageModel>,
    config: GrpoConfig,
    baselines: RoleBaselines,
    average: WeightAverage,
    version: u64,
}

impl GrpoTrainer {
    /// Takes a model whose trained parameters require gradients. With a KL term the reference is this model as it is
    /// now, or without its adapter if it has one.
    pub fn new(model: LanguageModel, config: GrpoConfig) -> Self {
        let reference = (config.loss.beta != 0.0).then(|| {
            let reference = model.clone().valid();
            if reference.lora().is_some() { reference.without_lora() } else { reference }
        });
        let learner = Learner::new(model, config.learner);
        Self {
            learner,
            reference,
            config,
            baselines: RoleBaselines::default(),
            average: WeightAverage::default(),
            version: 0,
        }
    }

    /// Takes the divergence from other weights than those that training began with; `reference` without gradients.
    pub fn with_reference(mut self, reference: LanguageModel) -> Self {
        self.reference = Some(reference);
        self
    }

    /// The weights as they are, asking for gradients.
    pub fn model(&self) -> &LanguageModel {
        self.learner.model()
    }

    /// What the run would hand over now: the mean of the weights since [`GrpoConfig::average_from`], or the weights as
    /// they are before that.
    pub fn averaged(&self) -> LanguageModel {
        self.average.applied_to(self.learner.model().clone())
    }

    /// Version of the weights: the number of steps that changed them.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The settings.
    pub fn config(&self) -> &GrpoConfig {
        &self.config
    }

    /// The highest learning rate of the schedule from now on.
    pub fn set_peak_lr(&mut self, peak: f64) {
        self.config.schedule.peak = peak;
    }

    /// How far the weights have moved from those that drew `rows`: the mean over drawn tokens of half the squared
    /// difference of log-probs, an estimate of the divergence in nats. 0 for weights that have not moved.
    ///
    /// # Source
    /// J. Schulman, "Approximating KL divergence" (2020), estimator k2.
    pub fn moved(&self, rows: &[Row]) -> f64 {
        let model = self.learner.model().valid();
        let (mut sum, mut n_tokens) = (0.0, 0);
        for rows in micro_batches(rows.to_vec(), self.config.token_budget, RowUnit::Single) {
            let batch = Batch::new(&rows, model.beginnings(), &model.device());
            let scored = row_logprobs(&model, &batch, &rows, self.config.temperature);
            for (row, logprobs) in rows.iter().zip(scored) {
                let gaps = row.loss_positions().map(|idx| f64::from(logprobs[idx] - row.old_logprobs()[idx]));
                sum += gaps.map(|gap| gap * gap / 2.0).sum::<f64>();
                n_tokens += row.n_loss_tokens();
            }
        }
        sum / n_tokens.max(1) as f64
    }

    /// One step on the scored members of `groups`, with figures about the play.
    ///
    /// # Errors
    /// If a trajectory contradicts itself, or no token is left to learn from.
    pub fn step(&mut self, groups: &[Group], progress: Progress) -> Result<StepReport, Error> {
        let advantages = advantages_of(groups, self.config.advantages, &mut self.baselines);
        let mut rows = Vec::new();
        for (group, advantages) in groups.iter().zip(&advantages) {
            for (trajectory, advantage) in group.members().zip(advantages) {
                rows.extend(trajectory_rows(trajectory, *advantage)?);
            }
        }
        let mut report = self.step_rows(rows, progress)?;
        let figures = play_figures(groups, self.version);
        report.metrics.extend(figures.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Ok(report)
    }

    /// One step on rows with advantages and the sampler's log-probs.
    ///
    /// # Errors
    /// If no token is left to learn from.
    pub fn step_rows(&mut self, rows: Vec<Row>, progress: Progress) -> Result<StepReport, Error> {
        let config = self.config;
        let n_choices: usize = rows.iter().map(Row::n_loss_tokens).sum();
        let rows = match config.loss.legality_coef {
            0.0 => rows,
            _ => rows.into_iter().map(Row::with_forced_tokens).collect(),
        };
        let n_counted: usize = rows.iter().map(Row::n_loss_tokens).sum();
        let parts = micro_batches(rows, config.token_budget, RowUnit::Single);
        let parts = self.scored_by_reference(parts);
        let settings = LossSettings { entropy_coef: config.entropy.coef(progress.fraction), ..config.loss };
        let mut objective = PolicyObjective::new(settings, &parts, config.max_completion_tokens);
        objective.counts.entropy_threshold = self.entropy_threshold(&parts);
        let score = objective.score_settings(config.temperature);
        let lr = config.schedule.lr(progress);
        let mut report = self.learner.step(&parts, &objective, &score, lr)?;
        for _ in 1..config.n_epochs {
            report = self.learner.step(&parts, &objective, &score, lr)?;
        }
        self.version += u64::from(!report.skipped);
        if progress.fraction >= config.average_from {
            self.average.add(self.learner.model());
        }
        if let Some(entropy) = report.metrics.get_mut("entropy") {
            // Per choice: forced tokens have none.
            *entropy *= n_counted as f64 / n_choices.max(1) as f64;
        }
        report.metrics.insert("entropy_coef".to_owned(), settings.entropy_coef);
        Ok(report)
    }

    fn scored_by_reference(&self, parts: Vec<Vec<Row>>) -> Vec<Vec<Row>> {
        let Some(reference) = &self.reference else {
            return parts;
        };
        let device = reference.device();
        let scored = |rows: Vec<Row>| {
            let logprobs = row_logprobs(
                reference,
                &Batch::new(&rows, reference.beginnings(), &device),
                &rows,
                self.config.temperature,
            );
            rows.into_iter().zip(logprobs).map(|(row, logprobs)| row.with_ref_logprobs(logprobs)).collect()
        };
        parts.into_iter().map(scored).collect()
    }

    /// The threshold is one of the whole step, so it takes a pass of its own.
    fn entropy_threshold(&self, parts: &[Vec<Row>]) -> Option<f64> {
        let quantile = self.config.loss.top_entropy_quantile;
        if quantile >= 1.0 {
            return None;
        }
        let model = self.learner.model().valid();
        let settings = ScoreSettings {
            temperature: self.config.temperature,
            entropy: EntropyGradient::Detached,
            legality: false,
        };
        let mut entropies = Vec::new();
        for rows in parts {
            let batch = Batch::new(rows, model.beginnings(), &model.device());
            let mask = host(batch.loss_mask.clone());
            let values = host(token_stats(&model, &batch, &settings).entropy);
            entropies.extend(
                values.into_iter().zip(mask).filter(|(_, mask)| *mask != 0.0).map(|(value, _)| value),
            );
        }
        entropy_threshold(&entropies, quantile)
    }
}

fn host(values: burn::tensor::Tensor<2>) -> Vec<f32> {
    values.into_data_dtype(burn::tensor::DType::F32).try_to_vec().expect("converted to f32 just now")
}

/// Figures about how the groups were played.
fn play_figures(groups: &[Group], version: u64) -> Vec<(&'static str, f64)> {
    let played: Vec<&Trajectory> = groups.iter().flat_map(Group::members).collect();
    let n = played.len().max(1) as f64;
    let mean =
        |of: &dyn Fn(&Trajectory) -> f64| played.iter().map(|trajectory| of(trajectory)).sum::<f64>() / n;
    let turns = mean(&|trajectory| trajectory.turns.len() as f64);
    let refused = mean(&|trajectory| trajectory.turns.iter().filter(|turn| !turn.legal).count() as f64);
    let zero_signal = groups.iter().filter(|group| group_is_zero_signal(group)).count();
    let oldest = played.iter().map(|trajectory| trajectory.policy_versions[0]).min().unwrap_or(version);
    let mut figures = vec![
        ("reward", mean(&|trajectory| trajectory.reward)),
        ("turns", turns),
        ("illegal_rate", if turns > 0.0 { refused / turns } else { 0.0 }),
        ("zero_signal", zero_signal as f64 / groups.len().max(1) as f64),
        // The step has already raised the version.
        ("staleness", version.saturating_sub(1).saturating_sub(oldest) as f64),
        ("episodes", played.len() as f64),
    ];
    let returns: Vec<f64> = played.iter().filter_map(|trajectory| trajectory.raw_return).collect();
    if !returns.is_empty() {
        figures.push(("return", returns.iter().sum::<f64>() / returns.len() as f64));
    }
    figures
}

#[cfg(test)]
mod tests;
