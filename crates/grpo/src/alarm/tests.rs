use super::*;

#[test]
fn one_good_step_starts_the_count_anew() {
    let mut watch = CollapseWatch { patience: 2, ..CollapseWatch::default() };
    let shares = [1.0, 0.2, 1.0, 0.95, 1.0];
    let alarms: Vec<bool> = shares.iter().map(|share| watch.observe(*share, 1.0).is_some()).collect();
    assert_eq!(alarms, [false, false, false, true, true]);
}

#[test]
fn a_policy_without_entropy_is_reported_even_if_groups_still_spread() {
    let mut watch = CollapseWatch { patience: 1, ..CollapseWatch::default() };
    assert_eq!(watch.observe(0.1, 0.01), Some(Alarm::EntropyCollapse { entropy: 0.01 }));
}
