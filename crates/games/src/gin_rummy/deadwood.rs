//! Groups of disjoint melds: the least deadwood, and the melds and discards a knock allows.

use super::cards::{CardSet, RANKS, value};
use super::melds::{COUNT, MeldId, MeldList, may_have_melds};

/// OpenSpiel's minimum deadwood of a hand of `hand_size` cards, or of one more, of which one may be dropped.
///
/// With one card more this is not always the true minimum: the first group of the highest value is taken, and then
/// the highest card that it leaves is dropped.
pub fn min_deadwood(hand: CardSet, hand_size: usize) -> i32 {
    let rest = if may_have_melds(hand) { hand.without(best_group(hand)) } else { hand };
    let dropped = if hand.len() > hand_size { highest_value(rest) } else { 0 };
    rest.value() - dropped
}

/// Cards of the first group, in the order of [`MeldList`], that has the highest value.
pub fn best_group(hand: CardSet) -> CardSet {
    let melds = MeldList::of(hand);
    let mut best = (0, CardSet::EMPTY);
    visit_groups(&melds, 0, Group::default(), &mut |group| {
        let value = group.cards.value();
        if value > best.0 {
            best = (value, group.cards);
        }
    });
    best.1
}

/// Melds of all maximal groups whose cards leave at most `knock_card` points in hand, ascending.
pub fn legal_melds(hand: CardSet, knock_card: i32) -> impl Iterator<Item = MeldId> {
    let melds = MeldList::of(hand);
    let mut members = 0;
    visit_groups(&melds, 0, Group::default(), &mut |group| {
        let is_maximal = || (0..melds.len()).all(|i| melds.cards(i).meets(group.cards));
        if hand.without(group.cards).value() <= knock_card && is_maximal() {
            members |= group.members;
        }
    });
    let mut legal = [false; COUNT];
    for (i, id) in melds.iter().enumerate() {
        legal[usize::from(id)] = members >> i & 1 == 1;
    }
    (0..COUNT).filter(move |&id| legal[id]).map(|id| id as MeldId)
}

/// Cards whose discard leaves a hand with which one may knock.
pub fn legal_discards(hand: CardSet, knock_card: i32, hand_size: usize) -> CardSet {
    let knocks = |&card: &u8| min_deadwood(hand.without(CardSet::of(card)), hand_size) <= knock_card;
    hand.iter().filter(knocks).collect()
}

/// Disjoint melds.
#[derive(Clone, Copy, Default)]
struct Group {
    cards: CardSet,
    /// Bit i is the meld at index i of the list.
    members: u64,
}

/// Calls `visit` with every group, those of earlier melds first.
fn visit_groups(melds: &MeldList, from: usize, group: Group, visit: &mut impl FnMut(Group)) {
    for i in from..melds.len() {
        let cards = melds.cards(i);
        if !cards.meets(group.cards) {
            let group = Group { cards: group.cards.with(cards), members: group.members | 1 << i };
            visit(group);
            visit_groups(melds, i + 1, group, visit);
        }
    }
}

/// Points of the highest card.
fn highest_value(cards: CardSet) -> i32 {
    let ranks = (0..4).fold(0, |ranks, suit| ranks | cards.suit(suit));
    if ranks == 0 { 0 } else { value((63 - ranks.leading_zeros()) as u8 % RANKS) }
}
