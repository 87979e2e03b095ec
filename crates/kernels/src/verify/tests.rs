use super::*;

#[test]
fn the_cpu_is_far_within_the_tolerances() {
    for Comparison { case, field, difference, tolerance } in verify(&Device::flex()) {
        let bound = if case.ends_with("F32") { 1e-5 } else { tolerance };
        assert!(difference <= bound, "{case}, {field}: {difference:e}");
    }
}

#[test]
fn values_that_are_not_finite_or_not_there_differ() {
    assert_eq!(difference(&[1.0, 1.5], &[1.0, 2.0]), 0.25);
    assert_eq!(difference(&[f32::NAN], &[1.0]), f64::INFINITY);
    assert_eq!(difference(&[], &[1.0]), f64::INFINITY);
}
