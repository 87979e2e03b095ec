//! Tables: what is given, what is missing, what is drawn.

use super::TabularPolicy;
use crate::rng::RandomState;
use crate::{GameTree, load_game};

fn kuhn() -> GameTree {
    GameTree::new(load_game("kuhn_poker").unwrap().as_ref()).unwrap()
}

#[test]
fn weights_are_normalised_and_none_at_all_means_uniform() {
    let tree = kuhn();
    let policy = TabularPolicy::from_fn(&tree, |infoset| match infoset.key.as_str() {
        "0" => vec![1.0, 3.0],
        _ => vec![0.0, 0.0],
    });
    assert_eq!(policy.get("0"), Some(&[0.25, 0.75][..]));
    assert_eq!(policy.get("1"), Some(&[0.5, 0.5][..]));
    assert_eq!(policy.get("no such state"), None);
    assert_eq!(TabularPolicy::from_flat(&tree, &policy.flatten(&tree)), policy);
}

#[test]
fn states_outside_of_the_table_are_played_uniformly() {
    let game = load_game("leduc_poker").unwrap();
    let mut state = game.new_initial_state();
    assert!(TabularPolicy::uniform().probabilities(state.as_ref()).is_empty(), "nobody is to act");
    [0, 1, 2].into_iter().for_each(|action| state.apply(action));
    assert_eq!(TabularPolicy::uniform().probabilities(state.as_ref()), [1.0 / 3.0; 3]);
}

#[test]
fn only_actions_with_a_probability_are_drawn() {
    let tree = kuhn();
    let bets = TabularPolicy::from_fn(&tree, |_| vec![0.0, 1.0]);
    let mut rng = RandomState::new(1);
    for infoset in tree.infosets() {
        assert_eq!(bets.sample(infoset.state.as_ref(), &mut rng), 1);
    }
}

#[test]
#[should_panic(expected = "a weight for each legal action")]
fn a_wrong_number_of_weights_is_a_programmers_error() {
    TabularPolicy::from_fn(&kuhn(), |_| vec![1.0]);
}
