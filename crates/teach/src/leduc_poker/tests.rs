//! Exact scores on the whole tree, against the bars of spec/recipes.md and data/traces/README.md.

use schema::{MatchView, Memory};

use super::{Measured, Teacher, bot, tree};
use crate::match_text::{Betting, view};
use crate::{Player, Utility};

fn measured(teacher: &Teacher, opponent: &str) -> Measured {
    *teacher.measured().iter().find(|one| one.opponent == opponent).unwrap()
}

#[test]
fn the_outcome_teacher_is_nowhere_below_one_half_and_reaches_the_bars() {
    let teacher = Teacher::solve(Utility::Outcome).unwrap();
    for one in teacher.measured() {
        assert!(one.shown >= 0.5 - 1e-12 && one.hidden >= 0.5 - 1e-12, "{one:?}");
    }
    let bars = [("uniform", 0.8038), ("chips-equilibrium", 0.69), ("chips-equilibrium-greedy", 0.74)];
    for (opponent, bar) in bars {
        let one = measured(&teacher, opponent);
        // Bars are given to four digits.
        assert!(one.shown >= bar - 5e-5 && one.hidden >= bar - 5e-5, "{one:?} below {bar}");
    }
    for opponent in ["always-raise", "random-nofold"] {
        let one = measured(&teacher, opponent);
        assert!((one.shown - 0.5).abs() < 1e-12 && (one.hidden - 0.5).abs() < 1e-12, "{one:?}");
    }
}

#[test]
fn the_chip_equilibrium_loses_where_only_the_outcome_counts() {
    let teacher = Teacher::solve(Utility::Returns).unwrap();
    // spec/recipes.md §0: 0.297 mixed, against always raising.
    assert!((measured(&teacher, "always-raise").shown - 0.297).abs() < 0.01, "{:?}", teacher.measured());
    // Without the betting it is another policy, though not by much.
    for one in teacher.measured() {
        assert!((one.shown - one.hidden).abs() < 0.05, "{one:?}");
    }
}

#[test]
fn the_equilibrium_of_outcomes_scores_what_is_known_against_the_chip_equilibrium() {
    let (tree, chips) = tree::with_equilibrium(Utility::Returns, 300).unwrap();
    let (_, outcome) = tree::with_equilibrium(Utility::Outcome, 300).unwrap();
    let score = tree.score(&tree.strategy(&outcome), &tree.strategy(&chips));
    assert!((score - 0.561).abs() < 0.01, "{score}");
}

#[test]
fn the_teacher_answers_every_turn_in_both_texts_and_in_the_sidecars_words() {
    let teacher = Teacher::solve(Utility::Outcome).unwrap();
    let game = games::load_game("leduc_poker(players=2)").unwrap();
    let tree = games::GameTree::new(game.as_ref()).unwrap();
    for infoset in tree.infosets() {
        for betting in [Betting::Shown, Betting::Hidden] {
            let seen = view("leduc_poker", infoset.state.as_ref(), betting).unwrap();
            let action = teacher.answer(&seen, 0.5).unwrap().action;
            assert!(action != 0 && infoset.legal.contains(&action), "{}: {action}", infoset.key);
        }
        let seen = view("leduc_poker", infoset.state.as_ref(), Betting::Shown).unwrap();
        let words = [("Round:", "Current round:"), ("Pot:", "Pot size:"), (" actions:", " betting:")];
        let state = words.iter().fold(seen.state.clone(), |text, (ours, theirs)| text.replace(ours, theirs));
        let theirs = MatchView { state, ..seen.clone() };
        assert_eq!(teacher.answer(&theirs, 0.5).unwrap(), teacher.answer(&seen, 0.5).unwrap());
    }
}

#[test]
fn a_mixing_player_draws_by_the_number_it_is_given() {
    let legal = vec![(0, "Fold".to_owned()), (1, "Call".to_owned()), (2, "Raise".to_owned())];
    let state = "Your card: J♠\nRound: 1/2\nPot: 4 chips\nYour chips: 99\nOpponent chips: 97".to_owned();
    let turn = MatchView { game: "leduc_poker".to_owned(), seat: 1, state, legal, memory: Memory::default() };
    let random = bot("random-nofold").unwrap();
    let actions = [0.0, 0.49, 0.51, 0.99].map(|draw| random.answer(&turn, draw).unwrap().action);
    assert_eq!(actions, [1, 1, 2, 2]);
    assert_eq!(bot("card-rule").unwrap().answer(&turn, 0.0).unwrap().action, 0);
    let other = MatchView { state: "Your dice: [1]".to_owned(), ..turn };
    assert!(random.answer(&other, 0.0).is_err(), "another game's text is not leduc's");
}
