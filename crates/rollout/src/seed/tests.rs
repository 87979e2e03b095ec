use std::collections::HashSet;

use super::*;

#[test]
fn every_place_has_its_own_key() {
    let mut keys = HashSet::new();
    for run in 0..4 {
        for group in 0..8 {
            for rollout in 0..8 {
                keys.extend((0..8).map(|turn| turn_key(run, group, rollout, turn)));
            }
        }
    }
    assert_eq!(keys.len(), 4 * 8 * 8 * 8);
}

#[test]
fn draws_below_a_bound_are_even() {
    let mut counts = [0_u32; 3];
    (0..30_000).for_each(|key| counts[below(key, 3)] += 1);
    assert!(counts.iter().all(|count| count.abs_diff(10_000) < 300), "{counts:?}");
}
