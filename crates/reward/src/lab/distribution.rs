//! Figures of a list of scores.

use serde::Serialize;

/// Where scores lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Distribution {
    /// How many.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the population.
    pub std: f64,
    /// Smallest, quartiles, largest.
    pub quantiles: [f64; 5],
}

impl Distribution {
    /// Of any list; all zeros for an empty one.
    pub fn of(values: &[f64]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let std = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let quantiles = [0, 1, 2, 3, 4].map(|quarter| sorted[quarter * (sorted.len() - 1) / 4]);
        Self { n: values.len(), mean, std, quantiles }
    }

    /// True if all scores are equal.
    pub fn is_constant(&self) -> bool {
        self.quantiles[0] == self.quantiles[4]
    }
}

/// Spearman's rank correlation, ties sharing their mean rank; `None` if one side is constant or there are fewer than
/// two values.
///
/// # Panics
/// If the lists differ in length.
pub fn rank_correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "one value of each per item");
    let (a, b) = (ranks(a), ranks(b));
    let (of_a, of_b) = (Distribution::of(&a), Distribution::of(&b));
    if a.len() < 2 || of_a.is_constant() || of_b.is_constant() {
        return None;
    }
    let together = a.iter().zip(&b).map(|(x, y)| (x - of_a.mean) * (y - of_b.mean)).sum::<f64>();
    Some(together / a.len() as f64 / of_a.std / of_b.std)
}

/// The rank of each value from 0, ties sharing their mean rank.
pub(super) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let same = order[from..].iter().take_while(|&&row| values[row] == values[order[from]]).count();
        let rank = from as f64 + (same - 1) as f64 / 2.0;
        order[from..from + same].iter().for_each(|&row| ranks[row] = rank);
        from += same;
    }
    ranks
}

#[cfg(test)]
mod tests;
