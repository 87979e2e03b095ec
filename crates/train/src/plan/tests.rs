use super::*;

#[test]
fn a_shared_prompt_is_computed_once_and_beginnings_share_the_longer_sequence() {
    let rows = [
        Row::new(vec![1, 2, 3], vec![7, 9]),
        Row::new(vec![1, 2, 3], vec![8, 9]),
        Row::new(vec![1, 2, 3], vec![7]),
        Row::new(vec![4], vec![5]),
    ];
    let plan = Plan::new(&rows);
    let mut sequences = plan.sequences.clone();
    sequences.sort();
    assert_eq!(sequences, [vec![1, 2, 3, 7], vec![1, 2, 3, 8], vec![4]]);
    assert_eq!(plan.free.1.len(), 6);
    // [1,2,3] predicts the first token of rows 0 and 2 in one sequence, and of row 1 in the other.
    assert_eq!(plan.free.0.len(), 5);
    assert_eq!(plan.n_columns, 2);
}

#[test]
fn tokens_that_do_not_count_are_not_read_behind_the_last_that_does() {
    let row = Row::new(vec![1, 2], vec![3, 4, 5]).with_loss_mask(vec![1, 0, 0]);
    let plan = Plan::new(std::slice::from_ref(&row));
    assert_eq!(plan.sequences, [vec![1, 2]]);
    assert_eq!(plan.free.1, [Token { cell: (0, 0), predictor: 0, target: 3 }]);
}

#[test]
fn equal_allowed_sets_in_any_order_share_a_predictor() {
    let row = |token, allowed: Vec<u32>| Row::new(vec![1, 2], vec![token]).with_allowed_tokens(vec![allowed]);
    let plan = Plan::new(&[row(5, vec![5, 3]), row(3, vec![3, 5]), row(3, vec![3, 4])]);
    assert_eq!(plan.constrained.0.len(), 2);
    assert_eq!(plan.constrained.1.iter().map(|token| token.target).collect::<Vec<_>>(), [1, 0, 0]);
}
