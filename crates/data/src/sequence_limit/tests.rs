//! The rule of the contract by example.

use super::SequenceLimit;

fn check(max_positions: Option<usize>, model_max_length: Option<usize>, expected: &[usize]) {
    let limit = SequenceLimit::of_model(max_positions, model_max_length);
    assert_eq!(limit.candidates().collect::<Vec<_>>(), expected, "{max_positions:?} {model_max_length:?}");
}

#[test]
fn short_contexts_are_halved_and_doubled_back() {
    check(Some(1024), None, &[512, 1024]);
    check(Some(2049), None, &[1025, 2049]);
    check(Some(8191), Some(1_000_000), &[4096, 8191]);
    check(Some(8192), None, &[4096, 8192]);
    check(Some(40960), Some(16384), &[4096, 8192, 16384]);
}

#[test]
fn the_tokenizer_may_cap_below_the_first_limit() {
    check(Some(4096), Some(512), &[2048]);
    check(None, None, &[4096]);
    check(None, Some(6000), &[4096, 6000]);
    assert_eq!(SequenceLimit::fixed(64).candidates().collect::<Vec<_>>(), [64]);
}
