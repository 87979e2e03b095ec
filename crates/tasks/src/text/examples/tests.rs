use super::*;

#[test]
fn the_error_of_a_mean_is_that_of_its_sample() {
    let (mean, error) = mean_and_error(&[1.0, 2.0, 3.0, 4.0]);
    assert!((mean - 2.5).abs() < 1e-12);
    // Deviation √(5/3), over √4.
    assert!((error - (5.0_f64 / 3.0).sqrt() / 2.0).abs() < 1e-12);
    assert_eq!(mean_and_error(&[7.0]).0, 7.0);
}
