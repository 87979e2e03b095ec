use burn::tensor::Device;
use model::{Arch, DecoderConfig, Size};
use train::{Schedule, named_parameters};

use super::*;
use crate::EntropySchedule;

fn model() -> LanguageModel {
    let mut config = DecoderConfig::preset(Arch::Qwen2, Size::Pico);
    config.vocab_size = 24;
    config.initializer_range = 0.15;
    LanguageModel::fresh(&config, 7, &Device::flex().autodiff())
}

/// Two groups of two rows, with the current policy's log-probs as the sampler's.
fn rows(model: &LanguageModel) -> Vec<Row> {
    let drafts = [(5, 1.0), (6, -1.0), (9, 0.5), (11, -0.5)].map(|(token, advantage)| {
        Row::new(vec![3, 4, token], vec![token + 1, token + 2, 1]).with_advantage(advantage)
    });
    let valid = model.valid();
    let logprobs =
        row_logprobs(&valid, &Batch::new(&drafts, valid.beginnings(), &valid.device()), &drafts, 1.0);
    drafts.into_iter().zip(logprobs).map(|(row, logprobs)| row.with_old_logprobs(logprobs)).collect()
}

fn trained(config: GrpoConfig) -> (StepReport, Vec<train::NamedTensor>) {
    let model = model();
    let rows = rows(&model);
    let mut trainer = GrpoTrainer::new(model, GrpoConfig { schedule: Schedule::constant(1e-3), ..config });
    let report = trainer.step_rows(rows, Progress::of_steps(0, 10)).unwrap();
    assert_eq!(trainer.version(), 1);
    (report, named_parameters(trainer.model()))
}

#[test]
fn the_first_step_is_on_policy() {
    let (report, _) = trained(GrpoConfig::default());
    for name in ["clip_ratio/low_mean", "clip_ratio/high_mean", "clip_ratio/region_mean"] {
        assert_eq!(report.metrics[name], 0.0);
    }
    // Rows are equally long and advantages sum to 0: with every ratio 1 the loss is 0, its gradient is not.
    assert!(report.loss.abs() < 1e-6, "{}", report.loss);
    assert!(report.grad_norm > 1e-3);
}

#[test]
fn weights_have_moved_by_nothing_before_a_step_and_further_with_a_higher_rate() {
    let moved_by = |lr| {
        let model = model();
        let rows = rows(&model);
        let config =
            GrpoConfig { schedule: Schedule::constant(1.0), token_budget: 6, ..GrpoConfig::default() };
        let mut trainer = GrpoTrainer::new(model, config);
        assert!(trainer.moved(&rows) < 1e-9);
        trainer.set_peak_lr(lr);
        let report = trainer.step_rows(rows.clone(), Progress::of_steps(0, 10)).unwrap();
        assert_eq!(report.lr, lr);
        trainer.moved(&rows)
    };
    let (short, long) = (moved_by(1e-4), moved_by(1e-3));
    // A step of Adam is as long as its rate, and the divergence grows with the square of that.
    assert!(short > 0.0 && (50.0..200.0).contains(&(long / short)), "{short} {long}");
}

#[test]
fn the_token_budget_does_not_change_the_step() {
    let loss = LossSettings { top_entropy_quantile: 0.5, beta: 0.1, ..LossSettings::default() };
    let config = GrpoConfig { loss, entropy: EntropySchedule::constant(0.02), ..GrpoConfig::default() };
    let (whole, whole_weights) = trained(config);
    let (parts, part_weights) = trained(GrpoConfig { token_budget: 6, ..config });
    assert!((whole.grad_norm - parts.grad_norm).abs() < 1e-5);
    for (a, b) in whole_weights.iter().zip(&part_weights) {
        let worst = a.values.iter().zip(&b.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // A step of Adam is lr · sign for entries whose gradient is rounding noise.
        assert!(worst <= 2.1e-3, "{}: {worst}", a.name);
        let far = a.values.iter().zip(&b.values).filter(|(a, b)| (*a - *b).abs() > 1e-5).count();
        assert!(far * 10 <= a.values.len(), "{}: {far} of {}", a.name, a.values.len());
    }
}

#[test]
fn the_reference_is_the_model_at_the_start() {
    let loss = LossSettings { beta: 0.1, ..LossSettings::default() };
    let model = model();
    let rows = rows(&model);
    let mut trainer = GrpoTrainer::new(
        model,
        GrpoConfig { loss, schedule: Schedule::constant(1e-2), ..GrpoConfig::default() },
    );
    let first = trainer.step_rows(rows.clone(), Progress::of_steps(0, 10)).unwrap();
    let second = trainer.step_rows(rows, Progress::of_steps(1, 10)).unwrap();
    assert!(first.metrics["kl"].abs() < 1e-9);
    assert!(second.metrics["kl"] > 1e-6);
}

#[test]
fn the_entropy_coefficient_follows_the_runs_progress() {
    let entropy = EntropySchedule { start: 0.3, end: 0.1, hold: 0.5 };
    let mut trainer = GrpoTrainer::new(model(), GrpoConfig { entropy, ..GrpoConfig::default() });
    let rows = rows(trainer.model());
    let report = trainer.step_rows(rows, Progress { step: 3, fraction: 0.75 }).unwrap();
    assert!((report.metrics["entropy_coef"] - 0.2).abs() < 1e-9);
}
