use super::*;

#[test]
fn rows_of_like_length_share_a_pass() {
    let check = |lengths: &[usize], max_tokens: usize, want: &[usize]| {
        assert_eq!(like_lengths(lengths.iter().copied().enumerate(), max_tokens), want, "{lengths:?}");
    };
    check(&[], 100, &[]);
    check(&[500], 100, &[0]);
    check(&[10, 60, 1], 1000, &[0, 1, 2]);
    check(&[100, 1000, 150, 40], 10_000, &[0, 2]);
    check(&[10, 10, 10, 10], 30, &[0, 1, 2]);
    check(&[500, 400], 1000, &[0, 1]);
    check(&[5000, 400], 1000, &[0]);
}

#[test]
fn items_are_taken_out_by_their_index() {
    let mut items = vec!['a', 'b', 'c', 'd'];
    assert_eq!(extract(&mut items, &[1, 3]), ['b', 'd']);
    assert_eq!(items, ['a', 'c']);
}
