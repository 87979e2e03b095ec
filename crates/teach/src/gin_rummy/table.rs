//! A fast game of gin rummy between two players by rules of thumb, from any turn to the knock.
//!
//! Who wins is what counts. The best melds of a hand change only when a card comes that melds with it, so they are
//! kept, and most turns search nothing. Left out: lay-offs on lay-offs, and the rules that end endless games early.

use games::gin_rummy::cards::{Card, CardSet, RANKS, rank, suit, value};
use games::gin_rummy::deadwood::best_group;

/// Turns after which a playout is a draw.
const MAX_TURNS: usize = 80;
/// Cards of the stock that are never drawn.
const WALL: usize = 2;
/// What a card that may still come is worth, in quarters of a point, if it makes a meld with a loose card.
const OUT: i32 = 5;

/// A hand, and what its best melds leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hand {
    pub(super) all: CardSet,
    pub(super) loose: CardSet,
}

impl Hand {
    pub(super) fn new(all: CardSet) -> Self {
        Self { all, loose: super::leftover(all) }
    }

    pub(super) fn deadwood(self) -> i32 {
        self.loose.value()
    }

    /// With a card more.
    pub(super) fn with(self, card: Card) -> Self {
        let one = CardSet::of(card);
        let all = self.all.with(one);
        if melds_with(self.all, card) {
            Self { all, loose: all.without(best_group(all)) }
        } else {
            Self { all, loose: self.loose.with(one) }
        }
    }

    /// Without a loose card.
    pub(super) fn without(self, card: Card) -> Self {
        let one = CardSet::of(card);
        Self { all: self.all.without(one), loose: self.loose.without(one) }
    }

    /// What is left if the most expensive loose card goes.
    pub(super) fn deadwood_after_discard(self) -> i32 {
        self.deadwood() - self.loose.iter().map(value).max().unwrap_or(0)
    }

    /// The loose card that is worth least, not `taken` if there is another; any card if all are melded.
    fn worst(self, live: CardSet, taken: Option<Card>) -> Card {
        let mut worst = (i32::MIN, None);
        for card in self.loose.iter().filter(|&card| Some(card) != taken) {
            let cost = 4 * value(card) - OUT * outs(self.all, card, live) + i32::from(rank(card) / 4);
            if cost > worst.0 {
                worst = (cost, Some(card));
            }
        }
        worst.1.or(taken).or_else(|| self.all.iter().last()).unwrap_or(0)
    }
}

/// Whether a card makes a meld with cards of `hand`.
fn melds_with(hand: CardSet, card: Card) -> bool {
    let ranks = suit_bits(hand, card) << 2 | 4 << rank(card);
    let runs = ranks & ranks >> 1 & ranks >> 2;
    same_rank(hand, card) >= 2 || runs >> rank(card) & 7 != 0
}

/// Ranks of the cards of `card`'s suit.
fn suit_bits(hand: CardSet, card: Card) -> u64 {
    hand.0 >> (suit(card) * RANKS) & 0x1fff
}

/// Other cards of `card`'s rank.
fn same_rank(hand: CardSet, card: Card) -> u32 {
    (hand.0 & 0x80_0400_2001 << rank(card) & !(1 << card)).count_ones()
}

/// Cards of `live` that make a meld with `card` and another card of the hand.
fn outs(hand: CardSet, card: Card, live: CardSet) -> i32 {
    // The card's own rank lies at place 2, so that no neighbour falls off the word.
    let around = |cards: CardSet| suit_bits(cards, card) << 2 >> rank(card);
    let (held, open) = (around(hand), around(live));
    let below = (held >> 1 & 1) * (open & 1) + (held & 1) * (open >> 1 & 1);
    let above = (held >> 3 & 1) * (open >> 4 & 1) + (held >> 4 & 1) * (open >> 3 & 1);
    let between = (held >> 1 & 1) * (open >> 3 & 1) + (held >> 3 & 1) * (open >> 1 & 1);
    let pair = if same_rank(hand, card) == 1 { same_rank(live, card) } else { 0 };
    (below + above + between) as i32 + pair as i32
}

/// A turn that is about to begin.
#[derive(Clone, Debug)]
pub(super) struct Table<'a> {
    pub(super) knock_card: i32,
    /// Own, then the opponent's.
    pub(super) hands: [Hand; 2],
    /// Drawn from the end.
    pub(super) stock: &'a [Card],
    /// Cards that neither lie open nor have been thrown.
    pub(super) live: CardSet,
    /// May be taken.
    pub(super) upcard: Option<Card>,
    pub(super) mover: usize,
}

impl Table<'_> {
    /// Plays on: 1 if the own side wins, −1 if it loses, 0 for a draw.
    pub(super) fn play(mut self) -> i32 {
        for _ in 0..MAX_TURNS {
            let mut taken = None;
            match self.upcard.filter(|&upcard| self.takes(upcard)) {
                Some(upcard) => {
                    self.hands[self.mover] = self.hands[self.mover].with(upcard);
                    taken = Some(upcard);
                }
                None => {
                    let Some((&drawn, left)) = self.stock.split_last() else { return 0 };
                    self.stock = left;
                    self.hands[self.mover] = self.hands[self.mover].with(drawn);
                }
            }
            if let Some(result) = self.discard(taken) {
                return result;
            }
        }
        0
    }

    /// Goes on with the mover holding a card too many; `taken` is kept.
    pub(super) fn play_from_discard(mut self, taken: Option<Card>) -> i32 {
        self.discard(taken).unwrap_or_else(|| self.play())
    }

    /// Goes on after the mover has thrown `card`.
    pub(super) fn play_after(mut self, card: Card) -> i32 {
        self.throw(card).unwrap_or_else(|| self.play())
    }

    /// True if the upcard melds, or lets one knock.
    pub(super) fn takes(&self, upcard: Card) -> bool {
        let hand = self.hands[self.mover];
        if melds_with(hand.all, upcard) {
            let with = hand.with(upcard);
            return !with.loose.contains(upcard) || with.deadwood_after_discard() <= self.knock_card;
        }
        hand.with(upcard).deadwood_after_discard() <= self.knock_card
    }

    /// Knocks or throws; the result if the game is over.
    fn discard(&mut self, taken: Option<Card>) -> Option<i32> {
        let hand = self.hands[self.mover];
        if hand.deadwood_after_discard() <= self.knock_card {
            return Some(self.knock());
        }
        self.throw(hand.worst(self.live.without(hand.all), taken))
    }

    fn throw(&mut self, card: Card) -> Option<i32> {
        self.hands[self.mover] = self.hands[self.mover].without(card);
        self.live = self.live.without(CardSet::of(card));
        self.upcard = Some(card);
        self.mover = 1 - self.mover;
        if self.stock.len() > WALL {
            return None;
        }
        // At the wall the upcard may only be taken to knock.
        self.hands[self.mover] = self.hands[self.mover].with(card);
        let knocks = self.hands[self.mover].deadwood_after_discard() <= self.knock_card;
        Some(if knocks { self.knock() } else { 0 })
    }

    /// The mover lays its melds, the other lays off what it can.
    pub(super) fn knock(&self) -> i32 {
        let (knocker, other) = (self.hands[self.mover], self.hands[1 - self.mover]);
        let own = knocker.deadwood_after_discard();
        let melded = knocker.all.without(knocker.loose);
        let laid_off: CardSet = other.loose.iter().filter(|&card| fits(melded, card)).collect();
        let left = other.loose.without(laid_off).value();
        // Nothing is laid off on gin, which always wins.
        let result = if own == 0 { 1 } else { (left - own).signum() };
        if self.mover == 0 { result } else { -result }
    }
}

/// Whether a card extends one of the melds that these cards are.
fn fits(melded: CardSet, card: Card) -> bool {
    let ranks = suit_bits(melded, card) << 3 >> rank(card);
    same_rank(melded, card) == 3 || ranks & 0b111 == 0b111 || ranks >> 4 & 0b111 == 0b111
}

#[cfg(test)]
mod tests;
