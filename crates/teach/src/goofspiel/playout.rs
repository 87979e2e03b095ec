//! Games played on from a turn: which bid wins most.

use games::Action;
use games::rng::FastRng;

use super::bidders::{Bidder, nth};
use super::deal;
use super::facts::{Cards, Facts};

/// The bid that wins most of `n` playouts, the lowest of equals; `seed` decides what is drawn.
pub(super) fn best_bid(facts: &Facts, n: u32, seed: u64) -> Action {
    let bids: Vec<u8> = (0..facts.hand.count_ones()).map(|n| nth(facts.hand, n)).collect();
    let mut wins = vec![0_i64; bids.len()];
    let mut rng = FastRng::new(seed);
    for playout in 0..n {
        let hand = deal::hand(facts, &mut rng);
        let bidder = Bidder::POPULATION[playout as usize % Bidder::POPULATION.len()];
        let bid = bidder.bid(hand, facts.prize, facts.prizes, &mut rng);
        // All bids meet the same draws, so that they differ by what they are.
        let draws = rng.next_u64();
        for (own, wins) in bids.iter().zip(&mut wins) {
            *wins += play_on(facts, [*own, bid], hand, bidder, &mut FastRng::new(draws));
        }
    }
    let best = bids.iter().zip(&wins).rev().max_by_key(|(_, wins)| **wins);
    best.map_or(0, |(bid, _)| Action::from(*bid))
}

/// 1 if the mover has more points in the end, −1 if fewer, after these bids (own first).
fn play_on(facts: &Facts, bids: [u8; 2], hand: Cards, bidder: Bidder, rng: &mut FastRng) -> i64 {
    let mut hands = [facts.hand & !(1 << bids[0]), hand & !(1 << bids[1])];
    let mut ahead = facts.ahead + points(facts.prize, bids);
    let mut prizes = facts.prizes;
    while prizes != 0 {
        let prize = nth(prizes, rng.below(prizes.count_ones() as usize) as u32);
        prizes &= !(1 << prize);
        let bids = [Bidder::OWN.bid(hands[0], prize, prizes, rng), bidder.bid(hands[1], prize, prizes, rng)];
        hands = [hands[0] & !(1 << bids[0]), hands[1] & !(1 << bids[1])];
        ahead += points(prize, bids);
    }
    i64::from(ahead.signum())
}

/// What the first bidder gains on the second.
fn points(prize: u8, [own, other]: [u8; 2]) -> i32 {
    let value = i32::from(prize) + 1;
    value * (i32::from(own) - i32::from(other)).signum()
}
