//! A policy of what a turn shows: seat, own hand, and the bid that stands.
//!
//! Earlier bids are not shown, so they do not count. A table has 2 · 252 · 61 such views.

use super::hands::{ACTIONS, BIDS, HANDS, LIAR, STANDINGS};

/// Weights of a seat's actions, hand by hand: what the owner of a hand reads.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows {
    weights: Vec<f32>,
}

/// Entries of a hand.
pub(super) const ROW: usize = STANDINGS * ACTIONS;

impl Rows {
    pub(super) fn zero() -> Self {
        Self { weights: vec![0.0; HANDS * ROW] }
    }

    /// The policy that a rule gives: it fills the weights of the legal actions, which are then scaled to sum to 1.
    pub(super) fn by(mut rule: impl FnMut(usize, usize, &mut [f32])) -> Self {
        let mut rows = Self::zero();
        for hand in 0..HANDS {
            for standing in 0..STANDINGS {
                let weights = rows.at_mut(hand, standing);
                rule(hand, standing, weights);
                scale(weights, standing);
            }
        }
        rows
    }

    /// Weights of a view, by action id.
    pub(super) fn at(&self, hand: usize, standing: usize) -> &[f32] {
        &self.weights[hand * ROW + standing * ACTIONS..][..ACTIONS]
    }

    pub(super) fn at_mut(&mut self, hand: usize, standing: usize) -> &mut [f32] {
        &mut self.weights[hand * ROW + standing * ACTIONS..][..ACTIONS]
    }

    /// All standings of a hand.
    pub(super) fn hands(&self) -> impl Iterator<Item = &[f32]> {
        self.weights.chunks_exact(ROW)
    }

    /// As one slice, hand by hand.
    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.weights
    }

    /// The policy proportional to these weights.
    pub(super) fn normalised(&self) -> Self {
        Self::by(|hand, standing, weights| weights.copy_from_slice(self.at(hand, standing)))
    }

    /// All weight on the likeliest action of each view; the lowest id of equals.
    pub(super) fn purified(&self) -> Self {
        Self::by(|hand, standing, weights| weights[likeliest(self.at(hand, standing), standing)] = 1.0)
    }
}

/// Ids of the legal bids, then calling, if there is a bid.
pub(super) fn legal(standing: usize) -> std::ops::Range<usize> {
    standing..if standing == 0 { BIDS } else { LIAR + 1 }
}

/// The legal action of the largest weight.
pub(super) fn likeliest(weights: &[f32], standing: usize) -> usize {
    let legal = legal(standing);
    legal.clone().fold(legal.start, |best, id| if weights[id] > weights[best] { id } else { best })
}

/// Scales the legal weights to sum to 1; uniform where they are all 0.
pub(super) fn scale(weights: &mut [f32], standing: usize) {
    let legal = &mut weights[legal(standing)];
    let (sum, n) = (legal.iter().sum::<f32>(), legal.len() as f32);
    legal.iter_mut().for_each(|weight| *weight = if sum > 0.0 { *weight / sum } else { 1.0 / n });
}

/// A policy laid out by action, one number for each hand: what is read of an opponent whose hand is not known.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    weights: Vec<f32>,
    /// Actions that some hand plays.
    is_used: Vec<bool>,
}

impl Columns {
    /// Weights from `weight(standing, action, hand)`, for legal actions.
    pub(super) fn by(mut weight: impl FnMut(usize, usize, usize) -> f32) -> Self {
        let mut columns = Self { weights: vec![0.0; ROW * HANDS], is_used: vec![false; ROW] };
        for standing in 0..STANDINGS {
            for id in legal(standing) {
                let at = standing * ACTIONS + id;
                for hand in 0..HANDS {
                    let weight = weight(standing, id, hand);
                    columns.weights[at * HANDS + hand] = weight;
                    columns.is_used[at] |= weight > 0.0;
                }
            }
        }
        columns
    }

    pub(super) fn of(rows: &Rows) -> Self {
        Self::by(|standing, id, hand| rows.at(hand, standing)[id])
    }

    /// The weight of an action for every hand; `None` if no hand plays it.
    pub(super) fn at(&self, standing: usize, id: usize) -> Option<&[f32]> {
        let at = standing * ACTIONS + id;
        self.is_used[at].then(|| &self.weights[at * HANDS..][..HANDS])
    }
}
