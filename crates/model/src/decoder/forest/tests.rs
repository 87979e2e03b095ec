use super::*;

fn members(sequences: &[Vec<u32>]) -> Vec<(Vec<usize>, usize)> {
    let trees = forest(sequences, UNBOUNDED);
    let n_tokens: usize = trees.iter().map(Tree::n_tokens).sum();
    assert_eq!(n_tokens, n_shared_slots(sequences));
    trees.into_iter().map(|tree| (tree.members, tree.trunk)).collect()
}

/// `n` tokens that are the same for the same `kind`, and then some.
fn begins(kind: u32, n: u32, then: &[u32]) -> Vec<u32> {
    (0..n).map(|idx| 1000 * kind + idx).chain(then.iter().copied()).collect()
}

#[test]
fn like_beginnings_meet_whatever_the_order() {
    let sequences =
        [begins(1, 20, &[1]), begins(2, 30, &[1]), begins(1, 20, &[2, 3]), begins(2, 30, &[2]), vec![7]];
    assert_eq!(members(&sequences), [(vec![0, 2], 20), (vec![1, 3], 30), (vec![4], 0)]);
    assert_eq!(n_shared_slots(&sequences), 20 + 1 + 2 + 30 + 1 + 1 + 1);
}

#[test]
fn a_short_beginning_is_not_worth_a_tree_and_no_branch_is_empty() {
    assert_eq!(members(&[begins(1, 3, &[1]), begins(1, 3, &[2])]), [(vec![0], 0), (vec![1], 0)]);
    let whole = begins(1, 20, &[]);
    assert_eq!(members(&[whole.clone(), begins(1, 20, &[1])]), [(vec![0, 1], 19)]);
    assert_eq!(members(&[whole.clone(), whole]), [(vec![0, 1], 19)]);
}

#[test]
fn a_long_beginning_is_not_given_up_for_a_short_one() {
    let sequences = [begins(1, 100, &[1]), begins(1, 100, &[2]), begins(1, 100, &[3]), begins(1, 10, &[4])];
    assert_eq!(members(&sequences), [(vec![0, 1, 2], 100), (vec![3], 0)]);
    // The shorter one comes first in the order of the tokens.
    let sequences = [begins(1, 10, &[4]), begins(1, 100, &[1]), begins(1, 100, &[2])];
    assert_eq!(members(&sequences), [(vec![0], 0), (vec![1, 2], 100)]);
}

#[test]
fn trees_are_bounded() {
    let sequences: Vec<Vec<u32>> = (0..40).map(|idx| begins(1, 500, &[idx; 300])).collect();
    let trees = forest(&sequences, Beginnings::Shared { columns: 4096 });
    assert!(trees.len() > 1 && trees.iter().all(|tree| tree.n_tokens() <= 4096));
    assert_eq!(trees.iter().map(|tree| tree.members.len()).sum::<usize>(), 40);
}
