//! What results say about strength.

use serde::Serialize;

/// Points by which a player of ten to one is ahead.
const ELO_SCALE: f64 = 400.0;
/// Rounds of the fixed-point iteration of ratings.
const ROUNDS: usize = 500;

/// A range that holds the true value with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// [`teach::wilson`]'s interval of a share: `successes` of `n`, where a draw counts as half a success.
pub fn wilson(successes: f64, n: f64) -> Interval {
    let (low, high) = teach::wilson(successes, n);
    Interval { low, high }
}

/// Ratings whose mean is 0 from points between players: `points[i][j]` is what i took from j, draws as halves.
///
/// Half a game drawn against everybody whom a player has met keeps ratings finite.
///
/// # Source
/// Bradley–Terry by minorisation, Hunter 2004, doi 10.1214/aos/1079120141.
pub fn elo_ratings(points: &[Vec<f64>]) -> Vec<f64> {
    let n = points.len();
    let games = |i: usize, j: usize| points[i][j] + points[j][i];
    let met = |i: usize, j: usize| i != j && games(i, j) > 0.0;
    let mut strength = vec![1.0; n];
    for _ in 0..ROUNDS {
        let next: Vec<f64> = (0..n)
            .map(|i| {
                let others: Vec<usize> = (0..n).filter(|&j| met(i, j)).collect();
                let won: f64 = others.iter().map(|&j| points[i][j] + 0.25).sum();
                let played = |&j: &usize| (games(i, j) + 0.5) / (strength[i] + strength[j]);
                let expected: f64 = others.iter().map(played).sum();
                if expected > 0.0 { won / expected } else { strength[i] }
            })
            .collect();
        strength = next;
    }
    let ratings: Vec<f64> = strength.iter().map(|strength: &f64| ELO_SCALE * strength.log10()).collect();
    let mean = ratings.iter().sum::<f64>() / n.max(1) as f64;
    ratings.into_iter().map(|rating| rating - mean).collect()
}

/// Where each score stands among all of them: 0 for the worst, 1 for the best, the mean place where scores are equal.
pub fn rank_quantiles(scores: &[f64]) -> Vec<f64> {
    let last = scores.len().saturating_sub(1).max(1) as f64;
    let place = |score: &f64| {
        let below = scores.iter().filter(|other| *other < score).count();
        let equal = scores.iter().filter(|other| *other == score).count();
        (below as f64 + (equal - 1) as f64 / 2.0) / last
    };
    scores.iter().map(place).collect()
}
