//! Counts of positions that anybody's othello must have, and texts printed by OpenSpiel 2.0.2. Whole games: sidecar's
//! `tests/data/traces`.

use expect_test::expect;

use crate::{Action, Player, State, load_game};

fn after(actions: &[Action]) -> Box<dyn State> {
    let mut state = load_game("othello").unwrap().new_initial_state();
    actions.iter().for_each(|&action| state.apply(action));
    state
}

fn legal(state: &dyn State) -> Vec<Action> {
    let mut legal = Vec::new();
    state.legal_actions(&mut legal);
    legal
}

/// Positions after `depth` moves, counted by move order; a pass is a move.
fn count(state: &dyn State, depth: u32) -> u64 {
    if depth == 0 || state.is_terminal() {
        return 1;
    }
    let mut next = state.clone_box();
    let of = |action| {
        next.copy_from(state);
        next.apply(action);
        count(next.as_ref(), depth - 1)
    };
    legal(state).into_iter().map(of).sum()
}

#[test]
fn as_many_move_orders_as_are_known() {
    // OEIS A124004.
    let known = [1, 4, 12, 56, 244, 1396, 8200, 55_092, 390_216];
    for (depth, want) in known.into_iter().enumerate() {
        assert_eq!(count(after(&[]).as_ref(), depth as u32), want, "depth {depth}");
    }
}

#[test]
fn moves_turn_discs_in_every_line() {
    let state = after(&[37, 45, 19, 38, 46, 47, 39, 29, 44, 31]);
    assert_eq!(legal(state.as_ref()), [22, 30, 54, 55]);
    expect![[r#"
        Black (x) to play:
          a b c d e f g h  
        1 - - - - - - - - 1
        2 - - - - - - - - 2
        3 - - - x - - - - 3
        4 - - - x x o - o 4
        5 - - - x x o o o 5
        6 - - - - x o o o 6
        7 - - - - - - - - 7
        8 - - - - - - - - 8
          a b c d e f g h  "#]]
    .assert_eq(&state.to_string());
    assert_eq!(state.observation_string(1), Some(state.to_string()));
    assert_eq!(state.information_state_string(0).as_deref(), Some("37, 45, 19, 38, 46, 47, 39, 29, 44, 31"));
}

#[test]
fn squares_are_named_along_the_rows() {
    let state = after(&[]);
    let names = [0, 7, 8, 19, 63, 64].map(|action| state.action_string(Player::Seat(0), action));
    assert_eq!(names, ["a1", "h1", "a2", "d3", "h8", "pass"]);
}

/// The shortest game: white has no disc left after nine moves.
const WIPED_OUT: [Action; 9] = [44, 29, 20, 45, 38, 43, 52, 37, 34];

#[test]
fn a_game_ends_early_if_a_colour_is_wiped_out() {
    let state = after(&WIPED_OUT);
    assert!(state.is_terminal());
    assert_eq!(state.returns(), [1.0, -1.0]);
    assert!(legal(state.as_ref()).is_empty());
    assert!(state.to_string().starts_with("Terminal State:\n"), "{state}");
    assert_eq!(after(&WIPED_OUT[..8]).returns(), [0.0; 2]);
}

#[test]
#[should_panic(expected = "action 64 is not legal")]
fn nobody_passes_who_can_move() {
    after(&[64]);
}
