use super::*;

#[test]
fn weights_are_applied_to_each_function() {
    let scores = |values: &[f64]| Scores { values: values.to_vec(), ..Scores::default() };
    assert_eq!(weighted_sum(&[scores(&[1.0, 2.0]), scores(&[-1.0, 0.5])], &[0.5, 2.0]), [-1.5, 2.0]);
    assert!(weighted_sum(&[], &[]).is_empty());
}

#[test]
fn slices_keep_the_rows_that_miss_a_score() {
    let slice = |values: &[f64], missing: &[usize]| Scores {
        values: values.to_vec(),
        missing: missing.to_vec(),
        ..Scores::default()
    };
    let mut whole = slice(&[1.0, 0.0], &[1]);
    whole.append(slice(&[0.0, 4.0], &[0]));
    assert_eq!((whole.values, whole.missing), (vec![1.0, 0.0, 0.0, 4.0], vec![1, 2]));
}
