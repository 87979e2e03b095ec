//! Hands of the opponent and orders of the stock that fit a turn.

use games::gin_rummy::cards::{Card, CardSet};
use games::rng::FastRng;

use super::facts::Facts;
use super::table::Hand;

/// Rounds after which a hand is taken for the better one of one more draw.
const ROUNDS_PER_DRAW: usize = 3;
/// A hand is the best of at most so many.
const MOST_DRAWS: usize = 4;
/// Hands that could have knocked are drawn again so often.
const REDRAWS: usize = 6;

/// Something that may lie where nothing is seen.
#[derive(Clone, Debug)]
pub(super) struct Deal {
    pub(super) other: Hand,
    /// Drawn from the end.
    pub(super) stock: Vec<Card>,
}

/// Draws deals for a turn.
pub(super) struct Dealer {
    unseen: Vec<Card>,
    hand_size: usize,
    knock_card: i32,
    /// Hands that are drawn to choose from: a player improves its hand as the game goes on.
    draws: usize,
    /// Whether the opponent has had a turn in which it did not knock.
    has_moved: bool,
}

impl Dealer {
    pub(super) fn new(facts: &Facts) -> Self {
        let unseen: Vec<Card> = facts.unseen().iter().collect();
        let rounds = facts.discards.len().div_ceil(2);
        Self {
            hand_size: unseen.len().saturating_sub(facts.stock),
            unseen,
            knock_card: facts.knock_card,
            draws: (1 + rounds / ROUNDS_PER_DRAW).min(MOST_DRAWS),
            has_moved: rounds > 0,
        }
    }

    pub(super) fn deal(&mut self, rng: &mut FastRng) -> Deal {
        let mut best: Option<Hand> = None;
        let (mut n_fitting, mut tries) = (0, 0);
        while n_fitting < self.draws && tries < self.draws + REDRAWS {
            tries += 1;
            let hand = Hand::new(self.some_cards(rng));
            let knocks = self.has_moved && hand.deadwood() <= self.knock_card;
            n_fitting += usize::from(!knocks);
            if best.is_none_or(|best| is_likelier(hand, best, self.knock_card, self.has_moved)) {
                best = Some(hand);
            }
        }
        let other = best.unwrap_or_else(|| Hand::new(CardSet::EMPTY));
        let mut stock: Vec<Card> =
            self.unseen.iter().copied().filter(|&card| !other.all.contains(card)).collect();
        for i in (1..stock.len()).rev() {
            stock.swap(i, rng.below(i + 1));
        }
        Deal { other, stock }
    }

    /// As many cards as a hand has.
    fn some_cards(&mut self, rng: &mut FastRng) -> CardSet {
        for i in 0..self.hand_size {
            let drawn = i + rng.below(self.unseen.len() - i);
            self.unseen.swap(i, drawn);
        }
        self.unseen[..self.hand_size].iter().copied().collect()
    }
}

/// Whether a hand is to be expected rather than another: one that could not knock, then one with less deadwood.
fn is_likelier(hand: Hand, other: Hand, knock_card: i32, has_moved: bool) -> bool {
    let knocks = |hand: Hand| has_moved && hand.deadwood() <= knock_card;
    (knocks(hand), hand.deadwood()) < (knocks(other), other.deadwood())
}

#[cfg(test)]
mod tests;
