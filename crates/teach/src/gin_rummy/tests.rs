//! What is read from the observation, the moves of the end, and games against the bots.

use games::gin_rummy::cards::{Card, CardSet};
use games::rng::FastRng;
use games::{State, load_game};
use schema::MatchView;

use super::facts::{Facts, Phase};
use super::{Budget, KNOCK, MELD, PASS, Teacher, bot, leftover};
use crate::match_text::{Betting, view};
use crate::{Duel, Player, Side, duel};

/// Plays nothing on.
const RACER: Teacher = Teacher::racer();

fn cards(text: &str) -> CardSet {
    let card = |name: &str| {
        let rank = "A23456789TJQK".find(&name[..1]).unwrap();
        (("scdh".find(&name[1..]).unwrap()) * 13 + rank) as Card
    };
    text.split_whitespace().map(card).collect()
}

fn seen(state: &dyn State) -> MatchView {
    view("gin_rummy", state, Betting::Shown).unwrap()
}

/// A game of seven cards with these hands, after the deal.
fn dealt(hands: [&str; 2], upcard: &str) -> Box<dyn State> {
    let mut state = load_game("gin_rummy(hand_size=7,knock_card=10)").unwrap().new_initial_state();
    let deal = hands.into_iter().chain([upcard]).flat_map(|text| cards(text).iter().collect::<Vec<_>>());
    deal.for_each(|card| state.apply(card.into()));
    state
}

#[test]
fn facts_are_what_the_observation_says() {
    let mut state = dealt(["As 2s 3s 7c 9d Kh Qh", "4c 4d 4h 5c 6c Ks Kd"], "8s");
    let first = Facts::read(&seen(state.as_ref())).unwrap();
    assert_eq!((first.phase, first.knock_card, first.stock), (Phase::FirstUpcard, 10, 37));
    assert_eq!(first.hand, cards("As 2s 3s 7c 9d Kh Qh"));
    assert_eq!(first.upcard, cards("8s").iter().next());
    assert_eq!(first.unseen().len(), 52 - 8);
    // Taken, and the king thrown.
    [52, 51].into_iter().for_each(|action| state.apply(action));
    let second = Facts::read(&seen(state.as_ref())).unwrap();
    assert_eq!((second.phase, second.hand.len()), (Phase::Draw, 7));
    assert_eq!((second.upcard, second.previous_upcard), (Some(51), cards("8s").iter().next()));
    let other = MatchView { state: "Your dice: [1]".to_owned(), ..seen(state.as_ref()) };
    assert!(Facts::read(&other).is_err(), "another game's text is not gin's");
}

#[test]
fn it_takes_what_lets_it_knock_knocks_and_lays_its_melds() {
    let mut state = dealt(["As 2s 7c 7d 7h Kh 5d", "4c 4d 4h 5c 6c Ks Kd"], "3s");
    let teacher = Teacher::default();
    let mut played = Vec::new();
    while state.current_player() == games::Player::Seat(0) {
        let action = teacher.answer(&seen(state.as_ref()), 0.0).unwrap().action;
        played.push(action);
        state.apply(action);
    }
    assert_eq!((played[0], played[1]), (52, KNOCK));
    // The king goes, both melds are laid, five points are left.
    assert_eq!(played[2], 51);
    assert!(played[3] >= MELD && played[4] >= MELD && played[5] == PASS, "{played:?}");
    let defender = Facts::read(&seen(state.as_ref())).unwrap();
    assert_eq!((defender.phase, defender.laid.len()), (Phase::Layoff, 2));
}

#[test]
fn lay_offs_that_help_are_made_and_others_are_not() {
    // Seat 0 knocks with A23 of spades and the sevens; seat 1 can lay off 4s and then 5s, and 7s on the sevens.
    let mut state = dealt(["As 2s 7c 7d 7h Kh 5d", "4s 5s 7s Kc Kd Ks 2h"], "3s");
    let teacher = Teacher::default();
    let mut laid_off = CardSet::EMPTY;
    while !state.is_terminal() {
        let seen = seen(state.as_ref());
        let action = teacher.answer(&seen, 0.0).unwrap().action;
        if seen.seat == 1 && action < 52 {
            laid_off = laid_off.with(CardSet::of(action as Card));
        }
        state.apply(action);
    }
    assert_eq!(laid_off, cards("4s 5s 7s"));
    // Kings are melded, the two is left: 2 against 5 is an undercut.
    assert_eq!(state.returns(), [-28.0, 28.0]);
}

#[test]
fn every_answer_is_legal_in_random_positions_of_all_variants() {
    let mut rng = FastRng::new(7);
    let teacher = Teacher::within(Budget { playouts: 8 });
    let players: [&dyn Player; 4] = [&teacher, &RACER, &*bot("simple").unwrap(), &*bot("public").unwrap()];
    let (mut legal, mut outcomes) = (Vec::new(), Vec::new());
    for seed in 0..18 {
        let mut state = crate::match_game("gin_rummy", seed).unwrap().new_initial_state();
        while !state.is_terminal() {
            state.legal_actions(&mut legal);
            state.chance_outcomes(&mut outcomes);
            let action = match (legal.is_empty(), outcomes.is_empty()) {
                (true, true) => break,
                (true, false) => outcomes[rng.below(outcomes.len())].0,
                _ => {
                    let seen = seen(state.as_ref());
                    let answers = players.map(|player| player.answer(&seen, 0.0).unwrap().action);
                    assert!(answers.iter().all(|answer| legal.contains(answer)), "{answers:?} at {state}");
                    // A random move mostly, so that odd positions come up, and sometimes one of theirs.
                    if rng.below(4) == 0 { answers[rng.below(4)] } else { legal[rng.below(legal.len())] }
                }
            };
            state.apply(action);
        }
    }
}

#[test]
fn the_teacher_beats_the_bots() {
    let teacher = Teacher::within(Budget { playouts: 100 });
    for (player, name, bar) in [(&RACER, "simple", 0.52), (&RACER, "public", 0.5), (&teacher, "simple", 0.5)]
    {
        let bot = bot(name).unwrap();
        let rules = Duel { bar, min_games: 400, max_games: 400, first_seed: 1 };
        let score = duel("gin_rummy", [Side::Player(player), Side::Player(bot.as_ref())], rules).unwrap();
        assert!(score.rate() > bar, "{score:?} against {name}");
    }
}

#[test]
fn a_turn_is_answered_the_same_again() {
    let state = dealt(["As 2s 7c 7d 9h Kh 5d", "4c 4d 4h 5c 6c Ks Kd"], "7s");
    let seen = seen(state.as_ref());
    let teacher = Teacher::default();
    assert_eq!(teacher.answer(&seen, 0.0).unwrap(), teacher.answer(&seen, 0.9).unwrap());
}

#[test]
fn leftovers_are_what_the_best_melds_leave() {
    assert_eq!(leftover(cards("As 2s 3s 3c 3d Kh 9h")), cards("As 2s Kh 9h"));
    assert_eq!(leftover(cards("2s 3s 4s 4c 4d 4h Kd")), cards("Kd"));
}
