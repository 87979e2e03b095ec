use expect_test::expect;

use super::{first_number, terminal_body};

#[test]
fn the_action_is_the_first_run_of_digits() {
    let cases = [
        ("2", Some(2)),
        ("  7\n", Some(7)),
        ("-1", Some(1)),
        ("Round 2: play 5", Some(2)),
        ("Action: 7777 then 1", Some(7777)),
        ("a60b", Some(60)),
        ("007", Some(7)),
        ("I fold", None),
        ("", None),
        ("99999999999999999999", None),
        ("½ 3", Some(3)),
    ];
    for (text, want) in cases {
        assert_eq!(first_number(text), want, "{text:?}");
    }
}

/// A recorded game whose knock scores nothing; OpenSpiel's returns are `[-0.0, 0.0]`.
const POINTLESS_KNOCK: [u16; 47] = [
    28, 9, 42, 17, 35, 24, 34, 40, 29, 7, 5, 8, 20, 48, 21, 52, 9, 52, 48, 53, 6, 24, 53, 36, 36, 52, 21, 53,
    26, 20, 53, 3, 6, 52, 29, 52, 17, 53, 50, 55, 50, 210, 54, 54, 72, 151, 54,
];

#[test]
fn a_negative_zero_is_printed_as_python_prints_it() {
    let game = games::load_game("gin_rummy(hand_size=7,knock_card=8)").unwrap();
    let mut state = game.new_initial_state();
    for action in POINTLESS_KNOCK {
        state.apply(action);
    }
    expect![[r"
        Game Over: gin_rummy
        You were Player 0.

        Final Returns: [-0.0, 0.0]
        Your Return: -0.0
        Normalized Score: 0.500
        Result: DRAW"]]
    .assert_eq(&terminal_body(game.as_ref(), state.as_ref(), 0));
}
