//! Corner cases of the betting; whole games are compared in sidecar's `traces`.

use crate::{Action, Player, State, load_game};

fn after(actions: &[Action]) -> Box<dyn State> {
    let mut state = load_game("leduc_poker").unwrap().new_initial_state();
    actions.iter().for_each(|&action| state.apply(action));
    state
}

fn legal(state: &dyn State) -> Vec<Action> {
    let mut legal = Vec::new();
    state.legal_actions(&mut legal);
    legal
}

#[test]
fn texts_equal_openspiels() {
    let state = after(&[5, 3, 1, 1, 1, 1, 2]);
    assert_eq!(
        state.information_state_string(0).unwrap(),
        "[Observer: 0][Private: 5][Round 2][Player: 0][Pot: 6][Money: 99 95][Public: 1][Round1: 1 1][Round2: 1 2]"
    );
    assert_eq!(
        state.observation_string(1).unwrap(),
        "[Observer: 1][Private: 3][Round 2][Player: 0][Pot: 6][Money: 99 95][Public: 1][Ante: 1 5]"
    );
    assert_eq!(
        after(&[2]).to_string(),
        "Round: 1\nPlayer: -1\nPot: 2\nMoney (player_0 player_1): 99 99\n\
         Cards (public player_0 player_1): -10000 2 -10000 \nRound 1 sequence: \nRound 2 sequence: \n"
    );
    assert_eq!(state.action_string(Player::Chance, 3), "Chance outcome:3");
}

#[test]
fn folding_needs_a_bet_and_raising_ends_after_two() {
    assert_eq!(legal(after(&[0, 1]).as_ref()), [1, 2]);
    assert_eq!(legal(after(&[0, 1, 2]).as_ref()), [0, 1, 2]);
    assert_eq!(legal(after(&[0, 1, 2, 2]).as_ref()), [0, 1]);
    assert!(legal(after(&[0, 1, 1, 1]).as_ref()).is_empty(), "the public card comes");
    assert_eq!(legal(after(&[0, 1, 2, 2, 1, 2]).as_ref()), [1, 2], "raises count anew in round 2");
}

#[test]
fn returns_follow_folds_pairs_and_ranks() {
    let table: [(&[Action], f64); 5] = [
        (&[0, 1, 2, 0], 1.0),
        (&[0, 1, 2, 2, 0], -3.0),
        (&[0, 1, 1, 1, 2, 1, 1], 0.0),
        (&[0, 5, 2, 2, 1, 1, 2, 2, 1], 13.0),
        (&[0, 5, 2, 2, 1, 2, 2, 2, 1], -13.0),
    ];
    for (history, value) in table {
        let state = after(history);
        assert!(state.is_terminal(), "{history:?}");
        assert_eq!(state.returns(), [value, -value], "{history:?}");
    }
}

#[test]
#[should_panic(expected = "action 0 is not legal")]
fn an_illegal_fold_is_a_programmers_error() {
    after(&[0, 1, 0]);
}
