//! The search against trying everything, what is read, and games.

use games::rng::FastRng;
use games::{State, load_game};

use super::board::Board;
use super::{Teacher, bot, worth};
use crate::alpha_beta::{Position, SearchBudget, WON, best};
use crate::match_text::{Betting, view};
use crate::{Duel, Side, duel};

/// Discs by which the mover of `board` ends ahead, both sides taking as many as they can.
fn ahead(board: Board) -> i32 {
    let mut steps = Vec::new();
    board.moves(&mut steps);
    let best = steps.iter().map(|step| -ahead(step.after)).max();
    best.unwrap_or(board.own.count_ones() as i32 - board.other.count_ones() as i32)
}

/// A position with `n_empty` empty squares, reached at random; `None` if the game ends before.
fn late(seed: u64, n_empty: u32) -> Option<Box<dyn State>> {
    let mut rng = FastRng::new(seed);
    let mut state = load_game("othello").unwrap().new_initial_state();
    let mut legal = Vec::new();
    loop {
        let board = Board::read(&view("othello", state.as_ref(), Betting::Shown)?).unwrap();
        if (board.own | board.other).count_zeros() == n_empty {
            return Some(state);
        }
        state.legal_actions(&mut legal);
        state.apply(legal[rng.below(legal.len())]);
    }
}

#[test]
fn endings_are_solved_as_trying_everything_solves_them() {
    let mut n_solved = 0;
    for (seed, n_empty) in (0..40).flat_map(|seed| [(seed, 4), (seed, 7)]) {
        let Some(state) = late(seed, n_empty) else { continue };
        let board = Board::read(&view("othello", state.as_ref(), Betting::Shown).unwrap()).unwrap();
        let found = best(&board, SearchBudget { positions: 1_000_000, table: 1 << 12 }).unwrap();
        let want = ahead(board).signum();
        // Certain of the result it stops, though a larger win may lie deeper.
        assert_eq!(found.value.signum(), want, "{found:?} at\n{state}");
        assert!(want == 0 || found.value.abs() >= WON, "{found:?} at\n{state}");
        let mut steps = Vec::new();
        board.moves(&mut steps);
        let step = steps.iter().find(|step| step.action == found.action).unwrap();
        assert_eq!(-ahead(step.after).signum(), want, "{found:?} at\n{state}");
        n_solved += 1;
    }
    assert!(n_solved > 40, "{n_solved} positions");
}

#[test]
fn the_board_is_read_for_both_seats_and_moves_are_the_rules() {
    let mut rng = FastRng::new(3);
    let mut state = load_game("othello").unwrap().new_initial_state();
    let (mut legal, mut steps) = (Vec::new(), Vec::new());
    while !state.is_terminal() {
        state.legal_actions(&mut legal);
        let seen = view("othello", state.as_ref(), Betting::Shown).unwrap();
        Board::read(&seen).unwrap().moves(&mut steps);
        let mut found: Vec<u16> = steps.iter().map(|step| step.action).collect();
        found.sort_unstable();
        assert_eq!(found, legal, "at\n{state}");
        let action = legal[rng.below(legal.len())];
        state.apply(action);
        let after = steps.iter().find(|step| step.action == action).unwrap().after;
        if let Some(seen) = view("othello", state.as_ref(), Betting::Shown) {
            assert_eq!(Board::read(&seen).unwrap(), after, "at\n{state}");
        }
    }
    let other = schema::MatchView { state: "Your dice: [1]".to_owned(), ..view_of_start() };
    assert!(Board::read(&other).is_err(), "another game's text is not othello's");
}

fn view_of_start() -> schema::MatchView {
    view("othello", load_game("othello").unwrap().new_initial_state().as_ref(), Betting::Shown).unwrap()
}

#[test]
fn a_corner_is_worth_having_and_the_square_before_it_is_not() {
    let board = |own, other| worth::of_board(Board { own, other }).unwrap();
    // Mirror images of each other are worth the same with the sign changed, whoever is to move.
    let start = Board::read(&view_of_start()).unwrap();
    assert_eq!(worth::of_board(start), worth::of_board(start.passed()).map(|worth| -worth));
    let (own, other) = (0x0000_0010_0800_0000, 0x0000_0008_1000_0000);
    assert!(board(own | 1, other) > board(own, other) + 70);
    assert!(board(own | 1 << 9, other) < board(own, other));
}

#[test]
fn answers_are_legal_and_the_same_again() {
    let teacher = Teacher::within(SearchBudget { positions: 100, table: 1 << 8 });
    crate::tests::answers_are_legal("othello", &[&teacher, bot("greedy").unwrap().as_ref()], 200);
}

#[test]
fn the_teacher_beats_greed_and_search() {
    let teacher = Teacher::within(SearchBudget { positions: 1_000, table: 1 << 10 });
    let greedy = bot("greedy").unwrap();
    for (other, bar) in [(Side::Player(greedy.as_ref()), 0.8), (Side::Search(50), 0.8)] {
        let rules = Duel { bar, min_games: 40, max_games: 40, first_seed: 1 };
        let score = duel("othello", [Side::Player(&teacher), other], rules).unwrap();
        assert!(score.rate() > bar, "{score:?}");
    }
}
