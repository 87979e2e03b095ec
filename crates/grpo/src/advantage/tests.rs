use super::*;

fn close(got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len());
    assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-5), "{got:?} is not {want:?}");
}

#[test]
fn group_advantages_sum_to_zero() {
    let advantages = group_advantages(&[1.0, 0.25, -3.0, 7.0]);
    close(&advantages, &[-0.3125, -1.0625, -4.3125, 5.6875]);
    assert!(advantages.iter().sum::<f32>().abs() < 1e-5);
}

#[test]
fn a_group_of_equal_rewards_has_no_advantage_under_any_scale() {
    for advantages in
        [group_advantages(&[2.0; 4]), group_std_advantages(&[2.0; 4]), leave_one_out_advantages(&[2.0; 4])]
    {
        close(&advantages, &[0.0; 4]);
    }
    assert!(is_zero_signal(&[2.0; 4]));
    assert!(!is_zero_signal(&[2.0, 2.1]));
}

#[test]
fn the_batch_scale_is_the_spread_of_all_rewards() {
    let groups = [vec![0.0, 1.0], vec![2.0, 3.0]];
    let std = (5.0_f32 / 3.0).sqrt() + 1e-4;
    let advantages = batch_std_advantages(&groups);
    close(&advantages[0], &[-0.5 / std, 0.5 / std]);
    close(&advantages[1], &[-0.5 / std, 0.5 / std]);
}

#[test]
fn leave_one_out_compares_with_the_others() {
    close(&leave_one_out_advantages(&[1.0, 2.0, 6.0]), &[-3.0, -1.5, 4.5]);
    close(&leave_one_out_advantages(&[5.0]), &[0.0]);
}

#[test]
fn role_baselines_are_kept_apart() {
    let mut baselines = RoleBaselines::new(0.5);
    close(&[baselines.advantage("kuhn/0", 2.0), baselines.advantage("kuhn/0", 2.0)], &[1.0, 0.5]);
    close(&[baselines.advantage("kuhn/1", -2.0)], &[-1.0]);
    assert_eq!(baselines.baseline("kuhn/0"), Some(1.5));
    assert_eq!(baselines.baseline("leduc/0"), None);
}

#[test]
fn a_steady_reward_is_no_advantage_in_the_long_run() {
    let mut baselines = RoleBaselines::default();
    let last = (0..200).map(|_| baselines.advantage("seat", 1.0)).last().expect("200 rewards");
    assert!(last.abs() < 1e-3, "{last}");
}
