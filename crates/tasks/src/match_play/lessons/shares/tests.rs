use super::*;

fn taken(shares: &mut Shares, n: usize) -> Vec<usize> {
    let mut taken = vec![0; shares.get().len()];
    (0..n).for_each(|_| taken[shares.turn()] += 1);
    taken
}

#[test]
fn each_source_gives_its_share_evenly_spread() {
    let mut shares = Shares::equal(3);
    assert!((0..20).all(|_| taken(&mut shares, 3) == [1, 1, 1]));
    shares.weigh(&[Some(0.3), Some(0.1), Some(0.0)]);
    let expected = [1.0 / 6.0 + 0.375, 1.0 / 6.0 + 0.125, 1.0 / 6.0];
    assert!(shares.get().iter().zip(expected).all(|(got, want)| (got - want).abs() < 1e-12));
    let counts = taken(&mut shares, 2400);
    assert!(counts.iter().zip([1300, 700, 400]).all(|(got, want)| got.abs_diff(want) <= 2), "{counts:?}");
}

#[test]
fn what_is_not_known_counts_as_the_others_and_no_gap_as_equal() {
    let mut shares = Shares::equal(2);
    shares.weigh(&[Some(0.0), Some(0.0)]);
    assert_eq!(shares.get(), [0.5, 0.5]);
    shares.weigh(&[None, Some(0.2)]);
    assert_eq!(shares.get(), [0.5, 0.5]);
    shares.weigh(&[None, None]);
    assert_eq!(shares.get(), [0.5, 0.5]);
}
