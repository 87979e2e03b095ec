//! One hand against every hand of an opponent, through all standings: how often each place is reached, and its worth.
//!
//! Since nobody's move depends on more than the own hand, the seat and the standing bid, neither does anything here:
//! a place is a standing and whose turn it is, and the exact value of two policies is a pass down and a pass up.

use super::hands::{HANDS, Hands, LIAR, STANDINGS};
use super::table::{Columns, legal};

/// A number for each hand of the opponent.
type Lane = [f32; HANDS];

/// Places of one hand against an opponent.
#[derive(Clone, Debug)]
pub(super) struct Row {
    hand: usize,
    seat: usize,
    /// Probability of the opponent's hand and of both players' moves, by standing: at the own turn, at the other's.
    reach: [Vec<Lane>; 2],
    /// Worth to the own side, 1 for a win, −1 for a loss.
    value: [Vec<Lane>; 2],
}

const OWN: usize = 0;
const OTHER: usize = 1;

impl Row {
    pub(super) fn new() -> Self {
        let lanes = || vec![[0.0; HANDS]; STANDINGS];
        Self { hand: 0, seat: 0, reach: [lanes(), lanes()], value: [lanes(), lanes()] }
    }

    /// Carries probabilities down, for `hand` in `seat` playing by `own` (all standings of a hand).
    pub(super) fn carry_down(
        &mut self,
        hands: &Hands,
        hand: usize,
        seat: usize,
        own: &[f32],
        other: &Columns,
    ) {
        (self.hand, self.seat) = (hand, seat);
        self.reach.iter_mut().flatten().for_each(|lane| lane.fill(0.0));
        self.reach[if seat == 0 { OWN } else { OTHER }][0].copy_from_slice(&hands.prior);
        let [own_turn, other_turn] = &mut self.reach;
        for standing in 0..STANDINGS {
            let weights = &own[standing * (LIAR + 1)..][..=LIAR];
            for id in legal(standing).filter(|&id| id != LIAR && weights[id] > 0.0) {
                add_scaled(&mut other_turn[id + 1], &own_turn[standing], weights[id]);
            }
            // Most standings are never reached against a player of pure moves.
            let is_reached = other_turn[standing].iter().any(|&p| p > 0.0);
            for id in legal(standing).filter(|&id| is_reached && id != LIAR) {
                if let Some(weights) = other.at(standing, id) {
                    add_product(&mut own_turn[id + 1], &other_turn[standing], weights);
                }
            }
        }
    }

    /// Values at the opponent's turn, from those at the own turn of higher standings.
    pub(super) fn value_other_turn(&mut self, hands: &Hands, standing: usize, other: &Columns) {
        let mut lane = [0.0; HANDS];
        for id in legal(standing) {
            let Some(weights) = other.at(standing, id) else { continue };
            if id == LIAR {
                let called = call_values(hands, self.hand, standing, -1.0);
                add_product(&mut lane, &called, weights);
            } else {
                add_product(&mut lane, &self.value[OWN][id + 1], weights);
            }
        }
        self.value[OTHER][standing] = lane;
    }

    /// Adds to `totals`, by action, what each action is worth at the own turn, over the opponent's hands as likely as
    /// they are there; `floor` adds so much of the hands as they are rolled. Returns the weight of all hands.
    pub(super) fn add_worth(
        &self,
        hands: &Hands,
        standing: usize,
        floor: f32,
        weight: f32,
        totals: &mut [f32],
    ) -> f32 {
        let mut belief = self.reach[OWN][standing];
        add_scaled(&mut belief, hands.prior.as_slice().try_into().expect("a prior of every hand"), floor);
        let mass: f32 = belief.iter().sum();
        if mass <= 0.0 {
            return 0.0;
        }
        for id in legal(standing) {
            let worth = if id == LIAR {
                dot(&belief, &call_values(hands, self.hand, standing, 1.0))
            } else {
                dot(&belief, &self.value[OTHER][id + 1])
            };
            totals[id] += weight * worth;
        }
        weight * mass
    }

    /// Values at the own turn, playing by `own` (the weights of this standing).
    pub(super) fn value_own_turn(&mut self, hands: &Hands, standing: usize, own: &[f32]) {
        let mut lane = [0.0; HANDS];
        for id in legal(standing).filter(|&id| own[id] > 0.0) {
            if id == LIAR {
                add_scaled(&mut lane, &call_values(hands, self.hand, standing, 1.0), own[id]);
            } else {
                add_scaled(&mut lane, &self.value[OTHER][id + 1], own[id]);
            }
        }
        self.value[OWN][standing] = lane;
    }

    /// Worth of the hand before anything is bid.
    pub(super) fn root(&self, hands: &Hands) -> f32 {
        let start = if self.seat == 0 { OWN } else { OTHER };
        let prior: &Lane = hands.prior.as_slice().try_into().expect("a prior of every hand");
        dot(prior, &self.value[start][0])
    }

    /// Both passes for a fixed policy; the worth of the hand.
    pub(super) fn evaluate(
        &mut self,
        hands: &Hands,
        hand: usize,
        seat: usize,
        own: &[f32],
        other: &Columns,
    ) -> f32 {
        (self.hand, self.seat) = (hand, seat);
        for standing in (0..STANDINGS).rev() {
            self.value_other_turn(hands, standing, other);
            self.value_own_turn(hands, standing, &own[standing * (LIAR + 1)..][..=LIAR]);
        }
        self.root(hands)
    }
}

/// What it is worth to `hand` if the standing bid is called: `sign` if the caller is right, else its negative.
fn call_values(hands: &Hands, hand: usize, standing: usize, sign: f32) -> Lane {
    let mut lane = [0.0; HANDS];
    if let Some(id) = standing.checked_sub(1) {
        let holds = |other| hands.holds(id, [hand, other]);
        lane.iter_mut()
            .enumerate()
            .for_each(|(other, value)| *value = if holds(other) { -sign } else { sign });
    }
    lane
}

fn add_scaled(into: &mut Lane, lane: &Lane, scale: f32) {
    into.iter_mut().zip(lane).for_each(|(sum, x)| *sum += scale * x);
}

fn add_product(into: &mut Lane, lane: &Lane, weights: &[f32]) {
    into.iter_mut().zip(lane.iter().zip(weights)).for_each(|(sum, (x, weight))| *sum += x * weight);
}

/// Sums in eight lanes, so that the processor can.
fn dot(a: &Lane, b: &Lane) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}
