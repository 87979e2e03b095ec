//! The exact machinery against counting and against games, and what a short solve is worth.

use super::hands::{BIDS, HANDS, Hands, LIAR};
use super::population::{self, Member};
use super::searcher::Searcher;
use super::table::Rows;
use super::{Teacher, bot, cfr, read, response};
use crate::match_text::{Betting, view};
use crate::{Duel, Player, Side, duel};

fn both(rows: Rows) -> [Rows; 2] {
    [rows.clone(), rows]
}

fn member(rows: &Rows) -> Member {
    Member::table("one", 1.0, [rows, rows])
}

#[test]
fn hands_are_multisets_with_the_chances_of_dice() {
    let hands = Hands::new();
    assert_eq!(hands.prior.len(), HANDS);
    assert!((hands.prior.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    let five_ones = hands.find(&[1; 5]).unwrap();
    assert!((hands.prior[five_ones] - 1.0 / 7776.0).abs() < 1e-9);
    // Two ones and a wild six: three ones, one six.
    let mixed = hands.find(&[6, 1, 2, 1, 3]).unwrap();
    assert_eq!((hands.matches(mixed, 0), hands.matches(mixed, 5)), (3, 1));
    assert_eq!(hands.find(&[1, 2, 3]), None);
}

#[test]
fn the_truth_of_a_bid_is_binomial() {
    let hands = Hands::new();
    let chances = hands.match_chances(&hands.prior);
    let none = hands.find(&[2; 5]).unwrap();
    // One 1 or more among five dice of which a third count.
    let expected = 1.0 - (2.0_f32 / 3.0).powi(5);
    assert!((hands.truth(0, none, &chances) - expected).abs() < 1e-5);
    // Ten sixes with no six at all cannot be.
    assert_eq!(hands.truth(BIDS - 1, none, &chances), 0.0);
}

#[test]
fn exact_scores_are_those_of_games() {
    let hands = Hands::new();
    let (threshold, public) = (population::threshold(&hands), population::public(&hands));
    let exact = response::score(&hands, &both(threshold.clone()), &member(&public));
    let players = [bot("threshold").unwrap(), bot("public").unwrap()];
    let sides = players.each_ref().map(|player| Side::Player(player.as_ref()));
    let rules = Duel { bar: 2.0, min_games: 4_000, max_games: 4_000, first_seed: 1 };
    let played = duel("liars_dice", sides, rules).unwrap();
    // Three standard errors of 4,000 games.
    assert!((played.rate() - exact).abs() < 0.024, "{exact} exact, {played:?}");
    let itself = response::score(&hands, &both(threshold.clone()), &member(&threshold));
    assert!((itself - 0.5).abs() < 1e-4, "{itself} against itself");
}

#[test]
fn a_response_takes_more_than_what_it_began_with() {
    let hands = Hands::new();
    let threshold = population::threshold(&hands);
    let population = [member(&threshold)];
    let answer = [0, 1].map(|seat| response::respond(&hands, seat, &population, &threshold));
    let score = response::score(&hands, &answer, &population[0]);
    assert!(score > 0.6, "{score} against the threshold bot alone");
}

#[test]
fn of_moves_that_are_nearly_as_good_the_plainest_is_made() {
    let mut worth = [0.0; BIDS + 1];
    (worth[12], worth[15], worth[20], worth[LIAR]) = (0.45, 0.48, 0.5, 0.42);
    let chosen = |slack| response::plainest(&worth, 10, slack);
    // The best; within reach the lowest bid; calling before any bid.
    assert_eq!([0.0, 0.03, 0.06, 0.09].map(chosen), [20, 15, 12, LIAR]);
    // Nothing to call yet.
    assert_eq!(response::plainest(&worth, 0, 0.09), 12);
}

#[test]
fn more_iterations_are_harder_to_exploit() {
    let hands = Hands::new();
    let exploited = |iterations| {
        let average = cfr::solve(&hands, iterations);
        let population = [Member::table("average", 1.0, [&average[0], &average[1]])];
        let start = population::threshold(&hands);
        let answer = [0, 1].map(|seat| response::respond(&hands, seat, &population, &start));
        response::score(&hands, &answer, &population[0])
    };
    let (few, more) = (exploited(1), exploited(8));
    assert!(more < few - 0.02, "{few} after 1, {more} after 8");
}

#[test]
fn the_teacher_reads_turns() {
    let hands = Hands::new();
    let teacher = Teacher { policy: both(population::threshold(&hands)), hands, measured: Vec::new() };
    let game = games::load_game("liars_dice(players=2,numdice=5)").unwrap();
    let mut state = game.new_initial_state();
    [0, 0, 0, 1, 2, 5, 5, 4, 3, 3].into_iter().for_each(|face| state.apply(face));
    let opening = view("liars_dice", state.as_ref(), Betting::Shown).unwrap();
    assert_eq!(read(&teacher.hands, &opening).unwrap().1, 0);
    let action = teacher.answer(&opening, 0.0).unwrap().action;
    assert!(usize::from(action) < BIDS, "the first move is a bid");
    // Ten sixes cannot be, whatever the other holds.
    state.apply(BIDS as u16 - 1);
    let last = view("liars_dice", state.as_ref(), Betting::Shown).unwrap();
    assert_eq!(read(&teacher.hands, &last).unwrap().1, BIDS);
    assert_eq!(usize::from(teacher.answer(&last, 0.0).unwrap().action), LIAR);
}

#[test]
fn a_watched_searcher_calls_what_does_not_hold_and_bids_the_rest() {
    let hands = Hands::new();
    let searcher = Searcher::watch(50, 200);
    let none = hands.find(&[2; 5]).unwrap();
    let columns = searcher.columns(&hands, none);
    // Nobody has a six: one six does not hold for twos, and holds for sixes.
    let called = columns.at(6, LIAR).unwrap();
    let sixes = hands.find(&[6; 5]).unwrap();
    assert_eq!((called[none], called[sixes]), (1.0, 0.0));
    let sum: f32 = (6..BIDS).filter_map(|id| columns.at(6, id)).map(|weights| weights[sixes]).sum();
    assert!((sum - 1.0).abs() < 1e-4, "{sum}");
}
