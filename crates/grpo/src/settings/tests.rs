use super::*;

#[test]
fn the_bonus_holds_and_then_falls_in_a_line() {
    let schedule = EntropySchedule { start: 0.3, end: 0.1, hold: 0.5 };
    let coefs: Vec<f64> = [0.0, 0.5, 0.75, 1.0, 1.5].map(|at| (schedule.coef(at) * 1e6).round() / 1e6).into();
    assert_eq!(coefs, [0.3, 0.3, 0.2, 0.1, 0.1]);
    assert_eq!(EntropySchedule::constant(0.2).coef(1.0), 0.2);
}

#[test]
fn an_unknown_name_is_named_with_what_is_known() {
    let error = "gpro".parse::<LossType>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown loss_type `gpro`: expected grpo, bnpo, dr_grpo, dapo, cispo, sapo or luspo"
    );
}
