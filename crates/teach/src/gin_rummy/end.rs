//! After a knock: which card goes, which melds are laid, what is laid off.

use games::Action;
use games::gin_rummy::cards::{Card, CardSet, value};
use games::gin_rummy::melds::{MeldId, MeldList, cards_of, layoffs};

use super::facts::Facts;
use super::{MELD, PASS, leftover};

/// Whether cards are laid off on the knocker's melds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayOffs {
    /// Those that leave the least deadwood.
    Best,
    /// Never.
    None,
}

/// The move in the phases after a knock.
pub(super) fn action(facts: &Facts, lay_offs: LayOffs) -> Action {
    if facts.legal_melds().next().is_some() {
        return meld(facts).map_or_else(|| facts.first_of(&[PASS]), |id| MELD + Action::from(id));
    }
    let is_own_knock = !facts.may(PASS);
    if is_own_knock {
        return Action::from(knock_discard(facts));
    }
    match lay_offs {
        LayOffs::Best => lay_off(facts).map_or(PASS, Action::from),
        LayOffs::None => PASS,
    }
}

/// A meld of those that leave the least deadwood; of equals, those on which the opponent can lay off least.
fn meld(facts: &Facts) -> Option<MeldId> {
    let mut melds = Vec::new();
    let mut best = ((0, 0), Vec::new());
    let all: Vec<MeldId> = MeldList::of(facts.hand).iter().collect();
    search(&all, CardSet::EMPTY, &mut melds, &mut |melds: &[MeldId]| {
        let cards = melds.iter().fold(CardSet::EMPTY, |all, &meld| all.with(cards_of(meld)));
        let open = layoffs(melds.iter().copied(), CardSet::EMPTY);
        let open = CardSet(open.0 & facts.unseen().0).len() as i32;
        let rank = (cards.value(), -open);
        if best.1.is_empty() || rank > best.0 {
            best = (rank, melds.to_vec());
        }
    });
    best.1.into_iter().find(|&meld| facts.legal_melds().any(|legal| legal == meld))
}

/// Calls `visit` with every set of disjoint melds, except the empty one.
fn search(left: &[MeldId], used: CardSet, melds: &mut Vec<MeldId>, visit: &mut impl FnMut(&[MeldId])) {
    for (i, &meld) in left.iter().enumerate().filter(|(_, meld)| !cards_of(**meld).meets(used)) {
        melds.push(meld);
        visit(melds);
        search(&left[i + 1..], used.with(cards_of(meld)), melds, visit);
        melds.pop();
    }
}

/// The card without which the hand has the least deadwood; the most expensive of equals.
fn knock_discard(facts: &Facts) -> Card {
    let rest = |card: Card| leftover(facts.hand.without(CardSet::of(card))).value();
    let best = facts.legal_cards().min_by_key(|&card| (rest(card), -value(card)));
    best.unwrap_or(0)
}

/// The first of the lay-offs that leave the least deadwood, or none if laying off does not help.
fn lay_off(facts: &Facts) -> Option<Card> {
    let keep = leftover(facts.hand).value();
    let after =
        |card| least(facts, facts.hand.without(CardSet::of(card)), facts.laid_off.with(CardSet::of(card)));
    let best = facts.legal_cards().map(|card| (after(card), card)).min();
    best.filter(|&(deadwood, _)| deadwood < keep).map(|(_, card)| card)
}

/// The least deadwood of a hand that may go on laying off.
fn least(facts: &Facts, hand: CardSet, laid_off: CardSet) -> i32 {
    let possible = CardSet(layoffs(facts.laid.iter().copied(), laid_off).0 & hand.0);
    let after = possible
        .iter()
        .map(|card| least(facts, hand.without(CardSet::of(card)), laid_off.with(CardSet::of(card))));
    after.fold(leftover(hand).value(), i32::min)
}
