//! Texts and ids printed by OpenSpiel 2.0.2. Whole games: sidecar's `tests/data/traces`.

use expect_test::expect;

use crate::{Action, Player, State, load_game};

fn after(spec: &str, actions: &[Action]) -> Box<dyn State> {
    let mut state = load_game(spec).unwrap().new_initial_state();
    actions.iter().for_each(|&action| state.apply(action));
    state
}

fn names(state: &dyn State) -> String {
    let mut legal = Vec::new();
    state.legal_actions(&mut legal);
    let name = |&action: &Action| format!("{action} {}", state.action_string(Player::Seat(0), action));
    legal.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[test]
fn white_begins_in_the_lower_left_corner() {
    expect![[r#"
        5oxoxox
        4xoxoxo
        3oxoxox
        2xoxoxo
        1oxoxox
         abcdef
    "#]]
    .assert_eq(&after("clobber", &[]).to_string());
    expect![[r#"
        4xoxox
        3oxoxo
        2xoxox
        1oxoxo
         abcde
    "#]]
    .assert_eq(&after("clobber(rows=4,columns=5)", &[]).to_string());
}

#[test]
fn stones_take_their_neighbours_only() {
    let state = after("clobber", &[10, 103, 17, 55, 64, 68, 38, 116, 104, 109, 41]);
    expect![[r#"
        5ox.x.o
        4xoo..o
        3x.oo..
        2xoooxx
        1x...x.
         abcdef
    "#]]
    .assert_eq(&state.to_string());
    expect!["6 b5b4, 7 b5a5, 24 a4a5, 25 a4b4, 73 a2b2, 91 e2d2"].assert_eq(&names(state.as_ref()));
    assert_eq!(state.current_player(), Player::Seat(1));
    assert_eq!(
        state.information_state_string(0).as_deref(),
        Some("10, 103, 17, 55, 64, 68, 38, 116, 104, 109, 41")
    );
    assert_eq!(state.observation_string(0), Some(state.to_string()));
}

#[test]
fn who_cannot_move_loses() {
    let spec = "clobber(rows=2,columns=2)";
    assert_eq!(names(after(spec, &[]).as_ref()), "6 b2b1, 7 b2a2, 8 a1a2, 9 a1b1");
    assert_eq!(names(after(spec, &[7]).as_ref()), "15 b1a1");
    assert_eq!(names(after(spec, &[7, 15]).as_ref()), "2 a2a1");
    assert_eq!(after(spec, &[7, 15]).returns(), [0.0; 2]);
    let state = after(spec, &[7, 15, 2]);
    assert!(state.is_terminal());
    assert_eq!(state.returns(), [1.0, -1.0]);
    assert_eq!(names(state.as_ref()), "");
}

#[test]
fn a_full_board_of_sixty_four_cells_has_moves_at_its_edges() {
    let state = after("clobber(rows=8,columns=8)", &[]);
    let mut legal = Vec::new();
    state.legal_actions(&mut legal);
    // Every pair of neighbours has one white stone: 2 · 8 · 7 pairs.
    assert_eq!(legal.len(), 112);
    assert!(legal.is_sorted());
}

#[test]
#[should_panic(expected = "action 0 is not legal")]
fn a_stone_does_not_leave_the_board() {
    after("clobber", &[0]);
}
