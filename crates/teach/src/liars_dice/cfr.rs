//! CFR+ on what a turn shows, exactly: every hand against every hand, no sampling.
//!
//! Forgetting earlier bids (imperfect recall) voids the guarantee that CFR has elsewhere, but keeps every quantity
//! exact and small: an iteration is two passes over 252 · 252 hands and 1,830 moves. Regrets are in units of the
//! game's outcome, with the opponent's hands as likely as the two current policies make them at the turn.
//!
//! # Source
//! Tammelin et al. 2015 (CFR+: alternating updates, regrets cut at 0, averages weighted by the iteration), on an
//! abstraction with imperfect recall as in Waugh et al., "A practical use of imperfect recall", SARA 2009.

use rayon::prelude::*;

use super::hands::{ACTIONS, Hands, STANDINGS};
use super::row::Row;
use super::table::{Columns, ROW, Rows, legal, scale};

/// So much of the dice as rolled is mixed into what is known at a turn, so that every turn has an answer.
const FLOOR: f32 = 1e-4;

/// One seat's side of the solver.
struct Side {
    regrets: Rows,
    current: Rows,
    average: Rows,
}

/// The average policies of both seats after `iterations`.
pub(super) fn solve(hands: &Hands, iterations: usize) -> [Rows; 2] {
    let uniform = || Rows::by(|_, _, _| {});
    let side = || Side { regrets: Rows::zero(), current: uniform(), average: Rows::zero() };
    let mut sides = [side(), side()];
    for iteration in 1..=iterations {
        for seat in 0..2 {
            let other = Columns::of(&sides[1 - seat].current);
            update(hands, seat, &mut sides[seat], &other, iteration as f32);
        }
    }
    sides.map(|side| side.average.normalised())
}

/// One seat's turn of an iteration.
fn update(hands: &Hands, seat: usize, side: &mut Side, other: &Columns, weight: f32) {
    let regrets = side.regrets.as_mut_slice().par_chunks_exact_mut(ROW);
    let current = side.current.as_mut_slice().par_chunks_exact_mut(ROW);
    let average = side.average.as_mut_slice().par_chunks_exact_mut(ROW);
    let rows = regrets.zip(current).zip(average).enumerate();
    rows.for_each_init(Row::new, |row, (hand, ((regrets, current), average))| {
        row.carry_down(hands, hand, seat, current, other);
        for standing in (0..STANDINGS).rev() {
            let at = standing * ACTIONS..(standing + 1) * ACTIONS;
            row.value_other_turn(hands, standing, other);
            row.value_own_turn(hands, standing, &current[at.clone()]);
            add_regrets(row, hands, standing, &current[at.clone()], &mut regrets[at]);
        }
        for standing in 0..STANDINGS {
            let at = standing * ACTIONS..(standing + 1) * ACTIONS;
            let current = &mut current[at.clone()];
            current.copy_from_slice(&regrets[at.clone()]);
            scale(current, standing);
            average[at].iter_mut().zip(current).for_each(|(sum, p)| *sum += weight * *p);
        }
    });
}

fn add_regrets(row: &Row, hands: &Hands, standing: usize, current: &[f32], regrets: &mut [f32]) {
    let mut worth = [0.0; ACTIONS];
    let mass = row.add_worth(hands, standing, FLOOR, 1.0, &mut worth);
    if mass <= 0.0 {
        return;
    }
    let mean: f32 = legal(standing).map(|id| current[id] * worth[id]).sum();
    for id in legal(standing) {
        regrets[id] = (regrets[id] + (worth[id] - mean) / mass).max(0.0);
    }
}
