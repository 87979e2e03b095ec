//! Games by name, and what every game promises.

use expect_test::{Expect, expect};
use games::rng::FastRng;
use games::{Player, load_game};

#[test]
fn specs_are_read_with_openspiels_defaults_and_printed_whole() {
    let table = [
        ("leduc_poker", "leduc_poker(players=2)"),
        ("leduc_poker()", "leduc_poker(players=2)"),
        ("kuhn_poker(players=2)", "kuhn_poker(players=2)"),
        ("liars_dice", "liars_dice(numdice=1,players=2)"),
        ("liars_dice(players=2, numdice=3, dice_sides=4)", "liars_dice(dice_sides=4,numdice=3,players=2)"),
        ("gin_rummy", "gin_rummy(hand_size=10,knock_card=10)"),
        ("gin_rummy(knock_card=8,hand_size=7)", "gin_rummy(hand_size=7,knock_card=8)"),
        (
            "gin_rummy(oklahoma=true,gin_bonus=20,undercut_bonus=10)",
            "gin_rummy(gin_bonus=20,hand_size=10,knock_card=10,oklahoma=True,undercut_bonus=10)",
        ),
        ("othello", "othello()"),
        ("clobber", "clobber(columns=6,rows=5)"),
        ("clobber(rows=4,columns=5)", "clobber(columns=5,rows=4)"),
        ("goofspiel", "goofspiel(imp_info=False,num_cards=13)"),
        ("goofspiel(num_cards=8,players=2,points_order=random)", "goofspiel(imp_info=False,num_cards=8)"),
        (
            "turn_based_simultaneous_game(game=goofspiel(imp_info=True, num_cards=5, returns_type=win_loss))",
            "turn_based_simultaneous_game(game=goofspiel(egocentric=False,imp_info=True,num_cards=5,num_turns=-1,\
             players=2,points_order=random,returns_type=win_loss))",
        ),
    ];
    for (given, printed) in table {
        let game = load_game(given).unwrap();
        assert_eq!(game.spec(), printed);
        assert_eq!(load_game(printed).unwrap().spec(), printed);
        assert!(printed.starts_with(game.name()));
    }
}

#[test]
fn wrong_specs_are_refused_with_what_would_be_right() {
    let check = |spec: &str, want: Expect| want.assert_eq(&load_game(spec).unwrap_err().to_string());
    check(
        "chess",
        expect![[
            r#"game `chess` is unknown: choose one of clobber, gin_rummy, goofspiel, kuhn_poker, leduc_poker, liars_dice, othello, turn_based_simultaneous_game"#
        ]],
    );
    check("leduc_poker(", expect![[r#"`leduc_poker(` is not a game: write `name` or `name(key=value,…)`"#]]);
    check(
        "leduc_poker(players)",
        expect![[r#"`leduc_poker(players)` is not a game: write `name` or `name(key=value,…)`"#]],
    );
    check("leduc_poker(players=3)", expect![[r#"leduc_poker cannot have players = `3`: give 2"#]]);
    check(
        "liars_dice(numdice=6)",
        expect![[r#"liars_dice cannot have numdice = `6`: give an integer from 1 to 5"#]],
    );
    check(
        "liars_dice(bidding_rule=reset-quantity)",
        expect![[r#"liars_dice cannot have bidding_rule = `reset-quantity`: give reset-face"#]],
    );
    check("clobber(rows=9)", expect![[r"clobber cannot have rows = `9`: give an integer from 2 to 8"]]);
    check(
        "turn_based_simultaneous_game(game=blotto())",
        expect![[r"turn_based_simultaneous_game cannot have game = `blotto()`: give goofspiel(…)"]],
    );
    check("othello(size=8)", expect![[r"othello has no parameter `size`: choose from (none)"]]);
    check("gin_rummy(oklahoma=1)", expect![[r#"gin_rummy cannot have oklahoma = `1`: give True or False"#]]);
    check(
        "gin_rummy(knock=10)",
        expect![[
            r#"gin_rummy has no parameter `knock`: choose from hand_size, knock_card, oklahoma, gin_bonus, undercut_bonus, num_ranks, num_suits"#
        ]],
    );
}

#[test]
fn sizes_and_utilities_are_openspiels() {
    let table = [
        ("kuhn_poker", 2, 2.0),
        ("leduc_poker", 3, 13.0),
        ("liars_dice(numdice=5)", 61, 1.0),
        ("liars_dice(dice_sides=4)", 9, 1.0),
        ("gin_rummy", 241, 123.0),
        ("gin_rummy(gin_bonus=20)", 241, 118.0),
        ("othello", 65, 1.0),
        ("clobber(rows=4,columns=5)", 80, 1.0),
        ("goofspiel(num_cards=16)", 16, 1.0),
    ];
    for (spec, actions, utility) in table {
        let game = load_game(spec).unwrap();
        assert_eq!((game.num_distinct_actions(), game.max_utility()), (actions, utility), "{spec}");
    }
}

#[test]
fn copies_are_equal_and_independent_at_every_state_of_random_games() {
    for spec in [
        "kuhn_poker",
        "leduc_poker",
        "liars_dice(numdice=3)",
        "gin_rummy(hand_size=7)",
        "othello",
        "clobber(rows=7,columns=7)",
        "goofspiel(num_cards=8)",
        "turn_based_simultaneous_game(game=goofspiel(imp_info=True,num_cards=16))",
    ] {
        let game = load_game(spec).unwrap();
        let mut rng = FastRng::new(3);
        let mut copy = game.new_initial_state();
        let (mut actions, mut outcomes) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let mut state = game.new_initial_state();
            loop {
                copy.copy_from(state.as_ref());
                let before = state.to_string();
                assert_eq!(copy.to_string(), before);
                assert_eq!(copy.information_state_string(1), state.information_state_string(1));
                state.legal_actions(&mut actions);
                state.chance_outcomes(&mut outcomes);
                let total: f64 = outcomes.iter().map(|outcome| outcome.1).sum();
                assert!(outcomes.is_empty() == (state.current_player() != Player::Chance));
                assert!(outcomes.is_empty() || (total - 1.0).abs() < 1e-12);
                actions.extend(outcomes.iter().map(|outcome| outcome.0));
                if actions.is_empty() {
                    break;
                }
                state.apply(actions[rng.below(actions.len())]);
                assert_eq!(copy.to_string(), before);
            }
        }
    }
}
