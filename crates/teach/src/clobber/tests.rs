//! The search against trying everything, and what is read.

use games::rng::FastRng;
use games::{Player as Mover, State, load_game, match_play};

use super::board::Stones;
use super::{Teacher, bot};
use crate::alpha_beta::{SearchBudget, WON, best};
use crate::match_text::{Betting, view};
use crate::{Player, Side, duel};

/// Whether the mover wins, by the rules alone.
fn wins(state: &dyn State) -> bool {
    let mut legal = Vec::new();
    state.legal_actions(&mut legal);
    legal.into_iter().any(|action| {
        let mut after = state.clone_box();
        after.apply(action);
        !wins(after.as_ref())
    })
}

/// A position with at most `n_moves` legal moves, reached at random from the start.
fn reduced(spec: &str, seed: u64, n_moves: usize) -> Box<dyn State> {
    let mut rng = FastRng::new(seed);
    let mut state = load_game(spec).unwrap().new_initial_state();
    let mut legal = Vec::new();
    loop {
        state.legal_actions(&mut legal);
        if legal.len() <= n_moves {
            return state;
        }
        state.apply(legal[rng.below(legal.len())]);
    }
}

#[test]
fn endings_are_solved_as_trying_everything_solves_them() {
    let mut wins_seen = [0; 2];
    for seed in 0..60 {
        let state = reduced("clobber(columns=6,rows=5)", seed, 8);
        let Some(seen) = view("clobber", state.as_ref(), Betting::Shown) else { continue };
        let found =
            best(&Stones::read(&seen).unwrap(), SearchBudget { positions: 1_000_000, table: 1 << 14 });
        let found = found.unwrap();
        let is_won = wins(state.as_ref());
        assert!(found.value.abs() >= WON, "{found:?} at\n{state}");
        assert_eq!(found.value > 0, is_won, "{found:?} at\n{state}");
        let mut after = state.clone_box();
        after.apply(found.action);
        assert_eq!(!wins(after.as_ref()), is_won, "{found:?} at\n{state}");
        wins_seen[usize::from(is_won)] += 1;
    }
    assert!(wins_seen.iter().all(|&n| n > 5), "both kinds of endings: {wins_seen:?}");
}

#[test]
fn stones_out_of_reach_are_forgotten() {
    let state = reduced("clobber(columns=5,rows=4)", 1, 0);
    assert_eq!(state.current_player(), Mover::Terminal);
    let text = "You play o (White).\n4oo.x.\n3.....\n2xx.oo\n1..o.x\n abcde\n";
    let seen = schema::MatchView {
        game: "clobber".to_owned(),
        seat: 1,
        state: text.to_owned(),
        legal: Vec::new(),
        memory: schema::Memory::default(),
    };
    let stones = Stones::read(&seen).unwrap();
    // Of x only e1 is left, next to the chain of two o's above it; c1 is alone.
    assert_eq!((stones.own, stones.other), (1 << 19, 1 << 13 | 1 << 14));
    let other = schema::MatchView { state: "Your dice: [1]".to_owned(), ..seen };
    assert!(Stones::read(&other).is_err(), "another game's text is not clobber's");
}

#[test]
fn answers_are_legal_and_the_same_again_on_all_boards() {
    let teacher = Teacher::within(SearchBudget { positions: 200, table: 1 << 8 });
    crate::tests::answers_are_legal("clobber", &[&teacher, bot("greedy").unwrap().as_ref()], 200);
}

#[test]
fn the_teacher_beats_greed_and_search() {
    let teacher = Teacher::within(SearchBudget { positions: 3_000, table: 1 << 12 });
    let greedy = bot("greedy").unwrap();
    for (other, bar) in [(Side::Player(greedy.as_ref()), 0.7), (Side::Search(50), 0.7)] {
        let rules = crate::Duel { bar, min_games: 60, max_games: 60, first_seed: 1 };
        let score = duel("clobber", [Side::Player(&teacher), other], rules).unwrap();
        assert!(score.rate() > bar, "{score:?}");
    }
}

#[test]
fn a_game_begins_where_match_play_begins() {
    let begun = match_play::start("clobber", 77).unwrap();
    let seen = view("clobber", begun.state.as_ref(), Betting::Shown).unwrap();
    let action = Teacher::default().answer(&seen, 0.0).unwrap().action;
    assert!(seen.legal.iter().any(|(id, _)| *id == action));
}
