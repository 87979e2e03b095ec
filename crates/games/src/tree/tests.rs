//! Sizes of known trees, and what cannot be enumerated.

use super::GameTree;
use crate::{Error, load_game};

fn tree(spec: &str) -> Result<GameTree, Error> {
    GameTree::new(load_game(spec).unwrap().as_ref())
}

#[test]
fn trees_have_their_known_sizes() {
    let table =
        [("kuhn_poker", 12, 58), ("leduc_poker", 936, 9457), ("liars_dice(numdice=1)", 24_576, 294_883)];
    for (spec, infosets, nodes) in table {
        let tree = tree(spec).unwrap();
        assert_eq!((tree.infosets().len(), tree.num_nodes()), (infosets, nodes), "{spec}");
    }
}

#[test]
fn every_infoset_is_found_by_its_key_and_has_a_state_of_its_own() {
    let tree = tree("leduc_poker").unwrap();
    for (index, infoset) in tree.infosets().iter().enumerate() {
        assert_eq!(tree.find(&infoset.key), Some(index));
        assert_eq!(infoset.state.information_state_string(infoset.seat).as_ref(), Some(&infoset.key));
    }
}

#[test]
fn games_that_are_too_large_or_have_no_information_states_are_refused() {
    assert!(matches!(tree("liars_dice(numdice=5)"), Err(Error::TreeTooLarge { .. })));
    assert!(matches!(tree("gin_rummy"), Err(Error::NoInformationStates { .. })));
}
