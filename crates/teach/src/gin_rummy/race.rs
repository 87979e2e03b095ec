//! Draws and discards by how soon and how low they let one knock.
//!
//! The cost of a hand is what its deadwood costs after one more card, averaged over the cards that are not seen: little
//! if one may then knock, else a fixed part and the points above the knock card.

use games::gin_rummy::cards::{Card, CardSet, rank, suit, value};
use games::gin_rummy::deadwood::min_deadwood;

use super::facts::Facts;

/// What is traded off against a point of deadwood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weights {
    /// Not being able to knock after the next draw.
    pub(super) delay: f32,
    /// Each point with which one knocks: it may be undercut.
    pub(super) knock_point: f32,
    /// Each meld that a discard could give the opponent.
    pub(super) danger: f32,
    /// Each point that is in hand now, in case the opponent knocks first.
    pub(super) now: f32,
}

impl Weights {
    /// Found in duels: the chance to knock counts before everything else, points only between equals.
    pub(super) const DEFAULT: Self = Self { delay: 1_000.0, knock_point: 0.1, danger: 0.2, now: 0.2 };
}

impl Default for Weights {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Cards of the stock that are tried when two draws are looked ahead.
const TRIED: usize = 12;
/// Discards that are tried after each of them.
const TRIED_DISCARDS: usize = 3;

/// A turn before the knock.
pub(super) struct Race<'a> {
    facts: &'a Facts,
    unseen: CardSet,
    weights: Weights,
}

impl<'a> Race<'a> {
    pub(super) fn new(facts: &'a Facts, weights: Weights) -> Self {
        Self { facts, unseen: facts.unseen(), weights }
    }

    /// The card to throw, of a hand with one card too many.
    pub(super) fn discard(&self) -> Card {
        let hand = self.facts.hand;
        // To give back what was just taken is a turn lost, and may end the game as a draw.
        let taken = self.facts.previous_upcard.filter(|&card| hand.contains(card) && hand.len() > 1);
        let choices = self.facts.legal_cards().filter(|&card| Some(card) != taken);
        let cost = |card: Card| {
            let rest = hand.without(CardSet::of(card));
            self.cost(rest, self.unseen) + self.weights.danger * self.melds_with(card)
        };
        let best = choices.map(|card| (cost(card), card)).min_by(|a, b| a.0.total_cmp(&b.0));
        best.map_or_else(|| self.facts.legal_cards().next().unwrap_or(0), |(_, card)| card)
    }

    /// Whether to draw the upcard rather than from the stock.
    pub(super) fn takes_upcard(&self) -> bool {
        let Some(upcard) = self.facts.upcard else { return false };
        let hand = self.facts.hand;
        let with = hand.with(CardSet::of(upcard));
        let after = min_deadwood(with, hand.len());
        if after <= self.facts.knock_card {
            // A hand that may knock after any draw loses nothing by trying the stock.
            return after < min_deadwood(hand, hand.len());
        }
        let taken = self.best_rest(with, upcard, self.unseen);
        taken <= self.two_draws(hand, self.unseen)
    }

    /// Mean cost of a hand of full size after a card of `unseen`, over a sample of them, and the best discard.
    fn two_draws(&self, hand: CardSet, unseen: CardSet) -> f32 {
        let step = (unseen.len() / TRIED).max(1);
        let (mut sum, mut tried) = (0.0, 0);
        for card in unseen.iter().step_by(step) {
            let with = hand.with(CardSet::of(card));
            let deadwood = min_deadwood(with, hand.len());
            sum += if deadwood <= self.facts.knock_card {
                // Knocking now is a turn earlier than the costs count.
                self.weights.knock_point * deadwood as f32 - self.weights.delay / 2.0
            } else {
                self.best_rest(with, card, unseen.without(CardSet::of(card)))
            };
            tried += 1;
        }
        sum / tried.max(1) as f32
    }

    /// The least cost after throwing one of the most expensive cards outside the melds, but not the drawn one unless
    /// it is deadwood.
    fn best_rest(&self, with: CardSet, drawn: Card, unseen: CardSet) -> f32 {
        let mut loose: Vec<Card> = super::leftover(with).iter().collect();
        if loose.is_empty() {
            loose = with.iter().filter(|&card| card != drawn).collect();
        }
        loose.sort_by_key(|&card| std::cmp::Reverse(value(card)));
        let costs =
            loose.iter().take(TRIED_DISCARDS).map(|&card| self.cost(with.without(CardSet::of(card)), unseen));
        costs.fold(f32::INFINITY, f32::min)
    }

    /// What a hand of full size costs, if a card of `unseen` comes next.
    fn cost(&self, hand: CardSet, unseen: CardSet) -> f32 {
        let Weights { delay, knock_point, now, .. } = self.weights;
        let (knock_card, size) = (self.facts.knock_card, hand.len());
        let after = |card: Card| {
            let deadwood = min_deadwood(hand.with(CardSet::of(card)), size);
            if deadwood <= knock_card {
                knock_point * deadwood as f32
            } else {
                delay + (deadwood - knock_card) as f32
            }
        };
        let sum: f32 = unseen.iter().map(after).sum();
        sum / unseen.len().max(1) as f32 + now * min_deadwood(hand, size) as f32
    }

    /// Melds of three that a card would make with two cards that are not seen.
    fn melds_with(&self, card: Card) -> f32 {
        let unseen = |card: Card| self.unseen.contains(card);
        let same_rank =
            (0..4).filter(|&other| other != suit(card) && unseen(other * 13 + rank(card))).count();
        let (rank, mut runs) = (rank(card), 0);
        for low in rank.saturating_sub(2)..=rank.min(10) {
            let others = (low..low + 3).filter(|&other| other != rank);
            runs += usize::from(others.into_iter().all(|other| unseen(suit(card) * 13 + other)));
        }
        (same_rank * same_rank.saturating_sub(1) / 2 + runs) as f32
    }
}
