//! Hands that the opponent may hold: bids of the past that fit who won each round.

use games::rng::FastRng;

use super::bidders::nth;
use super::facts::{Cards, Facts};

/// Attempts to find bids that fit; after so many any hand of the right size will do.
const ATTEMPTS: usize = 8;

/// A hand of the opponent, drawn at random.
pub(super) fn hand(facts: &Facts, rng: &mut FastRng) -> Cards {
    let all = Cards::MAX >> (Cards::BITS - facts.n_cards);
    let fitting = (0..ATTEMPTS).find_map(|_| spent(facts, all, rng));
    fitting.map_or_else(|| of_size(all, facts.hand.count_ones(), rng), |spent| all & !spent)
}

/// What the opponent has bid, if the own bids of the past came in a random order; `None` if that order does not fit.
fn spent(facts: &Facts, all: Cards, rng: &mut FastRng) -> Option<Cards> {
    let (mut own, mut left) = (all & !facts.hand, all);
    let [won, lost, tied] = facts.rounds;
    // Ties leave no choice, and what the own lost bids leave is the least.
    for (n, outcome) in [(tied, Outcome::Tied), (lost, Outcome::Lost), (won, Outcome::Won)] {
        for _ in 0..n {
            let bid = nth(own, rng.below(own.count_ones() as usize) as u32);
            own &= !(1 << bid);
            let lower = (1 << bid) - 1;
            let choices = left
                & match outcome {
                    Outcome::Tied => 1 << bid,
                    Outcome::Lost => !(lower | 1 << bid),
                    Outcome::Won => lower,
                };
            if choices == 0 {
                return None;
            }
            left &= !(1 << nth(choices, rng.below(choices.count_ones() as usize) as u32));
        }
    }
    Some(all & !left)
}

/// How a round ended for the mover.
#[derive(Clone, Copy)]
enum Outcome {
    Won,
    Lost,
    Tied,
}

fn of_size(all: Cards, n: u32, rng: &mut FastRng) -> Cards {
    let mut hand = all;
    while hand.count_ones() > n {
        hand &= !(1 << nth(hand, rng.below(hand.count_ones() as usize) as u32));
    }
    hand
}
