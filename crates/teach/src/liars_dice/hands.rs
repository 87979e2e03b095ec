//! Hands of five dice, bids, and how likely a bid is to hold.

use std::collections::HashMap;

use games::Action;

/// Faces of a die; the last is wild.
pub(super) const SIDES: usize = 6;
/// Dice of a player.
pub(super) const DICE: usize = 5;
/// Different hands.
pub(super) const HANDS: usize = 252;
/// Bids: up to ten of each face.
pub(super) const BIDS: usize = 2 * DICE * SIDES;
/// The action that calls the current bid.
pub(super) const LIAR: usize = BIDS;
/// What is on the table: no bid, or one of the bids. `standing` is the number of ids that can no longer be bid.
pub(super) const STANDINGS: usize = BIDS + 1;
/// Actions of a turn.
pub(super) const ACTIONS: usize = BIDS + 1;

/// Quantity and face (from 0) of a bid.
pub(super) const fn bid(id: usize) -> (usize, usize) {
    (id / SIDES + 1, id % SIDES)
}

/// All hands as multisets, and what follows from a hand alone.
#[derive(Clone, Debug)]
pub(super) struct Hands {
    index: HashMap<[u8; SIDES], usize>,
    /// Probability of being rolled; sums to 1.
    pub(super) prior: Vec<f32>,
    /// Dice of each hand that count for a face.
    matches: Vec<[u8; SIDES]>,
}

impl Hands {
    pub(super) fn new() -> Self {
        let mut all = Vec::new();
        add_hands(&mut [0; SIDES], 0, DICE as u8, &mut all);
        let factorial = |n: u8| (1..=u32::from(n)).product::<u32>() as f32;
        let ways = |counts: &[u8; SIDES]| {
            factorial(DICE as u8) / counts.iter().map(|&n| factorial(n)).product::<f32>()
        };
        let total = SIDES.pow(DICE as u32) as f32;
        let wild = SIDES - 1;
        let matches = |counts: &[u8; SIDES]| {
            let mut matches = counts.map(|n| n + counts[wild]);
            matches[wild] = counts[wild];
            matches
        };
        Self {
            prior: all.iter().map(|counts| ways(counts) / total).collect(),
            matches: all.iter().map(matches).collect(),
            index: all.into_iter().enumerate().map(|(index, counts)| (counts, index)).collect(),
        }
    }

    /// The hand of these dice, faces from 1; `None` unless there are five.
    pub(super) fn find(&self, dice: &[u8]) -> Option<usize> {
        let mut counts = [0; SIDES];
        for &die in dice {
            *counts.get_mut(usize::from(die).checked_sub(1)?)? += 1;
        }
        self.index.get(&counts).copied()
    }

    /// Dice of a hand that count for a face.
    pub(super) fn matches(&self, hand: usize, face: usize) -> usize {
        self.matches[hand][face].into()
    }

    /// Whether a bid holds for two hands.
    pub(super) fn holds(&self, id: usize, hands: [usize; 2]) -> bool {
        let (quantity, face) = bid(id);
        self.matches(hands[0], face) + self.matches(hands[1], face) >= quantity
    }

    /// For each face, how likely the other hand has each number of matches, if it is distributed as `belief`.
    pub(super) fn match_chances(&self, belief: &[f32]) -> [[f32; DICE + 1]; SIDES] {
        let total: f32 = belief.iter().sum();
        let mut chances = [[0.0; DICE + 1]; SIDES];
        for (hand, weight) in belief.iter().enumerate() {
            for (face, chances) in chances.iter_mut().enumerate() {
                chances[self.matches(hand, face)] += weight / total;
            }
        }
        chances
    }

    /// How likely a bid holds for the holder of `hand`, given [`Hands::match_chances`] of the other.
    pub(super) fn truth(&self, id: usize, hand: usize, chances: &[[f32; DICE + 1]; SIDES]) -> f32 {
        let (quantity, face) = bid(id);
        let needed = quantity.saturating_sub(self.matches(hand, face));
        if needed == 0 {
            return 1.0;
        }
        chances[face].iter().skip(needed).sum()
    }
}

/// Appends every hand whose counts up to `face` are given and which has `left` more dice.
fn add_hands(counts: &mut [u8; SIDES], face: usize, left: u8, into: &mut Vec<[u8; SIDES]>) {
    if face == SIDES - 1 {
        counts[face] = left;
        return into.push(*counts);
    }
    for n in 0..=left {
        counts[face] = n;
        add_hands(counts, face + 1, left - n, into);
    }
}

/// The id as the rules number it.
pub(super) fn action(id: usize) -> Action {
    id as Action
}
