//! What is read, hands that fit, and bids where the right one is known.

use games::rng::FastRng;
use games::{State, load_game};
use schema::{MatchView, Memory};

use super::facts::Facts;
use super::{Budget, Teacher, bot, deal, playout};
use crate::match_text::{Betting, view};
use crate::{Duel, Player, Side, duel};

fn after(n_cards: u32, actions: &[u16]) -> Box<dyn State> {
    let spec = format!("turn_based_simultaneous_game(game=goofspiel(imp_info=True,num_cards={n_cards}))");
    let mut state = load_game(&spec).unwrap().new_initial_state();
    actions.iter().for_each(|&action| state.apply(action));
    state
}

fn seen(state: &dyn State) -> MatchView {
    view("goofspiel", state, Betting::Shown).unwrap()
}

#[test]
fn facts_are_what_the_observation_says() {
    // Prize 4: both bid 1. Prize 2: 3 against 2. Then prize 1.
    let mut state = after(5, &[3, 0, 0, 1, 2, 1, 0]);
    let first = Facts::read(&seen(state.as_ref())).unwrap();
    let want = Facts { n_cards: 5, hand: 0b11010, prize: 0, prizes: 0b10100, ahead: 2, rounds: [1, 0, 1] };
    assert_eq!(first, want);
    state.apply(4);
    let second = Facts::read(&seen(state.as_ref())).unwrap();
    assert_eq!(second, Facts { hand: 0b11100, ahead: -2, rounds: [0, 1, 1], ..want });
    let other = MatchView { state: "Your dice: [1]".to_owned(), ..seen(state.as_ref()) };
    assert!(Facts::read(&other).is_err(), "another game's text is not goofspiel's");
}

#[test]
fn prizes_above_nine_are_told_apart() {
    // 13 cards; prizes 2 to 9 and 11 are gone: what is left prints as "11213", and 10 is bid for.
    let mut state = after(13, &[]);
    for (prize, bid) in [1, 2, 3, 4, 5, 6, 7, 8, 10].into_iter().zip(0..) {
        [prize, bid, bid].into_iter().for_each(|action| state.apply(action));
    }
    state.apply(9);
    let facts = Facts::read(&seen(state.as_ref())).unwrap();
    assert_eq!((facts.prize, facts.prizes, facts.rounds), (9, 1 | 1 << 11 | 1 << 12, [0, 0, 9]));
}

#[test]
fn hands_fit_who_won() {
    let facts = Facts { n_cards: 5, hand: 0b01110, prize: 0, prizes: 0b110, ahead: 0, rounds: [1, 0, 1] };
    // Own bids were 1 and 5, one won and one tied: the other's were 1 and one of 2, 3, 4; or 5 and none below 1.
    let mut rng = FastRng::new(1);
    for _ in 0..50 {
        let hand = deal::hand(&facts, &mut rng);
        assert_eq!(hand.count_ones(), 3);
        assert!(hand & 1 == 0 && hand & 0b10000 != 0, "{hand:b}");
    }
}

#[test]
fn the_last_choice_is_the_one_that_wins() {
    // Two cards left each, prizes 5 and then 1, level: the higher card for the higher prize, whatever the other does.
    let facts = Facts { n_cards: 5, hand: 0b10010, prize: 4, prizes: 1, ahead: 0, rounds: [1, 1, 1] };
    assert_eq!(playout::best_bid(&facts, 200, 7), 4);
    // Six ahead, nothing that is left can be lost by more than one point: any bid wins.
    let ahead = Facts { ahead: 20, ..facts };
    assert_eq!(playout::best_bid(&ahead, 50, 7), 1, "of equals the lowest");
}

#[test]
fn bots_bid_by_the_prize() {
    let state = after(5, &[2]);
    let bid = |name: &str| bot(name).unwrap().answer(&seen(state.as_ref()), 0.3).unwrap().action;
    assert_eq!((bid("match-prize"), bid("over-prize")), (2, 3));
    // The prize's card is gone: the nearest higher one.
    let later = after(5, &[2, 3, 0, 3]);
    assert_eq!(bot("match-prize").unwrap().answer(&seen(later.as_ref()), 0.3).unwrap().action, 4);
}

#[test]
fn answers_are_legal_and_the_same_again_with_any_number_of_cards() {
    let teacher = Teacher::within(Budget { playouts: 12 });
    let bots = ["match-prize", "over-prize"].map(|name| bot(name).unwrap());
    crate::tests::answers_are_legal("goofspiel", &[&teacher, bots[0].as_ref(), bots[1].as_ref()], 200);
}

#[test]
fn the_teacher_beats_the_rules_of_thumb() {
    let teacher = Teacher::within(Budget { playouts: 120 });
    for (name, bar) in [("random", 0.8), ("goofspiel/match-prize", 0.7), ("goofspiel/over-prize", 0.6)] {
        let other = crate::bot(name).unwrap();
        let rules = Duel { bar, min_games: 160, max_games: 160, first_seed: 1 };
        let score = duel("goofspiel", [Side::Player(&teacher), Side::Player(other.as_ref())], rules).unwrap();
        assert!(score.rate() > bar, "{score:?} against {name}");
    }
}

#[test]
fn a_turn_without_a_choice_needs_no_reading() {
    let turn = MatchView {
        game: "goofspiel".to_owned(),
        seat: 0,
        state: String::new(),
        legal: vec![(3, "[P0]Bid: 4".to_owned())],
        memory: Memory::default(),
    };
    assert_eq!(Teacher::default().answer(&turn, 0.0).unwrap().action, 3);
}
