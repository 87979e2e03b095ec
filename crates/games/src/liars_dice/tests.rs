//! Rolling, bidding and the wild face; whole games are compared in sidecar's `traces`.

use crate::{Action, Player, State, load_game};

fn after(spec: &str, actions: &[Action]) -> Box<dyn State> {
    let mut state = load_game(spec).unwrap().new_initial_state();
    actions.iter().for_each(|&action| state.apply(action));
    state
}

#[test]
fn dice_show_as_they_are_rolled_and_are_sorted_when_all_lie() {
    let spec = "liars_dice(numdice=2)";
    assert_eq!(after(spec, &[]).to_string(), "-1-1 -1-1 - chance node, current roller is player 0");
    assert_eq!(after(spec, &[4, 2]).to_string(), "53 -1-1 - chance node, current roller is player 1");
    assert_eq!(after(spec, &[4, 2, 1, 0]).to_string(), "35 12");
    assert_eq!(after(spec, &[4]).information_state_string(0).unwrap(), "5-1");
}

#[test]
fn bids_only_rise_and_liar_needs_a_bid() {
    let mut legal = Vec::new();
    after("liars_dice(numdice=1)", &[0, 0]).legal_actions(&mut legal);
    assert!(legal.iter().copied().eq(0..12));
    after("liars_dice(numdice=1)", &[0, 0, 5]).legal_actions(&mut legal);
    assert!(legal.iter().copied().eq(6..13));
    after("liars_dice(numdice=1)", &[0, 0, 11]).legal_actions(&mut legal);
    assert_eq!(legal, [12]);
}

#[test]
fn the_highest_face_is_wild_whatever_the_dice() {
    // Seat 0 bids, seat 1 calls: +1 to seat 0 if the bid holds.
    let table: [(&str, &[Action], f64); 5] = [
        ("liars_dice(numdice=1)", &[2, 5, 8, 12], 1.0),
        ("liars_dice(numdice=1)", &[2, 4, 8, 12], -1.0),
        ("liars_dice(numdice=1)", &[5, 4, 11, 12], -1.0),
        ("liars_dice(numdice=1,dice_sides=4)", &[1, 3, 5, 8], 1.0),
        ("liars_dice(numdice=1,dice_sides=2)", &[1, 1, 3, 4], 1.0),
    ];
    for (spec, history, value) in table {
        let state = after(spec, history);
        assert!(state.is_terminal());
        assert_eq!(state.returns(), [value, -value], "{spec} {history:?}");
    }
    // The second bid is seat 1's.
    assert_eq!(after("liars_dice(numdice=1)", &[2, 5, 1, 8, 12]).returns(), [-1.0, 1.0]);
}

#[test]
fn the_largest_variant_has_sixty_bids() {
    let rolls = [0; 10];
    let mut state = after("liars_dice(numdice=5)", &rolls);
    (0..60).for_each(|bid| state.apply(bid));
    let mut legal = Vec::new();
    state.legal_actions(&mut legal);
    assert_eq!(legal, [60]);
    assert_eq!(state.action_string(Player::Seat(0), 59), "10-6");
    assert_eq!(state.action_string(Player::Seat(0), 60), "Liar");
    assert_eq!(state.action_string(Player::Chance, 0), "Roll 1");
}
