use super::*;

#[test]
fn a_distribution_is_its_moments_and_quartiles() {
    let of = Distribution::of(&[4.0, 1.0, 3.0, 2.0, 5.0]);
    assert_eq!((of.n, of.mean, of.quantiles), (5, 3.0, [1.0, 2.0, 3.0, 4.0, 5.0]));
    assert!((of.std - 2.0_f64.sqrt()).abs() < 1e-12 && !of.is_constant());
    assert!(Distribution::of(&[1.0; 3]).is_constant());
    assert_eq!(Distribution::of(&[]).n, 0);
}

#[test]
fn rank_correlation_sees_order_alone_and_shares_ties() {
    assert_eq!(rank_correlation(&[1.0, 2.0, 30.0], &[-5.0, 0.0, 0.1]), Some(1.0));
    // scipy.stats.spearmanr([1, 2, 2, 3], [4, 3, 2, 1])
    let tied = rank_correlation(&[1.0, 2.0, 2.0, 3.0], &[4.0, 3.0, 2.0, 1.0]).unwrap();
    assert!((tied - -0.948_683_298_050_513_7).abs() < 1e-12, "{tied}");
    assert_eq!(rank_correlation(&[1.0, 1.0], &[1.0, 2.0]), None);
}
