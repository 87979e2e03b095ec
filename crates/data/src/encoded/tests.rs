//! Lengths and spans.

use super::Encoded;

#[test]
fn spans_are_the_runs_of_the_mask() {
    let encoded = Encoded::new((0..6).collect(), vec![false, true, true, false, true, false]);
    assert_eq!(encoded.loss_spans(), [1..3, 4..5]);
    assert_eq!((encoded.n_tokens(), encoded.n_loss_tokens()), (6, 3));
    assert_eq!(encoded.truncated(2), Encoded::of_completion(vec![0], &[1]));
}

#[test]
#[should_panic(expected = "`loss_mask` must be as long as `token_ids`")]
fn a_mask_of_another_length_is_a_mistake_of_the_caller() {
    let _ = Encoded::new(vec![1, 2], vec![true]);
}
