//! Which token may come next.

use super::*;

fn trie(candidates: &[&[u32]]) -> Result<CandidateTrie, String> {
    CandidateTrie::new(&candidates.iter().map(|candidate| candidate.to_vec()).collect::<Vec<_>>(), 100)
}

#[test]
fn only_continuations_of_candidates_are_allowed() {
    let trie = trie(&[&[5, 1, 9], &[5, 2, 9], &[5, 2, 8]]).unwrap();
    let root = CandidateTrie::ROOT;
    assert_eq!(trie.forced(root), Some(5));
    let node = trie.step(root, 5);
    assert_eq!(trie.allowed(node).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((trie.n_choices(root), trie.n_choices(node), trie.n_choices(trie.step(node, 1))), (2, 2, 0));
    let leaf = trie.step(trie.step(node, 1), 9);
    assert!(trie.is_leaf(leaf) && trie.forced(leaf).is_none());
}

#[test]
fn candidates_that_cannot_be_told_apart_are_refused() {
    let refused: [&[&[u32]]; 7] = [
        &[],
        &[&[]],
        &[&[1], &[1]],
        &[&[1], &[1, 2]],
        &[&[1, 2], &[1]],
        &[&[1, 2], &[3], &[1, 2, 4]],
        &[&[100]],
    ];
    for candidates in refused {
        assert!(trie(candidates).is_err(), "{candidates:?}");
    }
}
