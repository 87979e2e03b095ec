use super::*;

#[test]
fn quantiles_are_within_three_per_cent() {
    let histogram = Histogram::default();
    assert_eq!(histogram.quantile(0.5), None);
    (1..=100_000_u64).for_each(|micros| histogram.record(Duration::from_micros(micros)));
    for q in [0.001, 0.1, 0.5, 0.99, 1.0] {
        let got = histogram.quantile(q).expect("recorded").as_micros() as f64;
        let want = q * 100_000.0;
        assert!((got - want).abs() <= 0.032 * want + 1.0, "quantile {q}: {got} is not {want}");
    }
}

#[test]
fn durations_beyond_the_last_bucket_are_counted_there() {
    let histogram = Histogram::default();
    histogram.record(Duration::from_secs(100_000));
    assert!(histogram.quantile(0.5).expect("recorded") > Duration::from_secs(500));
}
