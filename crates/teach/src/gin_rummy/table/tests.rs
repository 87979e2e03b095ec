//! What is kept is what would be searched, and who wins is what the rules say.

use games::gin_rummy::cards::{Card, CardSet, value};
use games::rng::FastRng;

use super::{Hand, Table, fits, melds_with};
use crate::gin_rummy::leftover;

fn cards(text: &str) -> CardSet {
    let card = |name: &str| {
        let rank = "A23456789TJQK".find(&name[..1]).unwrap();
        ("scdh".find(&name[1..]).unwrap() * 13 + rank) as Card
    };
    text.split_whitespace().map(card).collect()
}

fn card(text: &str) -> Card {
    cards(text).iter().next().unwrap()
}

fn some_cards(n: usize, rng: &mut FastRng) -> CardSet {
    let mut hand = CardSet::EMPTY;
    while hand.len() < n {
        hand = hand.with(CardSet::of(rng.below(52) as Card));
    }
    hand
}

#[test]
fn melds_that_are_kept_are_those_that_are_searched() {
    let mut rng = FastRng::new(5);
    let mut n_melding = 0;
    for _ in 0..20_000 {
        let all = some_cards(6 + rng.below(4), &mut rng);
        let card = rng.below(52) as Card;
        if all.contains(card) {
            continue;
        }
        let hand = Hand::new(all).with(card);
        assert_eq!(hand, Hand::new(all.with(CardSet::of(card))), "{all:?} and {card}");
        n_melding += usize::from(melds_with(all, card));
        if let Some(loose) = hand.loose.iter().next() {
            assert_eq!(hand.without(loose).loose, leftover(hand.all.without(CardSet::of(loose))));
        }
        let least = hand.loose.iter().map(|card| hand.without(card).deadwood()).min().unwrap_or(0);
        assert_eq!(hand.deadwood_after_discard(), least);
    }
    assert!(n_melding > 1_000, "{n_melding} cards that meld");
}

#[test]
fn lay_offs_extend_melds() {
    let melded = cards("As 2s 3s 7c 7d 7h Tc Jc Qc");
    for (name, want) in
        [("4s", true), ("5s", false), ("7s", true), ("9c", true), ("Kc", true), ("8c", false), ("Ac", false)]
    {
        assert_eq!(fits(melded, card(name)), want, "{name}");
    }
}

fn table<'a>(hands: [&str; 2], stock: &'a [Card], upcard: Option<&str>) -> Table<'a> {
    let hands = hands.map(|text| Hand::new(cards(text)));
    Table { knock_card: 10, hands, stock, live: CardSet((1 << 52) - 1), upcard: upcard.map(card), mover: 0 }
}

#[test]
fn who_has_less_deadwood_wins_and_gin_always_does() {
    let own = "As 2s 3s 7c 7d 7h 5d Kh";
    // Five points against two kings; against 4s 5s, of which the first is laid off: a draw.
    assert_eq!(table([own, "4c 4d 4h Kc Kd 2h 3h"], &[], None).knock(), 1);
    assert_eq!(table([own, "Kc Kd Ks 4s 5s 9c 9d"], &[], None).knock(), 1);
    assert_eq!(table([own, "Kc Kd Ks 4s 9c 9d 9h"], &[], None).knock(), -1);
    assert_eq!(table([own, "Kc Kd Ks 5s 9c 9d 9h"], &[], None).knock(), 0);
    let gin = "As 2s 3s 7c 7d 7h 7s Kh";
    assert_eq!(table([gin, "Kc Kd Ks 9s 9c 9d 9h"], &[], None).knock(), 1);
    let other_side = Table { mover: 1, ..table(["Kc Kd Ks 5s 9c 9d 9h", own], &[], None) };
    assert_eq!(other_side.knock(), 0);
}

#[test]
fn play_goes_on_to_the_knock_or_the_wall() {
    // The upcard makes the third meld.
    let wins = table(["As 2s 7c 7d 7h Kh 5d", "4c 6d 9h Tc Jd Ks 2h"], &[1, 2, 3], Some("3s"));
    assert_eq!(wins.play(), 1);
    // Nothing fits, and after one draw the wall is reached.
    let stock: Vec<Card> = cards("8d 9s Jc").iter().collect();
    let nobody = table(["Ks Jd 9h 7c 6s 4d 2h", "Kd Js 9c 7h 6d 4s 2c"], &stock, None);
    assert_eq!(nobody.play(), 0);
}

#[test]
fn what_is_thrown_is_expensive_and_has_no_company() {
    let hand = Hand::new(cards("Ks Qs Kd 9h 2c 3c 4c 7d"));
    assert_eq!(hand.worst(CardSet((1 << 52) - 1), None), card("9h"));
    assert_eq!(hand.worst(CardSet((1 << 52) - 1), Some(card("9h"))), card("Qs"));
    assert!(hand.loose.iter().all(|card| value(card) > 4));
}
