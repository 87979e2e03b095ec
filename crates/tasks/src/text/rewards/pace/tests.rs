use super::*;

/// Steps of a run in which each should move the policy by [`WANTED`].
const STEPS: f64 = 500.0;
const WANTED: f64 = 0.01;

/// A policy of which a step at rate 1 moves `nats`.
fn settled(nats: f64, schedule: impl Fn(usize) -> f64) -> f64 {
    let mut pace = Pace::new(1.0);
    for step in 0..20 {
        let lr = pace.peak() * schedule(step);
        pace.moved(nats * lr * lr, lr, STEPS);
    }
    pace.peak()
}

#[test]
fn the_rate_settles_where_a_step_moves_the_policy_as_far_as_it_should() {
    for nats in [1e-6, 1e-4, 0.01, 0.5] {
        let peak = settled(nats, |_| 1.0);
        assert!((nats * peak * peak / WANTED - 1.0).abs() < 1e-6, "{nats}: {peak}");
    }
}

#[test]
fn a_schedule_that_lowers_the_rate_does_not_raise_its_peak() {
    let peak = settled(1e-4, |step| 1.0 - step as f64 / 25.0);
    assert!((peak - 10.0).abs() < 1e-6, "{peak}");
}

#[test]
fn steps_go_further_where_there_are_few() {
    let after = |n_steps| {
        let mut pace = Pace::new(1.0);
        pace.moved(0.05, 1.0, n_steps);
        pace.peak()
    };
    assert!(after(50.0) > 1.0 && after(500.0) < 1.0 && after(5000.0) < after(500.0));
    assert_eq!(after(1.0), after(10.0));
}

#[test]
fn weights_that_broke_slow_down() {
    let mut pace = Pace::new(1.0);
    pace.moved(f64::NAN, 1.0, STEPS);
    assert_eq!(pace.peak(), 1.0 / MOST);
}

#[test]
fn no_single_step_and_no_flat_policy_carries_it_away() {
    let mut pace = Pace::new(1.0);
    pace.moved(1e3, 1.0, STEPS);
    assert_eq!(pace.peak(), 1.0 / MOST);
    assert_eq!(settled(0.0, |_| 1.0), BOUNDS.1);
}
