use std::time::Duration;

use super::*;

#[test]
fn whichever_runs_out_first_counts() {
    let started = Instant::now();
    let deadline = Some(started + Duration::from_secs(100));
    let budget = Budget { started, n_steps: Some(10), deadline };
    let at = |step, seconds| budget.progress(step, started + Duration::from_secs(seconds)).fraction;
    assert_eq!([at(1, 50), at(8, 50), at(8, 300)], [0.5, 0.8, 1.0]);
    assert!(budget.is_spent(10, started));
    assert!(budget.is_spent(0, started + Duration::from_secs(100)));
    assert!(!budget.is_spent(9, started + Duration::from_secs(99)));
}
