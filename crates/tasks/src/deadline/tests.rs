use std::time::{Duration, Instant};

use super::Deadline;

#[test]
fn the_reserve_is_a_share_within_bounds_and_never_half_of_the_time() {
    let start = Instant::now();
    let left = |hours: f64, reserve| {
        let deadline = Deadline::after_hours(start, hours, reserve).expect("positive");
        deadline.stop_training_at().expect("there is a deadline") - start
    };
    assert_eq!(left(1.0, None), Duration::from_secs(3600 - 180));
    assert_eq!(left(0.5, None), Duration::from_secs(1800 - 90));
    assert_eq!(left(1.0, Some(60.0)), Duration::from_secs(3540));
    assert_eq!(left(1.0 / 3600.0, None), Duration::from_millis(500));
}

#[test]
fn time_that_is_none_is_refused_with_its_value() {
    for hours in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let bad = Deadline::after_hours(Instant::now(), hours, None).expect_err("no time to train");
        assert!(bad.message.contains(&hours.to_string()), "{bad}");
    }
}

#[test]
fn without_a_deadline_nothing_ends_the_run() {
    let deadline = Deadline::none(Instant::now());
    assert!(!deadline.is_over());
    assert_eq!(deadline.stop_training_at(), None);
}
