//! T0: the mean of the estimator over all groups that can be drawn is the exact policy gradient. No learning, no noise.

use burn::tensor::{DType, Device, Tensor, TensorData, activation};
use grpo::advantage::{group_advantages, leave_one_out_advantages};
use grpo::{LossInput, LossSettings, LossType, Normalisers, policy_loss};

const REWARDS: [f64; 3] = [1.0, 0.2, -0.5];
const LOGITS: [f32; 3] = [0.4, -0.3, 0.9];
const GROUP_SIZE: usize = 3;

fn probabilities() -> Vec<f64> {
    let total: f64 = LOGITS.iter().map(|logit| f64::from(*logit).exp()).sum();
    LOGITS.iter().map(|logit| f64::from(*logit).exp() / total).collect()
}

/// ∂E[reward]/∂logit_i = p_i·(r_i − E[reward])
fn exact_gradient() -> Vec<f64> {
    let p = probabilities();
    let mean: f64 = p.iter().zip(REWARDS).map(|(p, reward)| p * reward).sum();
    p.iter().zip(REWARDS).map(|(p, reward)| p * (reward - mean)).collect()
}

/// Gradient of the loss for one group of drawn arms, negated.
fn estimate(arms: [usize; GROUP_SIZE], advantages: fn(&[f32]) -> Vec<f32>) -> Vec<f64> {
    let device = Device::flex();
    let logits =
        Tensor::<2>::from_data(TensorData::new(LOGITS.to_vec(), [1, 3]), &device).autodiff().require_grad();
    let all = activation::log_softmax(logits.clone(), 1);
    let drawn = arms.map(|arm| all.clone().slice([0..1, arm..arm + 1]));
    let logprobs = Tensor::cat(drawn.into(), 0);
    let rewards = arms.map(|arm| REWARDS[arm] as f32);
    let input = LossInput {
        entropy: logprobs.clone().inner().zeros_like(),
        old_logprobs: logprobs.clone().inner(),
        ref_logprobs: None,
        sampler_logprobs: None,
        legal_logmass: None,
        advantages: Tensor::from_data(TensorData::new(advantages(&rewards), [GROUP_SIZE, 1]), &device),
        mask: Tensor::ones([GROUP_SIZE, 1], &device),
        logprobs,
    };
    let settings = LossSettings { loss_type: LossType::Grpo, ..LossSettings::default() };
    let loss = policy_loss(&input, &settings, &Normalisers::new(GROUP_SIZE, GROUP_SIZE, 1)).loss;
    let gradient = logits.grad(&loss.backward()).unwrap();
    let gradient: Vec<f32> = gradient.into_data_dtype(DType::F32).try_to_vec().unwrap();
    gradient.into_iter().map(|value| -f64::from(value)).collect()
}

/// The mean over all groups, each with its probability.
fn expected_estimate(advantages: fn(&[f32]) -> Vec<f32>) -> Vec<f64> {
    let p = probabilities();
    let mut sum = vec![0.0; 3];
    for code in 0..27 {
        let arms = [code / 9, code / 3 % 3, code % 3];
        let chance: f64 = arms.iter().map(|arm| p[*arm]).product();
        for (sum, part) in sum.iter_mut().zip(estimate(arms, advantages)) {
            *sum += chance * part;
        }
    }
    sum
}

fn assert_close(got: &[f64], want: &[f64]) {
    assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6), "{got:?} is not {want:?}");
}

pub(crate) fn leave_one_out_is_unbiased() {
    assert_close(&expected_estimate(leave_one_out_advantages), &exact_gradient());
}

pub(crate) fn the_group_mean_shrinks_the_gradient_by_its_own_share() {
    let share = (GROUP_SIZE - 1) as f64 / GROUP_SIZE as f64;
    let want: Vec<f64> = exact_gradient().iter().map(|value| share * value).collect();
    assert_close(&expected_estimate(group_advantages), &want);
}

pub(crate) fn without_a_baseline_the_mean_is_the_same() {
    assert_close(&expected_estimate(<[f32]>::to_vec), &exact_gradient());
}
