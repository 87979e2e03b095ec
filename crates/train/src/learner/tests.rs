use super::*;
use crate::sft::CrossEntropy;
use crate::test_support::{model, rows};
use crate::{
    EntropyGradient, LossTerms, RowUnit, TokenStats, micro_batches, named_gradients, named_parameters,
};

fn split(budget: usize) -> Vec<Vec<Row>> {
    micro_batches(rows(), budget, RowUnit::Single)
}

#[test]
fn the_split_changes_neither_loss_nor_gradient() {
    let learner = Learner::new(model(2), LearnerConfig::default());
    let run = |budget: usize| {
        let parts = split(budget);
        let (gradients, report) =
            learner.gradients(&parts, &CrossEntropy::mean(&parts), &ScoreSettings::default());
        (parts.len(), report, named_gradients(learner.model(), &gradients))
    };
    let (n_whole, whole, whole_gradients) = run(1000);
    let (n_parts, parts, part_gradients) = run(8);
    assert_eq!((n_whole, n_parts), (1, 5));
    assert!((whole.loss - parts.loss).abs() < 1e-6, "{} and {}", whole.loss, parts.loss);
    assert!((whole.metrics["entropy"] - parts.metrics["entropy"]).abs() < 1e-5);
    for (a, b) in whole_gradients.iter().zip(&part_gradients) {
        let worst = a.values.iter().zip(&b.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "{}: {worst}", a.name);
    }
}

#[test]
fn recomputed_activations_give_the_same_gradients() {
    let adapted = model(2).with_fresh_lora(&model::LoraConfig::all_linear(4, 8.0), 5);
    for model in [model(2), adapted] {
        let run = |activations| {
            let learner = Learner::new(model.clone(), LearnerConfig { activations, ..Default::default() });
            let parts = split(20);
            let score = ScoreSettings { entropy: EntropyGradient::Tracked, ..Default::default() };
            let (gradients, report) = learner.gradients(&parts, &CrossEntropy::mean(&parts), &score);
            (report.loss, named_gradients(learner.model(), &gradients))
        };
        let (kept_loss, kept) = run(Activations::Kept);
        let (loss, recomputed) = run(Activations::Recomputed);
        assert!((kept_loss - loss).abs() < 1e-6);
        assert!(!kept.is_empty() && kept.len() == recomputed.len());
        for (a, b) in kept.iter().zip(&recomputed) {
            assert_eq!(a.name, b.name);
            let worst = a.values.iter().zip(&b.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-6, "{}: {worst}", a.name);
        }
    }
}

#[test]
fn steps_lower_the_loss_and_repeat_to_the_bit() {
    let run = || {
        let parts = split(1000);
        let mut learner = Learner::new(model(2), LearnerConfig::default());
        let objective = CrossEntropy::mean(&parts);
        let losses: Vec<f64> = (0..20)
            .map(|_| learner.step(&parts, &objective, &ScoreSettings::default(), 1e-2).unwrap().loss)
            .collect();
        (losses, named_parameters(learner.model()))
    };
    let (losses, weights) = run();
    assert!(losses[19] < 0.5 * losses[0], "{losses:?}");
    assert_eq!((losses, weights), run());
}

#[test]
fn the_global_norm_is_that_of_all_gradients_together() {
    let parts = split(1000);
    let learner = Learner::new(model(2), LearnerConfig::default());
    let (gradients, _) = learner.gradients(&parts, &CrossEntropy::mean(&parts), &ScoreSettings::default());
    let squares: f64 =
        named_gradients(learner.model(), &gradients).iter().map(|named| named.norm().powi(2)).sum();
    let norm = global_norm(learner.model(), &gradients);
    assert!((norm - squares.sqrt()).abs() < 1e-5 * norm);
    assert_eq!(clip_factor(0.1, 1.0), 1.0);
    assert!((clip_factor(4.0, 1.0) - 0.25).abs() < 1e-6);
}

/// A loss whose gradient is not a number.
struct Broken;

impl Objective for Broken {
    fn loss(&self, _: &Batch, stats: &TokenStats) -> LossTerms {
        LossTerms { loss: stats.logprobs.clone().sqrt().sum(), metrics: Vec::new() }
    }
}

#[test]
fn a_gradient_that_is_not_finite_skips_the_step_and_is_counted() {
    let parts = split(1000);
    let mut learner = Learner::new(model(2), LearnerConfig::default());
    let before = named_parameters(learner.model());
    let report = learner.step(&parts, &Broken, &ScoreSettings::default(), 1e-2).unwrap();
    assert!(report.skipped);
    assert_eq!(report.n_skipped, 1);
    assert_eq!(named_parameters(learner.model()), before);
    let report = learner.step(&parts, &CrossEntropy::mean(&parts), &ScoreSettings::default(), 1e-2).unwrap();
    assert!(!report.skipped && report.n_skipped == 1);
    assert_ne!(named_parameters(learner.model()), before);
}

#[test]
fn only_an_adapter_is_trained_if_there_is_one() {
    let model = model(2).with_fresh_lora(&model::LoraConfig::all_linear(4, 8.0), 5);
    let parts = split(1000);
    let mut learner = Learner::new(model, LearnerConfig::default());
    learner.step(&parts, &CrossEntropy::mean(&parts), &ScoreSettings::default(), 1e-2).unwrap();
    let names: Vec<String> = named_parameters(learner.model()).into_iter().map(|named| named.name).collect();
    assert_eq!(names.len(), 2 * 7 * 2);
    assert!(names.iter().all(|name| name.contains("lora")), "{names:?}");
}

#[test]
fn a_step_without_anything_to_learn_is_an_error() {
    let mut learner = Learner::new(model(2), LearnerConfig::default());
    let error = learner.step(&[], &Broken, &ScoreSettings::default(), 1.0).unwrap_err();
    assert_eq!(error, Error::NothingToLearn { n_rows: 0 });
}

/// Cross-entropy on a device that holds 12 tokens at once.
struct Cramped(CrossEntropy);

impl Objective for Cramped {
    fn loss(&self, batch: &Batch, stats: &TokenStats) -> LossTerms {
        assert!(batch.tokens.ids().len() <= 12, "out of device memory allocating 7 bytes");
        self.0.loss(batch, stats)
    }
}

#[test]
fn a_step_that_does_not_fit_is_taken_in_smaller_parts() {
    let parts = split(1000);
    let mut roomy = Learner::new(model(2), LearnerConfig::default());
    let mut cramped = Learner::new(model(2), LearnerConfig::default());
    let objective = CrossEntropy::mean(&parts);
    for _ in 0..2 {
        let whole = roomy.step(&parts, &objective, &ScoreSettings::default(), 1e-2).unwrap();
        let divided = cramped.step(&parts, &Cramped(objective), &ScoreSettings::default(), 1e-2).unwrap();
        assert!((whole.loss - divided.loss).abs() < 1e-5, "{} and {}", whole.loss, divided.loss);
        assert_eq!((whole.n_rows, whole.n_tokens), (divided.n_rows, divided.n_tokens));
    }
    assert!(cramped.token_limit < 1000, "the limit is kept");
}

#[test]
fn a_row_that_never_fits_is_named_and_changes_nothing() {
    struct Full;
    impl Objective for Full {
        fn loss(&self, _: &Batch, _: &TokenStats) -> LossTerms {
            panic!("An out-of-memory error happened during launch\nCaused by: a test")
        }
    }
    let parts = split(1000);
    let mut learner = Learner::new(model(2), LearnerConfig::default());
    let before = named_parameters(learner.model());
    let error = learner.step(&parts, &Full, &ScoreSettings::default(), 1e-2).unwrap_err();
    assert!(matches!(&error, Error::OutOfMemory { n_rows: 1, .. }), "{error}");
    assert_eq!(before, named_parameters(learner.model()));
}
