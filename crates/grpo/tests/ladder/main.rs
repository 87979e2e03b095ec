//! Small problems that a trainer must be able to learn, hardest last. Each runs in seconds on two cores.
//!
//! Source: reference curves measured with torch (`spec/rl.md` §6.2). Seed 0 runs by default; all seeds with
//! `--profile ladder`. The tests stand here, so that their names begin with `ladder`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod bandit;
mod kuhn;
mod puzzles;

#[test]
fn ladder_t0_leave_one_out_is_unbiased() {
    bandit::leave_one_out_is_unbiased();
}

#[test]
fn ladder_t0_the_group_mean_shrinks_the_gradient_by_its_own_share() {
    bandit::the_group_mean_shrinks_the_gradient_by_its_own_share();
}

#[test]
fn ladder_t0_without_a_baseline_the_mean_is_the_same() {
    bandit::without_a_baseline_the_mean_is_the_same();
}

#[test]
fn ladder_t1_reverse_is_learnt_by_step_150() {
    puzzles::reverse_is_learnt(0);
}

#[test]
fn ladder_t1_a_run_repeats_to_the_bit() {
    puzzles::a_run_repeats_to_the_bit();
}

#[test]
fn ladder_t2_parity_is_learnt_with_an_entropy_bonus() {
    puzzles::parity_is_learnt_with_an_entropy_bonus(0);
}

#[test]
fn ladder_t2_parity_without_a_bonus_trips_the_zero_signal_alarm() {
    puzzles::parity_without_a_bonus_trips_the_alarm(0);
}

#[test]
fn ladder_t3_kuhn_is_exploited_over_http() {
    kuhn::random_play_is_exploited_over_http(0, 0);
}

#[test]
fn ladder_t3_self_play_with_role_baselines_is_hard_to_exploit() {
    assert!(kuhn::self_play_is_hard_to_exploit(0));
}

#[test]
fn ladder_t5_hangs_errors_and_a_death_are_survived() {
    kuhn::faults_are_survived(0, 10);
}

#[test]
fn ladder_all_seeds_t1() {
    (0..3).for_each(puzzles::reverse_is_learnt);
}

#[test]
fn ladder_all_seeds_t2() {
    (0..3).for_each(puzzles::parity_is_learnt_with_an_entropy_bonus);
    (0..3).for_each(puzzles::parity_without_a_bonus_trips_the_alarm);
}

#[test]
fn ladder_all_seeds_t3_over_http() {
    for seed in 0..3 {
        kuhn::random_play_is_exploited_over_http(seed, 0);
        kuhn::random_play_is_exploited_over_http(seed, 2);
    }
}

#[test]
fn ladder_all_seeds_t3_self_play() {
    let reached = (0..3).filter(|seed| kuhn::self_play_is_hard_to_exploit(*seed)).count();
    assert!(reached >= 2, "{reached} of 3 seeds");
}

#[test]
fn ladder_all_seeds_t5() {
    kuhn::faults_cost_little(0..3);
}
