//! The pure policy that takes most from a weighted population, exactly.
//!
//! Against fixed opponents a hand's moves do not depend on what is done with other hands, so each hand is improved on
//! its own: carry probabilities down with the moves as they are, choose a best move of each standing on the way up,
//! until nothing changes. What is never reached keeps the moves it began with.

use rayon::prelude::*;

use super::hands::{ACTIONS, Hands, LIAR, STANDINGS};
use super::population::Member;
use super::row::Row;
use super::table::{Columns, ROW, Rows, legal, likeliest};

/// Passes over a hand; moves that look the same but are reached in different ways could go on in circles.
const MAX_PASSES: usize = 8;
/// What a move may be worth less than the best, of 2 between a loss and a win. Moves that are nearly as good lie side by
/// side, and which of them is best changes from hand to hand: a pupil learns a policy that prefers the plainest of them from
/// far fewer turns. Scores against threshold bot, public recipe, searcher and average policy are 0.760, 0.602, 0.789, 0.524
/// without, 0.758, 0.600, 0.791, 0.524 with 0.02, 0.751, 0.584, 0.792, 0.522 with 0.05, 0.732, 0.565, 0.792, 0.518 with 0.1;
/// the lowest legal bid is made in 9, 22, 27 and 30 % of the views.
const SLACK: f32 = 0.04;
/// A turn reached more rarely keeps its move.
const RARE: f32 = 1e-7;

/// The response of `seat`, beginning with the pure policy `start`.
pub(super) fn respond(hands: &Hands, seat: usize, population: &[Member], start: &Rows) -> Rows {
    let mut policy = start.clone();
    policy.as_mut_slice().par_chunks_exact_mut(ROW).enumerate().for_each(|(hand, own)| {
        let columns: Vec<_> = population.iter().map(|member| member.columns(hands, 1 - seat, hand)).collect();
        let mut rows = vec![Row::new(); population.len()];
        let (mut best, mut best_own) = (f32::NEG_INFINITY, own.to_vec());
        for _ in 0..MAX_PASSES {
            for (row, columns) in rows.iter_mut().zip(&columns) {
                row.carry_down(hands, hand, seat, own, columns);
            }
            let before = own.to_vec();
            improve(hands, population, &mut rows, &columns, own);
            let roots = rows.iter().zip(population).map(|(row, member)| member.weight * row.root(hands));
            let value: f32 = roots.sum();
            if value > best {
                (best, best_own) = (value, own.to_vec());
            }
            if before == own {
                break;
            }
        }
        own.copy_from_slice(&best_own);
    });
    policy
}

/// Chooses the best move of every standing, highest first, and leaves the values of these choices in `rows`.
fn improve(
    hands: &Hands,
    population: &[Member],
    rows: &mut [Row],
    columns: &[impl std::ops::Deref<Target = Columns>],
    own: &mut [f32],
) {
    for standing in (0..STANDINGS).rev() {
        let own = &mut own[standing * ACTIONS..(standing + 1) * ACTIONS];
        let (mut worth, mut mass) = ([0.0; ACTIONS], 0.0);
        for ((row, columns), member) in rows.iter_mut().zip(columns).zip(population) {
            row.value_other_turn(hands, standing, columns);
            mass += row.add_worth(hands, standing, 0.0, member.weight, &mut worth);
        }
        if mass > RARE {
            own.fill(0.0);
            own[plainest(&worth, standing, SLACK * mass)] = 1.0;
        }
        rows.iter_mut().for_each(|row| row.value_own_turn(hands, standing, own));
    }
}

/// Of the moves that are worth the most or `slack` less, the one that is easiest to tell: calling, else the lowest bid.
pub(super) fn plainest(worth: &[f32], standing: usize, slack: f32) -> usize {
    let enough = worth[likeliest(worth, standing)] - slack;
    let called = (standing > 0).then_some(LIAR);
    let mut by_plainness = called.into_iter().chain(legal(standing));
    by_plainness.find(|&id| worth[id] >= enough).expect("the best is among them")
}

/// Wins as a share of games of the policies `own` (by seat) against `member`, mean of both seats, exactly.
pub(super) fn score(hands: &Hands, own: &[Rows; 2], member: &Member) -> f64 {
    let value = |seat: usize| -> f64 {
        let values: Vec<f64> = own[seat]
            .hands()
            .collect::<Vec<_>>()
            .par_iter()
            .enumerate()
            .map_init(Row::new, |row, (hand, own)| {
                let columns = member.columns(hands, 1 - seat, hand);
                let value = row.evaluate(hands, hand, seat, own, &columns);
                f64::from(hands.prior[hand]) * f64::from(value)
            })
            .collect();
        values.iter().sum()
    };
    (1.0 + (value(0) + value(1)) / 2.0) / 2.0
}
