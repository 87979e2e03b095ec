use expect_test::{Expect, expect};

use super::*;

fn check(text: &str, expected: Expect) {
    let Observation { game, legal, player, .. } = parse_observation(text.to_owned());
    expected.assert_eq(&format!("{game:?} {player:?} {legal:?} {:?}", state_lines(text)));
}

#[test]
fn the_first_observation_is_read_behind_its_rules() {
    check(
        "# Game Rules\nGame: of chance\nLegal Actions:\n  7 -> none\n\n# Current Game State\nGame: leduc_poker\n\
         You are Player 1.\n\nCurrent State:\nYour card: K♥\nRound 1 betting: Call\n\nLegal Actions:\n  1 -> Call\n  \
         2 -> Raise\n\nYour choice (action ID only):",
        expect![[
            r#""leduc_poker" Some(1) [(1, "Call"), (2, "Raise")] "Your card: K♥\nRound 1 betting: Call""#
        ]],
    );
}

#[test]
fn other_servers_may_indent_and_order_differently() {
    check(
        "Current State:\nCurrent point card: 1\n\nYou are Player 0.\nLegal Actions:\n3 -> [P0]Bid: 4\n12 -> [P0]Bid: 13\n\nYour choice (ID only):",
        expect![[
            r#""" Some(0) [(3, "[P0]Bid: 4"), (12, "[P0]Bid: 13")] "Current point card: 1\n\nYou are Player 0.""#
        ]],
    );
}

#[test]
fn a_result_has_no_legal_actions() {
    check(
        "Game Over: leduc_poker\nYou were Player 1.\n\nFinal Returns: [1.0, -1.0]\nYour Return: -1.0",
        expect![[
            r#""leduc_poker" Some(1) [] "Game Over: leduc_poker\nYou were Player 1.\n\nFinal Returns: [1.0, -1.0]\nYour Return: -1.0""#
        ]],
    );
    check("", expect![[r#""" None [] """#]]);
}

#[test]
fn bids_of_goofspiel_are_read_off_the_hand() {
    check(
        "Game: goofspiel\nYou are Player 1.\n\nCurrent State:\nCurrent point card: 4\nP0 hand: 1 2 \nP1 hand: 2 10 \n\n\
         Waiting for Player -2 to move...",
        expect![[
            r#""goofspiel" Some(1) [(1, "[P1]Bid: 2"), (9, "[P1]Bid: 10")] "Current point card: 4\nP0 hand: 1 2 \nP1 hand: 2 10 \n\nWaiting for Player -2 to move...""#
        ]],
    );
}
