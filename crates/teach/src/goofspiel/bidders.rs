//! Rules of thumb for a bid.

use games::rng::FastRng;

use super::facts::Cards;

/// A bidder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bidder {
    rule: Rule,
    /// Share of bids that are any card.
    noise: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Any card.
    Any,
    /// The card that stands among the own cards where the prize stands among the prizes.
    Rank,
    /// The card nearest to the prize plus so much.
    Value(i32),
}

/// Of the population's rules.
const NOISE: f64 = 0.15;

impl Bidder {
    /// The prize's own value, or the nearest card.
    pub(super) const SAME: Self = Self { rule: Rule::Value(0), noise: 0.0 };
    /// One more than the prize, or the nearest card.
    pub(super) const OVER: Self = Self { rule: Rule::Value(1), noise: 0.0 };
    /// How the teacher's own games go on.
    pub(super) const OWN: Self = Self { rule: Rule::Value(0), noise: 0.05 };
    /// Whom the teacher expects to meet, found in duels: nobody in it should be lost to, and random play least of all.
    pub(super) const POPULATION: [Self; 6] = [
        Self { rule: Rule::Any, noise: 0.0 },
        Self { rule: Rule::Any, noise: 0.0 },
        Self { rule: Rule::Rank, noise: NOISE },
        Self { rule: Rule::Value(0), noise: NOISE },
        Self { rule: Rule::Value(1), noise: NOISE },
        Self { rule: Rule::Value(2), noise: NOISE },
    ];

    /// A card of `hand` for `prize`, if `later` are the prizes that come after it.
    pub(super) fn bid(self, hand: Cards, prize: u8, later: Cards, rng: &mut FastRng) -> u8 {
        if self.rule == Rule::Any || (self.noise > 0.0 && rng.unit() < self.noise) {
            return nth(hand, rng.below(hand.count_ones() as usize) as u32);
        }
        match self.rule {
            Rule::Any | Rule::Rank => nth(hand, below(later, prize).min(hand.count_ones() - 1)),
            Rule::Value(more) => nearest(hand, i32::from(prize) + more),
        }
    }
}

/// Cards of a set that are lower than `card`.
fn below(cards: Cards, card: u8) -> u32 {
    (cards & ((1 << card) - 1)).count_ones()
}

/// The card of a set that has `n` lower ones.
pub(super) fn nth(mut cards: Cards, n: u32) -> u8 {
    for _ in 0..n {
        cards &= cards - 1;
    }
    cards.trailing_zeros() as u8
}

/// The card nearest to `wanted`; of two the higher. Where nothing so high is left, the lowest: that prize is lost.
fn nearest(hand: Cards, wanted: i32) -> u8 {
    let highest = 15 - hand.leading_zeros() as i32;
    let wanted = wanted.max(0);
    if wanted > highest + 2 {
        return hand.trailing_zeros() as u8;
    }
    let distance = |card: u8| (i32::from(card) - wanted).abs() * 2 + i32::from(i32::from(card) < wanted);
    let cards = (0..hand.count_ones()).map(|n| nth(hand, n));
    cards.min_by_key(|&card| distance(card)).unwrap_or(0)
}
