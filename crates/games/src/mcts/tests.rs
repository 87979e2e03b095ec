//! Small properties of the search; its moves are compared with recorded ones in `tests/mcts_transcripts.rs`.

use super::{MctsBot, MctsConfig};
use crate::rng::RandomState;
use crate::{Action, Game, State, load_game};

fn bot(game: &dyn Game, max_simulations: usize) -> MctsBot {
    let config = MctsConfig { uct_c: 1.414, max_simulations, n_rollouts: 2, solve: true };
    MctsBot::new(game, config, RandomState::new(3), RandomState::new(4))
}

fn after(game: &dyn Game, actions: &[Action]) -> Box<dyn State> {
    let mut state = game.new_initial_state();
    actions.iter().for_each(|&action| state.apply(action));
    state
}

#[test]
fn it_sees_hidden_dice_and_calls_a_bid_that_does_not_hold() {
    let game = load_game("liars_dice(numdice=1)").unwrap();
    // One die shows 1, the other 2; the bid is two sixes.
    assert_eq!(bot(game.as_ref(), 50).step(after(game.as_ref(), &[0, 1, 11]).as_ref()), 12);
}

#[test]
fn it_folds_a_hand_that_it_sees_to_be_beaten_only_if_that_loses_less() {
    let game = load_game("leduc_poker").unwrap();
    // J against K with K public, after a raise: everything but folding is proven to lose more.
    let state = after(game.as_ref(), &[0, 4, 1, 1, 5, 1, 2]);
    assert_eq!(bot(game.as_ref(), 200).step(state.as_ref()), 0);
}

#[test]
fn a_search_too_short_to_try_an_action_plays_the_first_legal_one() {
    let game = load_game("kuhn_poker").unwrap();
    for max_simulations in [0, 1] {
        assert_eq!(bot(game.as_ref(), max_simulations).step(after(game.as_ref(), &[2, 0]).as_ref()), 0);
    }
}

#[test]
fn the_same_seeds_give_the_same_moves() {
    let game = load_game("gin_rummy(hand_size=7)").unwrap();
    let deal: Vec<Action> = (0..15).collect();
    let state = after(game.as_ref(), &deal);
    let moves = [(); 2].map(|()| bot(game.as_ref(), 30).step(state.as_ref()));
    assert_eq!(moves[0], moves[1]);
}
