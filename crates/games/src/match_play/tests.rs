//! Seeds, variants, openings and first draws as Python's and OpenSpiel 2.0.2's own run gives them; texts as the
//! contract says them.

use expect_test::{Expect, expect};

use super::{
    Betting, NAMES, Outcome, config_id, game_seeds, legal, outcome, play_chance, start, state_text,
    state_text_with, variant,
};
use crate::rng::RandomState;
use crate::{Action, Error, State, load_game};

fn after(spec: &str, actions: &[Action]) -> Box<dyn State> {
    let mut state = load_game(spec).unwrap().new_initial_state();
    actions.iter().for_each(|&action| state.apply(action));
    state
}

#[test]
fn a_match_draws_its_seeds_as_python_does() {
    let first = |seed| game_seeds(seed).take(5).collect::<Vec<_>>();
    assert_eq!(first(42), [670_488, 116_740, 26_226, 777_573, 288_390]);
    assert_eq!(first(7), [339_564, 993_909, 158_177, 414_003, 682_555]);
}

#[test]
fn a_seed_gives_the_game_that_python_gives() {
    // Game, seed, config id, opening or deal, rules.
    let table: [(&str, u64, u64, &[Action], &str); 18] = [
        ("clobber", 1, 18_034_063, &[89, 14, 27], "clobber(columns=5,rows=5)"),
        ("clobber", 77, 33_920_640, &[29, 24, 46, 19], "clobber(columns=5,rows=4)"),
        ("clobber", 654_321, 8_828_831, &[76, 7], "clobber(columns=6,rows=5)"),
        (
            "gin_rummy",
            1,
            18_034_063,
            &[21, 37, 0, 15, 8, 5, 11, 20, 24, 31, 25, 39, 12, 47, 2, 36, 26, 32, 7],
            "gin_rummy(hand_size=9,knock_card=9)",
        ),
        (
            "gin_rummy",
            77,
            33_920_640,
            &[47, 32, 38, 6, 4, 41, 17, 27, 12, 28, 20, 37, 44, 29, 14],
            "gin_rummy(hand_size=7,knock_card=10)",
        ),
        (
            "gin_rummy",
            654_321,
            8_828_831,
            &[12, 38, 50, 34, 44, 42, 3, 4, 1, 49, 32, 5, 10, 17, 24],
            "gin_rummy(hand_size=7,knock_card=8)",
        ),
        (
            "goofspiel",
            1,
            18_034_063,
            &[5],
            "turn_based_simultaneous_game(game=goofspiel(egocentric=False,imp_info=True,num_cards=13,num_turns=-1,\
             players=2,points_order=random,returns_type=win_loss))",
        ),
        (
            "goofspiel",
            77,
            33_920_640,
            &[4],
            "turn_based_simultaneous_game(game=goofspiel(egocentric=False,imp_info=True,num_cards=5,num_turns=-1,\
             players=2,points_order=random,returns_type=win_loss))",
        ),
        (
            "goofspiel",
            654_321,
            8_828_831,
            &[3],
            "turn_based_simultaneous_game(game=goofspiel(egocentric=False,imp_info=True,num_cards=13,num_turns=-1,\
             players=2,points_order=random,returns_type=win_loss))",
        ),
        ("leduc_poker", 1, 18_034_063, &[2, 4], "leduc_poker(players=2)"),
        ("leduc_poker", 77, 33_920_640, &[5, 3], "leduc_poker(players=2)"),
        ("leduc_poker", 654_321, 8_828_831, &[1, 4], "leduc_poker(players=2)"),
        ("liars_dice", 1, 18_034_063, &[2, 4, 0, 1, 0, 0, 1, 2, 2, 3], "liars_dice(numdice=5,players=2)"),
        ("liars_dice", 77, 33_920_640, &[5, 3, 4, 0, 0, 4, 1, 3, 1, 3], "liars_dice(numdice=5,players=2)"),
        (
            "liars_dice",
            654_321,
            8_828_831,
            &[1, 4, 5, 4, 5, 5, 0, 0, 0, 5],
            "liars_dice(numdice=5,players=2)",
        ),
        ("othello", 1, 18_034_063, &[19, 20, 13], "othello()"),
        ("othello", 77, 33_920_640, &[37, 29, 19, 26], "othello()"),
        ("othello", 654_321, 8_828_831, &[44, 29], "othello()"),
    ];
    for (name, seed, id, drawn, spec) in table {
        assert_eq!(config_id(name, seed), Ok(id), "{name} {seed}");
        let mut begun = start(name, seed).unwrap();
        assert_eq!(begun.game.spec(), spec);
        let mut played = begun.game.new_initial_state();
        drawn.iter().for_each(|&action| played.apply(action));
        play_chance(begun.state.as_mut(), &mut begun.chance);
        assert_eq!(begun.state.to_string(), played.to_string(), "{name} {seed}");
        assert!(begun.opening.is_empty() || begun.opening == drawn);
    }
}

#[test]
fn variants_are_the_evaluators() {
    let table = [
        ("gin_rummy", 0, "gin_rummy(hand_size=7,knock_card=10)"),
        ("gin_rummy", 99_999_998, "gin_rummy(hand_size=9,knock_card=8)"),
        ("clobber", 3, "clobber(columns=5,rows=4)"),
        ("clobber", 4, "clobber(columns=5,rows=5)"),
        ("clobber", 5, "clobber(columns=6,rows=5)"),
        ("liars_dice", 17, "liars_dice(numdice=5,players=2)"),
        ("leduc_poker", 17, "leduc_poker(players=2)"),
        ("othello", 17, "othello()"),
    ];
    for (name, config_id, spec) in table {
        assert_eq!(load_game(&variant(name, config_id).unwrap()).unwrap().spec(), spec);
    }
    for (config_id, cards) in [(0, 5), (1, 8), (2, 10), (7, 13)] {
        let game = load_game(&variant("goofspiel", config_id).unwrap()).unwrap();
        assert_eq!(game.num_distinct_actions(), cards);
        assert!(game.spec().contains("imp_info=True") && !game.is_simultaneous());
    }
}

#[test]
fn every_game_starts_at_a_decision_after_its_chance() {
    for name in NAMES {
        for seed in 1..60 {
            let mut begun = start(name, seed).unwrap();
            assert!(begun.opening.is_empty() || (2..=6).contains(&begun.opening.len()), "{name} {seed}");
            play_chance(begun.state.as_mut(), &mut begun.chance);
            let actions = legal(begun.state.as_ref());
            assert!(!actions.is_empty() && actions.is_sorted(), "{name} {seed}");
            for seat in 0..2 {
                assert!(!state_text(name, begun.state.as_ref(), seat).is_empty());
            }
        }
    }
}

#[test]
fn other_games_and_seeds_are_refused() {
    let check = |result: Result<super::Start, Error>, want: Expect| {
        want.assert_eq(&result.err().map(|error| error.to_string()).unwrap_or_default());
    };
    check(
        start("kuhn_poker", 1),
        expect![
            "game `kuhn_poker` is unknown: choose one of clobber, gin_rummy, goofspiel, leduc_poker, liars_dice, othello"
        ],
    );
    check(start("othello", 1 << 32), expect!["seed 4294967296 is too large: give one below 4294967296"]);
}

#[test]
fn leduc_shows_cards_chips_and_bets() {
    let spec = "leduc_poker(players=2)";
    let check = |actions: &[Action], seat, betting, want: Expect| {
        want.assert_eq(&state_text_with("leduc_poker", after(spec, actions).as_ref(), seat, betting));
    };
    check(
        &[2, 5],
        0,
        Betting::Shown,
        expect![[r#"
            Your card: Q♠
            Round: 1/2
            Pot: 2 chips
            Your chips: 99
            Opponent chips: 99"#]],
    );
    let second = [2, 5, 1, 2, 1, 3, 1];
    check(
        &second,
        0,
        Betting::Shown,
        expect![[r#"
            Your card: Q♠
            Public card: Q♥
            Hand: PAIR
            Round: 2/2
            Pot: 6 chips
            Your chips: 97
            Opponent chips: 97
            Round 1 actions: Call, Raise, Call
            Round 2 actions: Call"#]],
    );
    check(
        &second,
        1,
        Betting::Hidden,
        expect![[r#"
            Your card: K♥
            Public card: Q♥
            Round: 2/2
            Pot: 6 chips
            Your chips: 97
            Opponent chips: 97"#]],
    );
    check(
        &[],
        1,
        Betting::Shown,
        expect![[r#"
            Your card: (not dealt yet)
            Round: 1/2
            Pot: 2 chips
            Your chips: 99
            Opponent chips: 99"#]],
    );
}

#[test]
fn liars_dice_shows_the_last_bid() {
    let rolled = [0, 5, 2, 2, 1, 4, 4, 0, 3, 1];
    let check = |more: &[Action], seat, want: Expect| {
        let state = after("liars_dice(numdice=5,players=2)", &[rolled.as_slice(), more].concat());
        want.assert_eq(&state_text("liars_dice", state.as_ref(), seat));
    };
    check(
        &[],
        0,
        expect![[r#"
            Your dice: [1, 2, 3, 3, 6] (showing: 1, 2, 3, 3, 6)
            Dice per player: 5
            Total dice in game: 10
            Players: 2
            Current player: Player 0
            No bid yet - you must make the first bid"#]],
    );
    check(
        &[4, 14],
        0,
        expect![[r#"
            Your dice: [1, 2, 3, 3, 6] (showing: 1, 2, 3, 3, 6)
            Dice per player: 5
            Total dice in game: 10
            Players: 2
            Current player: Player 0

            Current bid: "3-3" (at least 3 dice showing 3 across all players)
            You can: (1) Make a higher bid, or (2) Call 'Liar'"#]],
    );
    // After the end, where a player looks back.
    check(
        &[4, 60],
        1,
        expect![[r#"
            Your dice: [1, 2, 4, 5, 5] (showing: 1, 2, 4, 5, 5)
            Dice per player: 5
            Total dice in game: 10
            Players: 2
            Current player: Player -4

            Current bid: "1-5" (at least 1 dice showing 5 across all players)
            You can: (1) Make a higher bid, or (2) Call 'Liar'"#]],
    );
}

#[test]
fn board_games_say_the_colour_and_goofspiel_the_seat() {
    let first_line = |name: &str, spec: &str, seat: usize| {
        let state = after(spec, &[]);
        let text = state_text(name, state.as_ref(), seat);
        let (line, rest) = text.split_once('\n').unwrap();
        assert_eq!(Some(rest), state.observation_string(seat).as_deref());
        line.to_owned()
    };
    let lines = |name, spec| [0, 1].map(|seat| first_line(name, spec, seat));
    assert_eq!(lines("othello", "othello"), ["You play x (Black).", "You play o (White)."]);
    assert_eq!(lines("clobber", "clobber"), ["You play o (White).", "You play x (Black)."]);
    let goofspiel = "turn_based_simultaneous_game(game=goofspiel(imp_info=True,num_cards=5))";
    assert_eq!(lines("goofspiel", goofspiel), ["You are Player 0 (P0).", "You are Player 1 (P1)."]);
}

#[test]
fn gin_rummy_shows_the_observation() {
    let mut state = after("gin_rummy(hand_size=7,knock_card=10)", &[]);
    play_chance(state.as_mut(), &mut RandomState::new(5));
    assert_eq!(Some(state_text("gin_rummy", state.as_ref(), 1)), state.observation_string(1));
}

#[test]
fn legal_actions_have_their_names() {
    let state = after("leduc_poker(players=2)", &[2, 5, 2]);
    let want = [(0, "Fold"), (1, "Call"), (2, "Raise")].map(|(id, name)| (id, name.to_owned()));
    assert_eq!(legal(state.as_ref()), want);
    assert_eq!(legal(after("leduc_poker(players=2)", &[2]).as_ref()), []);
}

#[test]
fn outcomes_go_by_the_sign_of_the_return() {
    use Outcome::{Draw, Loss, Win};
    let of = |returns| [0, 1].map(|seat| outcome(returns, seat));
    assert_eq!(of([1.0, -1.0]), [Win, Loss]);
    assert_eq!(of([-31.0, 31.0]), [Loss, Win]);
    assert_eq!(of([-0.0, 0.0]), [Draw, Draw]);
}
