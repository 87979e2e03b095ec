//! The texts, line by line.

use expect_test::{Expect, expect};
use games::load_game;

use super::{Betting, view};

fn check(game: &str, spec: &str, actions: &[u16], betting: Betting, expected: Expect) {
    let mut state = load_game(spec).unwrap().new_initial_state();
    actions.iter().for_each(|&action| state.apply(action));
    let seen = view(game, state.as_ref(), betting).unwrap();
    let legal: Vec<String> = seen.legal.iter().take(3).map(|(id, name)| format!("{id} -> {name}")).collect();
    expected.assert_eq(&format!("{}\n\nPlayer {}\n{}\n", seen.state, seen.seat, legal.join("\n")));
}

#[test]
fn leduc_shows_card_round_pot_and_chips() {
    let spec = "leduc_poker(players=2)";
    check(
        "leduc_poker",
        spec,
        &[2, 4],
        Betting::Shown,
        expect![[r#"
            Your card: Q♠
            Round: 1/2
            Pot: 2 chips
            Your chips: 99
            Opponent chips: 99

            Player 0
            1 -> Call
            2 -> Raise
        "#]],
    );
    let pair = &[2, 4, 1, 2, 1, 5, 2];
    check(
        "leduc_poker",
        spec,
        pair,
        Betting::Shown,
        expect![[r#"
            Your card: K♠
            Public card: K♥
            Hand: PAIR
            Round: 2/2
            Pot: 10 chips
            Your chips: 97
            Opponent chips: 93
            Round 1 actions: Call, Raise, Call
            Round 2 actions: Raise

            Player 1
            0 -> Fold
            1 -> Call
            2 -> Raise
        "#]],
    );
    check(
        "leduc_poker",
        spec,
        pair,
        Betting::Hidden,
        expect![[r#"
            Your card: K♠
            Public card: K♥
            Hand: PAIR
            Round: 2/2
            Pot: 10 chips
            Your chips: 97
            Opponent chips: 93

            Player 1
            0 -> Fold
            1 -> Call
            2 -> Raise
        "#]],
    );
}

#[test]
fn liars_dice_shows_the_last_bid_alone() {
    let spec = "liars_dice(players=2,numdice=5)";
    let deal = [4, 0, 1, 5, 1, 2, 2, 2, 3, 3];
    check(
        "liars_dice",
        spec,
        &deal,
        Betting::Shown,
        expect![[r#"
            Your dice: [1, 2, 2, 5, 6] (showing: 1, 2, 2, 5, 6)
            Dice per player: 5
            Total dice in game: 10
            Players: 2
            Current player: Player 0
            No bid yet - you must make the first bid

            Player 0
            0 -> 1-1
            1 -> 1-2
            2 -> 1-3
        "#]],
    );
    let bids: Vec<u16> = deal.into_iter().chain([7, 14]).collect();
    check(
        "liars_dice",
        spec,
        &bids,
        Betting::Shown,
        expect![[r#"
            Your dice: [1, 2, 2, 5, 6] (showing: 1, 2, 2, 5, 6)
            Dice per player: 5
            Total dice in game: 10
            Players: 2
            Current player: Player 0

            Current bid: "3-3" (at least 3 dice showing 3 across all players)
            You can: (1) Make a higher bid, or (2) Call 'Liar'

            Player 0
            15 -> 3-4
            16 -> 3-5
            17 -> 3-6
        "#]],
    );
}

#[test]
fn gin_rummy_shows_the_observation() {
    let game = load_game("gin_rummy(hand_size=7,knock_card=9)").unwrap();
    let mut state = game.new_initial_state();
    (0..15).for_each(|card| state.apply(card));
    let seen = view("gin_rummy", state.as_ref(), Betting::Shown).unwrap();
    assert_eq!(Some(seen.state), state.observation_string(0));
    assert_eq!(seen.legal[0], (52, "Player: 0 Action: Draw upcard".to_owned()));
}

#[test]
fn a_screen_shows_what_a_new_one_shows() {
    for name in games::match_play::NAMES {
        let mut screen = super::Screen::new(name, Betting::Shown);
        for seed in 1..9 {
            let rules = crate::match_game(name, seed).unwrap();
            let played = crate::arena::play_out(rules.as_ref(), seed, |state, seat, turn| {
                let seen = screen.show(state).unwrap();
                assert_eq!(Some(seen), view(name, state, Betting::Shown).as_ref(), "{name}");
                assert_eq!(seen.state, games::match_play::state_text(name, state, seat));
                assert_eq!(seen.legal, games::match_play::legal(state));
                Ok(crate::random(seen, crate::turn_draw(seed, seat, turn))?.action)
            });
            played.unwrap();
        }
    }
}
