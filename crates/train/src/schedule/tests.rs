use super::*;

#[test]
fn the_rate_rises_over_the_warm_up_and_falls_to_the_floor() {
    let schedule = Schedule { peak: 2.0, warmup: Warmup::Share(0.5), shape: Shape::Linear, floor: 0.1 };
    let at = |fraction| schedule.lr(Progress { step: 0, fraction });
    assert_eq!([at(0.25), at(0.5), at(0.75), at(1.0)], [1.0, 2.0, 1.1, 0.2]);
}

#[test]
fn a_warm_up_in_steps_learns_from_the_first_step() {
    let schedule = Schedule { peak: 1.0, warmup: Warmup::Steps(4), shape: Shape::Constant, floor: 0.0 };
    let rates: Vec<f64> = (0..6).map(|step| schedule.lr(Progress::of_steps(step, 100))).collect();
    assert_eq!(rates, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
}

#[test]
fn cosine_is_half_way_in_the_middle() {
    let schedule = Schedule { shape: Shape::Cosine, ..Schedule::constant(1.0) };
    assert!((schedule.lr(Progress::of_steps(50, 100)) - 0.5).abs() < 1e-12);
}
