//! Melds against a brute-force search, and invariants of random games; whole games are compared in sidecar's
//! `traces`.

use proptest::prelude::*;

use super::cards::{CARDS, Card, CardSet, DECK, value};
use super::deadwood::{legal_discards, legal_melds, min_deadwood};
use super::melds::{COUNT, MeldList, cards_of, is_set, layoffs};
use super::state::GinState;
use super::{MELD, Rules};
use crate::rng::FastRng;
use crate::{Action, Player, State, load_game};

fn hand(text: &str) -> CardSet {
    let place = |letters: &str, letter| letters.find(letter).expect("a card") as Card;
    let card = |pair: &[char]| place("scdh", pair[1]) * 13 + place("A23456789TJQK", pair[0]);
    text.chars().collect::<Vec<_>>().chunks(2).map(card).collect()
}

/// Points left by the best disjoint melds: each card in turn is left over or in a meld.
fn least_points(hand: CardSet) -> i32 {
    let Some(first) = hand.iter().next() else { return 0 };
    let left_over = value(first) + least_points(hand.without(CardSet::of(first)));
    let melds = (0..COUNT as u8).map(cards_of);
    let fitting = melds.filter(|meld| meld.contains(first) && meld.without(hand).is_empty());
    fitting.map(|meld| least_points(hand.without(meld))).fold(left_over, i32::min)
}

/// Up to eleven cards that lie close together, so that melds are frequent.
fn rich_hand() -> impl Strategy<Value = CardSet> {
    let card = (0_u8..4, 0_u8..7).prop_map(|(suit, rank)| suit * 13 + rank);
    proptest::collection::vec(card, 0..=11).prop_map(|cards| cards.into_iter().collect())
}

proptest! {
    #[test]
    fn deadwood_is_what_the_best_melds_leave(hand in rich_hand()) {
        prop_assert_eq!(min_deadwood(hand, hand.len()), least_points(hand));
    }

    #[test]
    fn with_a_card_to_drop_deadwood_is_at_least_the_true_minimum(hand in rich_hand()) {
        prop_assume!(!hand.is_empty());
        let got = min_deadwood(hand, hand.len() - 1);
        let dropping = |card| least_points(hand.without(CardSet::of(card)));
        prop_assert!(got <= least_points(hand));
        if least_points(hand) > 0 {
            prop_assert!(got >= hand.iter().map(dropping).min().expect("not empty"));
        }
    }

    #[test]
    fn a_list_has_every_meld_of_the_hand_once(hand in rich_hand()) {
        let mut got: Vec<u8> = MeldList::of(hand).iter().collect();
        got.sort_unstable();
        let want: Vec<u8> = (0..COUNT as u8).filter(|&id| cards_of(id).without(hand).is_empty()).collect();
        prop_assert_eq!(got, want);
    }

    #[test]
    fn legal_melds_and_discards_come_from_the_hand(hand in rich_hand(), knock_card in 0..=98) {
        for meld in legal_melds(hand, knock_card) {
            prop_assert!(cards_of(meld).without(hand).is_empty());
        }
        prop_assert!(legal_discards(hand, knock_card, hand.len()).without(hand).is_empty());
    }

    #[test]
    fn the_value_of_a_set_is_the_sum_of_its_cards(bits in 0_u64..1 << CARDS) {
        let set = CardSet(bits);
        prop_assert_eq!(set.value(), set.iter().map(value).sum::<i32>());
    }

    #[test]
    fn random_games_keep_all_cards_and_end(seed: u64, hand_size in 1_u8..=10, knock_card in 0..=10, oklahoma: bool) {
        let rules = Rules { hand_size, knock_card, oklahoma, gin_bonus: 25, undercut_bonus: 25 };
        play(&mut GinState::new(rules), &mut FastRng::new(seed));
    }
}

/// Plays to the end, preferring knocks, melds and lay-offs; checks that no card is lost or doubled.
fn play(state: &mut GinState, rng: &mut FastRng) {
    let (mut legal, mut outcomes) = (Vec::new(), Vec::new());
    for _ in 0..1000 {
        let laid = state.melds.iter().flat_map(|melds| melds.iter()).map(|meld| cards_of(meld).len());
        let lists =
            state.discards.iter().count() + state.layoffs.iter().count() + state.upcard.iter().count();
        let hands: usize = state.hands.iter().map(|hand| hand.len()).sum();
        assert_eq!(state.stock.len() + hands + lists + laid.sum::<usize>(), usize::from(CARDS));
        let action = match state.current_player() {
            Player::Terminal => return assert_eq!(state.returns()[0] + state.returns()[1], 0.0),
            Player::Chance => {
                state.chance_outcomes(&mut outcomes);
                outcomes[rng.below(outcomes.len())].0
            }
            Player::Seat(_) => {
                state.legal_actions(&mut legal);
                assert!(legal.is_sorted());
                assert!(legal.iter().all(|&action| state.is_legal(action)));
                match legal.last() {
                    None => return,
                    Some(&last) if rng.below(2) == 0 => last,
                    Some(_) => legal[rng.below(legal.len())],
                }
            }
        };
        state.apply(action);
    }
    panic!("a game of 1000 actions:\n{state}");
}

#[test]
fn deadwood_with_a_card_to_drop_is_openspiels_even_where_less_is_possible() {
    let hand = hand("2s3s4s5s3c4c5cAd5d2h4h");
    assert_eq!(min_deadwood(hand, 10), 8);
    let dropping = |card| least_points(hand.without(CardSet::of(card)));
    assert_eq!(hand.iter().map(dropping).min(), Some(7));
}

#[test]
fn a_knock_with_every_card_melded_can_leave_no_discard() {
    let full = hand("JsJcJdQsQcQdKsKcKd");
    assert_eq!(min_deadwood(full, 8), 0);
    assert!(legal_discards(full, 10, 8).is_empty());
}

#[test]
fn layoffs_extend_sets_by_the_missing_card_and_runs_at_both_ends() {
    let meld_id = |text: &str| (0..COUNT as u8).find(|&id| cards_of(id) == hand(text)).expect("a meld");
    let on = |text, laid_off| layoffs([meld_id(text)].into_iter(), hand(laid_off));
    assert_eq!(on("7s7c7d", ""), hand("7h"));
    assert_eq!(on("7s7c7d7h", ""), CardSet::EMPTY);
    assert_eq!(on("5s6s7s", ""), hand("4s8s"));
    assert_eq!(on("5s6s7s", "8s"), hand("4s9s"));
    assert_eq!(on("5s6s7s", "8s9s"), hand("4s9s"), "only two cards a side, as in OpenSpiel");
    assert_eq!(on("As2s3s", ""), hand("4s"));
    assert_eq!(on("JhQhKh", ""), hand("Th"));
    assert!(is_set(meld_id("7s7c7d")) && !is_set(meld_id("5s6s7s")));
}

#[test]
fn the_longest_run_has_the_most_melds() {
    assert_eq!(MeldList::of(hand("As2s3s4s5s6s7s8s9sTsJs")).len(), 24);
}

#[test]
fn runs_do_not_go_around_the_corner_of_two_suits() {
    assert!(MeldList::of(hand("QsKsAc")).is_empty());
    assert_eq!(min_deadwood(hand("QsKsAc"), 3), 21);
}

#[test]
fn actions_have_openspiels_names() {
    let state = load_game("gin_rummy").unwrap().new_initial_state();
    let table: [(Action, &str); 8] = [
        (0, "As"),
        (51, "Kh"),
        (52, "Draw upcard"),
        (53, "Draw stock"),
        (54, "Pass"),
        (55, "Knock"),
        (MELD, "AcAdAh"),
        (240, "9hThJhQhKh"),
    ];
    for (action, name) in table {
        assert_eq!(state.action_string(Player::Seat(1), action), format!("Player: 1 Action: {name}"));
    }
    assert_eq!(state.action_string(Player::Chance, 3), "Chance outcome: 4s");
    assert_eq!(DECK.len(), 52);
}
