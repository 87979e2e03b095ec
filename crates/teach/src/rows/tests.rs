//! Rows are the teacher's turns, reproducible and balanced.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Mix, games, opponents, relabel, rows_per_second};
use crate::match_text::Betting;
use crate::{bot, gin_rummy};

#[test]
fn the_same_seeds_give_the_same_rows_from_both_seats_and_all_variants() {
    let (teacher, others) = (gin_rummy::Teacher::racer(), opponents("gin_rummy").unwrap());
    let mix = Mix {
        game: "gin_rummy",
        teacher: &teacher,
        opponents: &others,
        explore: 0.1,
        betting: Betting::Shown,
    };
    let rows = games(&mix, 0..27).unwrap();
    assert_eq!(rows, games(&mix, 0..27).unwrap());
    let seats: BTreeSet<usize> = rows.iter().map(|row| row.view.seat).collect();
    assert_eq!(seats, BTreeSet::from([0, 1]));
    let knock_cards: BTreeSet<&str> = rows.iter().filter_map(|row| row.view.state.lines().nth(1)).collect();
    assert_eq!(knock_cards, BTreeSet::from(["Knock card: 10", "Knock card: 8", "Knock card: 9"]));
    assert!(rows.iter().all(|row| row.view.legal.iter().any(|(id, _)| *id == row.answer.action)));
}

#[test]
fn exploring_changes_what_is_played_and_not_what_a_turn_is_labelled() {
    let teacher = bot("leduc_poker/always-raise").unwrap();
    let others = opponents("leduc_poker").unwrap();
    let mix = |explore| Mix {
        game: "leduc_poker",
        teacher: teacher.as_ref(),
        opponents: &others,
        explore,
        betting: Betting::Hidden,
    };
    let mut shares = BTreeMap::new();
    for (name, explore) in [("never", 0.0), ("often", 0.8)] {
        let rows = games(&mix(explore), 0..200).unwrap();
        let raises =
            |row: &&super::Row| row.view.legal.iter().all(|(id, _)| *id != 2) || row.answer.action == 2;
        assert_eq!(rows.iter().filter(raises).count(), rows.len(), "labels are the teacher's");
        // Where the own chips are untouched in the second round, somebody has only called.
        let called = rows.iter().filter(|row| row.view.state.contains("Pot: 2 chips")).count();
        shares.insert(name, called as f64 / rows.len() as f64);
        let views: Vec<_> = rows.iter().map(|row| row.view.clone()).collect();
        assert_eq!(relabel(teacher.as_ref(), views).unwrap(), rows);
    }
    assert!(shares["often"] > shares["never"], "{shares:?}");
}

#[test]
fn every_game_has_opponents_and_a_rate() {
    for game in crate::GAMES {
        assert!(opponents(game).unwrap().len() >= 2, "{game}");
        assert!(rows_per_second(game, Duration::from_millis(20)).unwrap() > 1_000.0, "{game}");
    }
}
