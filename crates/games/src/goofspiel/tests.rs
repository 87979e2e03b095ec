//! Texts printed by OpenSpiel 2.0.2, and what the seats may know. Whole games: sidecar's `tests/data/traces`.

use expect_test::{Expect, expect};

use crate::{Action, GameTree, Player, State, load_game};

const HIDDEN: &str = "turn_based_simultaneous_game(game=goofspiel(imp_info=True,num_cards=4))";
const OPEN: &str = "goofspiel(num_cards=4)";
/// Prize 4: both bid 1. Prize 2: 3 against 2. Then prize 1.
const PLAYED: [Action; 7] = [3, 0, 0, 1, 2, 1, 0];

fn after(spec: &str, actions: &[Action]) -> Box<dyn State> {
    let mut state = load_game(spec).unwrap().new_initial_state();
    actions.iter().for_each(|&action| state.apply(action));
    state
}

fn texts(state: &dyn State, seat: usize) -> String {
    let information = state.information_state_string(seat).unwrap();
    let observation = state.observation_string(seat).unwrap();
    format!("{state}--\n{information}--\n{observation}").replace(" \n", "_\n")
}

#[test]
fn texts_in_turns_hide_the_other_hand_and_bid() {
    let check = |actions: &[Action], seat, want: Expect| {
        want.assert_eq(&texts(after(HIDDEN, actions).as_ref(), seat));
    };
    check(
        &[],
        0,
        expect![[r#"
        P0 hand: 1 2 3 4_
        P1 hand: 1 2 3 4_
        P0 actions:_
        P1 actions:_
        Point card sequence:_
        Points: 0 0_
        --
        Current player: -1
        P0 hand: 1 2 3 4_
        P0 action sequence:_
        Point card sequence:_
        Win sequence:_
        Points: 0 0_
        Terminal?: 0
        --
        Current player: -1
        Current point card: 0
        Remaining Point Cards: 1234
        Points: 0 0_
        P0 hand: 1 2 3 4_
        Win sequence:_
    "#]],
    );
    check(
        &[PLAYED.as_slice(), &[3]].concat(),
        0,
        expect![[r#"
        Partial joint action: 3_
        P0 hand: 2 4_
        P1 hand: 3 4_
        P0 actions: 0 2_
        P1 actions: 0 1_
        Point card sequence: 4 2 1_
        Points: 2 0_
        --
        Current player: 1
        Observer's action this turn: 3
        P0 hand: 2 4_
        P0 action sequence: 0 2_
        Point card sequence: 4 2 1_
        Win sequence: -3 0_
        Points: 2 0_
        Terminal?: 0
        --
        Current player: 1
        Observer's action this turn: 3
        Current point card: 1
        Remaining Point Cards: 3
        Points: 2 0_
        P0 hand: 2 4_
        Win sequence: -3 0_
    "#]],
    );
    check(
        &[PLAYED.as_slice(), &[3]].concat(),
        1,
        expect![[r#"
        Partial joint action: 3_
        P0 hand: 2 4_
        P1 hand: 3 4_
        P0 actions: 0 2_
        P1 actions: 0 1_
        Point card sequence: 4 2 1_
        Points: 2 0_
        --
        Current player: 1
        P1 hand: 3 4_
        P1 action sequence: 0 1_
        Point card sequence: 4 2 1_
        Win sequence: -3 0_
        Points: 2 0_
        Terminal?: 0
        --
        Current player: 1
        Current point card: 1
        Remaining Point Cards: 3
        Points: 2 0_
        P1 hand: 3 4_
        Win sequence: -3 0_
    "#]],
    );
    check(
        &[PLAYED.as_slice(), &[3, 2]].concat(),
        1,
        expect![[r#"
        P0 hand:_
        P1 hand:_
        P0 actions: 0 2 3 1_
        P1 actions: 0 1 2 3_
        Point card sequence: 4 2 1 3_
        Points: 3 3_
        --
        Current player: -4
        P1 hand:_
        P1 action sequence: 0 1 2 3_
        Point card sequence: 4 2 1 3_
        Win sequence: -3 0 0 1_
        Points: 3 3_
        Terminal?: 1
        --
        Current player: -4
        Current point card: 3
        Remaining Point Cards:_
        Points: 3 3_
        P1 hand:_
        Win sequence: -3 0 0 1_
    "#]],
    );
}

#[test]
fn texts_of_simultaneous_moves_show_no_pending_bid() {
    let state = after(OPEN, &PLAYED);
    let waiting = after(OPEN, &[PLAYED.as_slice(), &[3]].concat());
    for seat in 0..2 {
        assert_eq!(texts(state.as_ref(), seat), texts(waiting.as_ref(), seat));
    }
    expect![[r#"
        P0 hand: 2 4_
        P1 hand: 3 4_
        Point card sequence: 4 2 1_
        Points: 2 0_
        --
        Point card sequence: 4 2 1_
        P0 hand: 2 4_
        P1 hand: 3 4_
        Win sequence: -3 0_
        Points: 2 0_
        --
        Current point card: 1
        Remaining Point Cards: 3
        P0 hand: 2 4_
        P1 hand: 3 4_
        Win sequence: -3 0_
        Points: 2 0_
    "#]]
    .assert_eq(&texts(state.as_ref(), 1));
}

#[test]
fn the_last_round_is_played_without_asking() {
    let state = after(HIDDEN, &[PLAYED.as_slice(), &[3, 2]].concat());
    assert!(state.is_terminal());
    assert_eq!(state.current_player(), Player::Terminal);
    // 4 is nobody's; 2, then 1 to seat 0; 3 to seat 1, whose last card is 4.
    assert_eq!(state.returns(), [0.0, 0.0]);
    assert_eq!(after(HIDDEN, &[PLAYED.as_slice(), &[1, 2]].concat()).returns(), [1.0, -1.0]);
    assert_eq!(after(HIDDEN, &PLAYED).returns(), [0.0; 2]);
}

#[test]
fn actions_are_named_by_seat_and_value() {
    let state = after(HIDDEN, &PLAYED);
    assert_eq!(state.action_string(Player::Chance, 2), "Deal 3");
    assert_eq!(state.action_string(Player::Seat(1), 3), "[P1]Bid: 4");
    let mut legal = Vec::new();
    state.legal_actions(&mut legal);
    assert_eq!(legal, [1, 3]);
}

#[test]
fn seat_one_cannot_tell_what_seat_zero_bids() {
    let tree = GameTree::new(load_game(&HIDDEN.replace('4', "3")).unwrap().as_ref()).unwrap();
    // At the first bid of either seat the prize is known and nothing else.
    let firsts =
        |seat: usize| tree.infosets().iter().filter(|set| set.seat == seat && set.legal.len() == 3).count();
    assert_eq!([firsts(0), firsts(1)], [3, 3]);
}

#[test]
#[should_panic(expected = "action 0 is not legal")]
fn a_card_is_bid_once() {
    after(HIDDEN, &[3, 0, 0, 1, 0]);
}
