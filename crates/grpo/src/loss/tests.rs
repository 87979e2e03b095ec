use burn::tensor::{DType, Device, TensorData};

use super::*;
use crate::TruncatedImportance;

const TYPES: [LossType; 7] = [
    LossType::Grpo,
    LossType::Bnpo,
    LossType::DrGrpo,
    LossType::Dapo,
    LossType::Cispo,
    LossType::Sapo,
    LossType::Luspo,
];

fn matrix(values: &[f32], n_columns: usize) -> Tensor<2> {
    let shape = [values.len() / n_columns, n_columns];
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
}

fn number(value: Tensor<1>) -> f64 {
    f64::from(value.into_data_dtype(DType::F32).try_to_vec::<f32>().unwrap()[0])
}

fn metric(terms: &LossTerms, name: &str) -> f64 {
    number(terms.metrics.iter().find(|metric| metric.name == name).unwrap().value.clone())
}

/// Four rows of three cells; the second row has one token, the last a hole.
fn input() -> LossInput {
    LossInput {
        logprobs: matrix(&[-1.0, -0.4, -2.0, -0.3, 0.0, 0.0, -0.7, -1.1, -0.2, -2.0, 0.0, -0.9], 3),
        entropy: matrix(&[0.5, 1.0, 1.5, 0.25, 0.0, 0.0, 0.75, 1.25, 0.5, 2.0, 0.0, 1.0], 3),
        old_logprobs: matrix(&[-1.3, -0.5, -1.5, -0.9, 0.0, 0.0, -0.6, -1.0, -0.4, -1.0, 0.0, -1.4], 3),
        ref_logprobs: Some(matrix(&[-1.1, -0.6, -1.9, -0.5, 0.0, 0.0, -0.9, -1.2, -0.1, -1.5, 0.0, -1.0], 3)),
        sampler_logprobs: Some(matrix(
            &[-1.4, -0.5, -1.0, -0.9, 0.0, 0.0, -0.6, -2.0, -0.4, -1.0, 0.0, -1.4],
            3,
        )),
        legal_logmass: Some(matrix(
            &[-0.1, -0.2, -0.3, -0.4, 0.0, 0.0, -0.5, -0.6, -0.7, -0.8, 0.0, -0.9],
            3,
        )),
        advantages: matrix(&[1.0, -0.5, 2.0, -1.5], 1),
        mask: matrix(&[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0], 3),
    }
}

fn some_rows(input: &LossInput, rows: std::ops::Range<usize>) -> LossInput {
    let part = |values: &Tensor<2>| values.clone().narrow(0, rows.start, rows.len());
    LossInput {
        logprobs: part(&input.logprobs),
        entropy: part(&input.entropy),
        old_logprobs: part(&input.old_logprobs),
        ref_logprobs: input.ref_logprobs.as_ref().map(part),
        sampler_logprobs: input.sampler_logprobs.as_ref().map(part),
        legal_logmass: input.legal_logmass.as_ref().map(part),
        advantages: part(&input.advantages),
        mask: part(&input.mask),
    }
}

fn counts() -> Normalisers {
    Normalisers::new(4, 9, 3)
}

fn settings(loss_type: LossType) -> LossSettings {
    let level = if loss_type == LossType::Luspo { Level::Sequence } else { Level::Token };
    LossSettings { loss_type, level, ..LossSettings::default() }
}

#[test]
fn on_policy_the_loss_is_minus_the_mean_advantage_and_nothing_is_clipped() {
    let mut input = input();
    input.old_logprobs = input.logprobs.clone();
    let per_token = -(3.0 * 1.0 - 0.5 + 3.0 * 2.0 - 2.0 * 1.5) / 9.0;
    let per_row = -(1.0 - 0.5 + 2.0 - 1.5) / 4.0;
    for (loss_type, want) in
        [(LossType::Dapo, per_token), (LossType::Bnpo, per_token), (LossType::Grpo, per_row)]
    {
        let terms = policy_loss(&input, &settings(loss_type), &counts());
        assert!((metric(&terms, "clip_ratio/region_mean")).abs() < 1e-12);
        assert!((number(terms.loss) - want).abs() < 1e-6, "{loss_type:?}");
    }
}

#[test]
fn parts_of_a_step_add_up_to_the_whole_for_every_loss() {
    let input = input();
    for loss_type in TYPES {
        let settings = LossSettings {
            beta: 0.1,
            entropy_coef: 0.02,
            legality_coef: 0.1,
            off_policy_threshold: Some(0.1),
            importance: Some(TruncatedImportance { level: Level::Token, cap: 2.0 }),
            ..settings(loss_type)
        };
        let counts = Normalisers { entropy_threshold: Some(0.5), ..counts() };
        let whole = policy_loss(&input, &settings, &counts);
        let parts = [0..1, 1..3, 3..4].map(|rows| policy_loss(&some_rows(&input, rows), &settings, &counts));
        let sum: f64 = parts.iter().map(|part| number(part.loss.clone())).sum();
        assert!((sum - number(whole.loss.clone())).abs() < 1e-6, "{loss_type:?}");
        for name in ["kl", "entropy", "policy_loss", "legal_logmass"] {
            let sum: f64 = parts.iter().map(|part| metric(part, name)).sum();
            assert!((sum - metric(&whole, name)).abs() < 1e-6, "{loss_type:?} {name}");
        }
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let input = input();
    let order = [2, 0, 3, 1];
    let pick = |values: &Tensor<2>| Tensor::cat(order.map(|idx| values.clone().narrow(0, idx, 1)).into(), 0);
    let shuffled = LossInput {
        logprobs: pick(&input.logprobs),
        entropy: pick(&input.entropy),
        old_logprobs: pick(&input.old_logprobs),
        ref_logprobs: None,
        sampler_logprobs: None,
        legal_logmass: None,
        advantages: pick(&input.advantages),
        mask: pick(&input.mask),
    };
    for loss_type in TYPES {
        let loss = |input: &LossInput| number(policy_loss(input, &settings(loss_type), &counts()).loss);
        assert!((loss(&input) - loss(&shuffled)).abs() < 1e-6, "{loss_type:?}");
    }
}

#[test]
fn tokens_outside_the_mask_have_no_gradient() {
    for loss_type in TYPES {
        let mut input = input();
        let logprobs = input.logprobs.clone().autodiff().require_grad();
        input.logprobs = logprobs.clone();
        let settings = LossSettings { beta: 0.1, kl_weight: KlWeight::Ratio, ..settings(loss_type) };
        let gradients = policy_loss(&input, &settings, &counts()).loss.backward();
        let outside = input.mask.clone().neg().add_scalar(1.0);
        let gradient = logprobs.grad(&gradients).unwrap();
        assert_eq!(number((gradient.clone() * outside).abs().sum()), 0.0, "{loss_type:?}");
        assert!(number(gradient.abs().sum()) > 0.0, "{loss_type:?}");
    }
}

#[test]
fn truncated_importance_weighs_tokens_or_whole_rows() {
    let mut input = input();
    input.old_logprobs = input.logprobs.clone();
    // Row 2 of three tokens: the trainer's log-probs exceed the sampler's by 0.1, 2.0 and −0.3.
    input.sampler_logprobs = Some(
        input.logprobs.clone() - matrix(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 2.0, -0.3, 0.0, 0.0, 0.0], 3),
    );
    let loss = |level: Level| {
        let importance = Some(TruncatedImportance { level, cap: 3.0 });
        number(policy_loss(&input, &LossSettings { importance, ..settings(LossType::Dapo) }, &counts()).loss)
    };
    let others = 3.0 * 1.0 - 0.5 - 2.0 * 1.5;
    let by_token = -(others + 2.0 * (0.1_f64.exp() + 3.0 + (-0.3_f64).exp())) / 9.0;
    let by_row = -(others + 2.0 * 3.0 * 3.0) / 9.0;
    assert!((loss(Level::Token) - by_token).abs() < 1e-5);
    assert!((loss(Level::Sequence) - by_row).abs() < 1e-5);
}

#[test]
fn a_wild_log_ratio_does_not_overflow() {
    let mut input = input();
    input.old_logprobs = input.old_logprobs - 500.0;
    input.ref_logprobs = input.ref_logprobs.map(|reference| reference + 500.0);
    for loss_type in TYPES {
        let settings = LossSettings { beta: 0.1, ..settings(loss_type) };
        assert!(number(policy_loss(&input, &settings, &counts()).loss).is_finite(), "{loss_type:?}");
    }
}

#[test]
fn the_entropy_threshold_interpolates_between_neighbours() {
    let entropies = [3.0, 1.0, 2.0, 4.0, 5.0];
    assert_eq!(entropy_threshold(&entropies, 1.0), None);
    assert_eq!(entropy_threshold(&entropies, 0.25), Some(4.0));
    assert_eq!(entropy_threshold(&entropies, 0.2), Some(4.2));
}

/// Gradient with respect to logits of the expected loss over a vocabulary of five, every token drawn with its
/// probability, on policy.
fn expected_gradient(logits: &[f32], reference: &[f32], settings: &LossSettings) -> Vec<f32> {
    let logits = matrix(logits, logits.len()).autodiff().require_grad();
    let reference = activation::log_softmax(matrix(reference, reference.len()), 1);
    let logprobs = activation::log_softmax(logits.clone(), 1);
    let n = logits.dims()[1];
    let probabilities = logprobs.clone().inner().exp();
    // One row per token; weights enter through the mask.
    let column = |values: Tensor<2>| values.reshape([n, 1]);
    let input = LossInput {
        logprobs: column(logprobs.clone()),
        entropy: column(logprobs.clone().inner().zeros_like()),
        old_logprobs: column(logprobs.inner()),
        ref_logprobs: Some(column(reference)),
        sampler_logprobs: None,
        legal_logmass: None,
        advantages: column(logits.clone().inner().zeros_like()),
        mask: column(probabilities),
    };
    let loss = policy_loss(&input, settings, &Normalisers::new(n, 1, 1)).loss;
    let gradient = logits.grad(&loss.backward()).unwrap();
    gradient.into_data_dtype(DType::F32).try_to_vec().unwrap()
}

#[test]
fn gradients_of_the_kl_estimators_against_exact_enumeration() {
    let (logits, reference) = ([0.3_f32, -1.0, 0.8, 0.0, 1.4], [1.0_f32, 0.2, -0.5, 0.4, 0.1]);
    let softmax = |logits: &[f32]| {
        let total: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
        logits.iter().map(|logit| f64::from(*logit).exp() / total).collect::<Vec<_>>()
    };
    let (p, r) = (softmax(&logits), softmax(&reference));
    let kl: f64 = p.iter().zip(&r).map(|(p, r)| p * (p / r).ln()).sum();
    // ∂KL(p‖r)/∂logit_i = p_i·(ln(p_i/r_i) − KL)
    let exact: Vec<f64> = p.iter().zip(&r).map(|(p, r)| p * ((p / r).ln() - kl)).collect();
    let gradient = |kl: KlEstimator, kl_weight: KlWeight| {
        let settings = LossSettings { beta: 1.0, kl, kl_weight, ..settings(LossType::Dapo) };
        expected_gradient(&logits, &reference, &settings)
    };
    let distance = |gradient: Vec<f32>, want: &[f64]| {
        gradient.iter().zip(want).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max)
    };
    assert!(distance(gradient(KlEstimator::K1, KlWeight::Plain), &[0.0; 5]) < 1e-6, "k1 teaches nothing");
    assert!(distance(gradient(KlEstimator::K2, KlWeight::Plain), &exact) < 1e-6, "k2 is the reverse KL");
    assert!(
        distance(gradient(KlEstimator::K3, KlWeight::Ratio), &exact) < 1e-6,
        "k3 is, with the ratio's gradient"
    );
    // Without it, k3 follows the forward KL: p − r.
    let forward: Vec<f64> = p.iter().zip(&r).map(|(p, r)| p - r).collect();
    assert!(distance(gradient(KlEstimator::K3, KlWeight::Plain), &forward) < 1e-6);
}
