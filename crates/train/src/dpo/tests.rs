use burn::tensor::{Device, TensorData};

use super::*;

fn pair(chosen: f32, rejected: f32) -> PairLogprobs {
    let one = |value: f32| Tensor::<1>::from_data(TensorData::new(vec![value], [1]), &Device::flex());
    PairLogprobs {
        chosen: one(chosen),
        rejected: one(rejected),
        ref_chosen: one(-10.0),
        ref_rejected: one(-10.0),
        n_chosen: one(5.0),
        n_rejected: one(2.0),
    }
}

fn check(loss: DpoLoss, label_smoothing: f64, chosen: f32, rejected: f32, want: f64) {
    let settings = DpoSettings { loss, beta: 0.5, label_smoothing };
    let got = f64::from(pair_losses(&pair(chosen, rejected), &settings).into_scalar::<f32>());
    assert!((got - want).abs() < 1e-5, "{loss:?}: {got} is not {want}");
}

#[test]
fn losses_at_a_margin_of_two() {
    // Policy − reference: 3 for the chosen, −1 for the rejected, so x = 2 and d = 3/5 + 1/2.
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (agree, disagree) = (-sigmoid(2.0).ln(), -sigmoid(-2.0).ln());
    check(DpoLoss::Sigmoid, 0.0, -7.0, -11.0, agree);
    check(DpoLoss::Sigmoid, 0.1, -7.0, -11.0, 0.9 * agree + 0.1 * disagree);
    check(DpoLoss::Robust, 0.1, -7.0, -11.0, (0.9 * agree - 0.1 * disagree) / 0.8);
    check(DpoLoss::Hinge, 0.0, -7.0, -11.0, 0.0);
    check(DpoLoss::Ipo, 0.0, -7.0, -11.0, (1.1_f64 - 1.0).powi(2));
    check(DpoLoss::SigmoidNorm, 0.0, -7.0, -11.0, -sigmoid(0.55).ln());
}

#[test]
fn losses_without_a_margin() {
    check(DpoLoss::Sigmoid, 0.0, -10.0, -10.0, 2.0_f64.ln());
    check(DpoLoss::Hinge, 0.0, -10.0, -10.0, 1.0);
    check(DpoLoss::Ipo, 0.0, -10.0, -10.0, 1.0);
}

#[test]
fn an_unknown_loss_is_named() {
    assert_eq!(
        "simpo".parse::<DpoLoss>().unwrap_err().to_string(),
        "unknown dpo loss `simpo`: expected sigmoid, robust, ipo, hinge or sigmoid_norm"
    );
}
