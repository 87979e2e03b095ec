//! Strings and returns printed by OpenSpiel 2.0.2. All histories: sidecar's `tests/data/traces`.

use crate::{Player, State, load_game};

fn after(actions: &[u16]) -> Box<dyn State> {
    let mut state = load_game("kuhn_poker").unwrap().new_initial_state();
    actions.iter().for_each(|&action| state.apply(action));
    state
}

#[test]
fn texts_equal_openspiels() {
    // History, state, information and observation strings of both seats.
    type Texts = (&'static [u16], &'static str, [&'static str; 2], [&'static str; 2]);
    let table: [Texts; 6] = [
        (&[], "", ["", ""], ["", ""]),
        (&[2], "2", ["2", ""], ["211", ""]),
        (&[2, 1], "2 1", ["2", "1"], ["211", "111"]),
        (&[2, 1, 0], "2 1 p", ["2p", "1p"], ["211", "111"]),
        (&[2, 1, 0, 1], "2 1 pb", ["2pb", "1pb"], ["212", "112"]),
        (&[2, 1, 1, 1], "2 1 bb", ["2bb", "1bb"], ["222", "122"]),
    ];
    for (history, text, infos, observations) in table {
        let state = after(history);
        assert_eq!(state.to_string(), text);
        for seat in 0..2 {
            assert_eq!(state.information_state_string(seat).as_deref(), Some(infos[seat]), "{text}");
            assert_eq!(state.observation_string(seat).as_deref(), Some(observations[seat]), "{text}");
        }
    }
    let state = after(&[]);
    assert_eq!(state.action_string(Player::Chance, 2), "Deal:2");
    assert_eq!([0, 1].map(|action| state.action_string(Player::Seat(0), action)), ["Pass", "Bet"]);
}

#[test]
fn returns_follow_the_bets_and_the_higher_card() {
    let table: [(&[u16], f64); 6] = [
        (&[1, 0, 0, 0], 1.0),
        (&[0, 2, 0, 0], -1.0),
        (&[1, 0, 0, 1, 0], -1.0),
        (&[1, 0, 0, 1, 1], 2.0),
        (&[0, 2, 1, 0], 1.0),
        (&[0, 2, 1, 1], -2.0),
    ];
    for (history, value) in table {
        assert!(after(history).is_terminal());
        assert_eq!(after(history).returns(), [value, -value], "{history:?}");
    }
    assert_eq!(after(&[1, 0, 0]).returns(), [0.0; 2]);
}

#[test]
#[should_panic(expected = "card 2 cannot be dealt")]
fn a_card_is_dealt_once() {
    after(&[2, 2]);
}
