use std::collections::HashSet;

use schema::EnvName;

use super::{EVALUATION_SEED, evaluation_start, start_seed};

#[test]
fn training_never_deals_what_is_kept_for_evaluation() {
    let mut seen = HashSet::new();
    for group in 0..2000 {
        let (task_id, seed) = start_seed(EnvName::LeducPoker, 3, group);
        assert!(EnvName::LeducPoker.task_ids().expect("a sidecar game").contains(&task_id));
        assert!(seed < EVALUATION_SEED);
        seen.insert(seed);
    }
    assert!(seen.len() > 1990, "deals differ");
    assert_eq!(start_seed(EnvName::LeducPoker, 3, 7), start_seed(EnvName::LeducPoker, 3, 7));
    assert_eq!(evaluation_start(EnvName::LeducPoker, 5).1, EVALUATION_SEED + 5);
}
