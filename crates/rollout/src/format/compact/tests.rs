use expect_test::{Expect, expect};

use super::*;
use crate::parse_observation;

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&compact_text(&parse_observation(text.to_owned())));
}

fn legal(ids: &[u32]) -> String {
    let lines: String = ids.iter().map(|id| format!("  {id} -> x\n")).collect();
    format!("Legal Actions:\n{lines}\nYour choice (action ID only):")
}

#[test]
fn leduc_poker_shows_ranks_and_betting() {
    let head = "Game: leduc_poker\nYou are Player 1.\n\nCurrent State:\n";
    check(
        &format!(
            "# Game Rules\nYour card: none\n\n# Current Game State\n{head}Your card: J♠\nCurrent round: 1/2\nPot size: 2 chips\nYour chips: 99\nOpponent chips: 99\nYour turn to act\n\n{}",
            legal(&[1, 2])
        ),
        expect!["J -|| 12>"],
    );
    check(
        &format!(
            "{head}Your card: K♥\nPublic card: Q♠\nCurrent round: 2/2\nPot size: 6 chips\nYour chips: 99\nOpponent chips: 95\nRound 1 betting: Raise, Call\nRound 2 betting: Raise\nYour turn to act\n\n{}",
            legal(&[0, 1, 2])
        ),
        expect!["K Q|rc|r 012>"],
    );
}

#[test]
fn kuhn_poker_shows_card_and_betting() {
    let head = "Game: kuhn_poker\nYou are Player 0.\n\nCurrent State:\n";
    check(
        &format!(
            "{head}Your card: K\nPot size: 3 chips\nBetting: Pass, Bet\nYour turn to act\n\n{}",
            legal(&[0, 1])
        ),
        expect!["K|pb 01>"],
    );
    check(
        &format!("{head}Your card: J\nPot size: 2 chips\nYour turn to act\n\n{}", legal(&[0, 1])),
        expect!["J| 01>"],
    );
}

#[test]
fn liars_dice_shows_dice_bid_and_total() {
    let head = "Game: liars_dice\nYou are Player 1.\n\nCurrent State:\nYour dice: [2, 3, 5, 5, 6] (showing: 2, 3, 5, 5, 6)\nNumber of dice per player: 5\nTotal dice in game: 10\nNumber of players: 2\nCurrent player to act: Player 1\n";
    check(
        &format!(
            "{head}\nCurrent bid: \"2-5\" (claiming at least 2 dice showing 5 across all players)\nYou can either: (1) Make a higher bid, or (2) Call 'Liar'\n\n{}",
            legal(&(11..=60).collect::<Vec<_>>())
        ),
        expect!["23556|2-5|10 11-60>"],
    );
    check(
        &format!("{head}No bid yet - you must make the first bid\n\n{}", legal(&(0..60).collect::<Vec<_>>())),
        expect!["23556|-|10 0-59>"],
    );
}

#[test]
fn gin_rummy_shows_hand_upcard_phase_and_the_table() {
    let head = "Game: gin_rummy\nYou are Player 1.\n\nCurrent State:\n\nKnock card: 10\nPrev upcard: Qs\nRepeated move: 0\nCurrent player: 1\nPhase: ";
    let empty = "+--------------------------+\n|                          |\n|                          |\n|                          |\n|                          |\n+--------------------------+\n";
    let hand = "+--------------------------+\n|As  3s        8s          |\n|                          |\n|    3d            Td      |\n|          6h          QhKh|\n+--------------------------+\n";
    check(
        &format!(
            "{head}Draw\n\nPlayer0:\n{empty}\nStock size: 36  Upcard: 7c\nDiscard pile: Kd7c7h8s9h2c4hQd6s\n\nPlayer1: Deadwood=41\n{hand}\n\n{}",
            legal(&[52, 53])
        ),
        expect!["As3s8s3dTd6hQhKh|7c|D41|k10|s36|7c7h8s9h2c4hQd6s 52,53>"],
    );
    check(
        &format!(
            "{head}Layoff\n\nPlayer0:\nLayed melds: 4s4c4d 5h6h7h\n{empty}\nStock size: 20  Upcard: XX\nDiscard pile: Kd\n\nPlayer1: Deadwood=41\nLayoffs: 8h\n{hand}\n\n{}",
            legal(&[7, 54])
        ),
        expect!["As3s8s3dTd6hQhKh|XX|L41|k10|s20|Kd|-4s4c4d.5h6h7h|+8h 7,54>"],
    );
}

#[test]
fn unknown_games_are_shortened_as_they_are() {
    check(
        "Current State:\nCurrent point card:  1\nRemaining rounds: 8\n\nYou are Player 0.\nLegal Actions:\n3 -> a\n4 -> b\n12 -> c\n\nYour choice (ID only):",
        expect!["Current point card: 1|Remaining rounds: 8|You are Player 0. 3,4,12>"],
    );
    check(
        "Game: leduc_poker\n\nCurrent State:\nsomething else\n\nLegal Actions:\n",
        expect!["something else >"],
    );
}
