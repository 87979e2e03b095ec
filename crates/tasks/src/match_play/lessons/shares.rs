//! How rows are spread over several sources.

/// Part of the shares that nothing moves.
const EQUAL_PART: f64 = 0.5;

/// A share of each source; they sum to 1.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    share: Vec<f64>,
    /// Rows that a share has earned and that have not been taken.
    credit: Vec<f64>,
}

impl Shares {
    /// The same for each.
    pub(super) fn equal(n_sources: usize) -> Self {
        Self { share: vec![1.0 / n_sources as f64; n_sources], credit: vec![0.0; n_sources] }
    }

    /// As they are.
    pub(super) fn get(&self) -> &[f64] {
        &self.share
    }

    /// The source of the next row.
    pub(super) fn turn(&mut self) -> usize {
        for (credit, share) in self.credit.iter_mut().zip(&self.share) {
            *credit += share;
        }
        let by_credit = |a: &usize, b: &usize| self.credit[*a].total_cmp(&self.credit[*b]);
        let idx = (0..self.credit.len()).max_by(by_credit).expect("there is a source");
        self.credit[idx] -= 1.0;
        idx
    }

    /// Moves half of the shares to where `gaps` are; one that is not known is as wide as the others on average.
    pub(super) fn weigh(&mut self, gaps: &[Option<f64>]) {
        let known: Vec<f64> = gaps.iter().copied().flatten().collect();
        let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
        let gaps: Vec<f64> = gaps.iter().map(|gap| gap.unwrap_or(mean)).collect();
        let (equal, total) = (1.0 / gaps.len() as f64, gaps.iter().sum::<f64>());
        let of_gap = |gap: &f64| if total > 0.0 { gap / total } else { equal };
        self.share = gaps.iter().map(|gap| EQUAL_PART * equal + (1.0 - EQUAL_PART) * of_gap(gap)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(shares: &mut Shares, n: usize) -> Vec<usize> {
        let mut taken = vec![0; shares.get().len()];
        (0..n).for_each(|_| taken[shares.turn()] += 1);
        taken
    }

    #[test]
    fn each_source_gives_its_share_evenly_spread() {
        let mut shares = Shares::equal(3);
        assert!((0..20).all(|_| taken(&mut shares, 3) == [1, 1, 1]));
        shares.weigh(&[Some(0.3), Some(0.1), Some(0.0)]);
        let expected = [1.0 / 6.0 + 0.375, 1.0 / 6.0 + 0.125, 1.0 / 6.0];
        assert!(shares.get().iter().zip(expected).all(|(got, want)| (got - want).abs() < 1e-12));
        let counts = taken(&mut shares, 2400);
        assert!(counts.iter().zip([1300, 700, 400]).all(|(got, want)| got.abs_diff(want) <= 2), "{counts:?}");
    }

    #[test]
    fn what_is_not_known_counts_as_the_others_and_no_gap_as_equal() {
        let mut shares = Shares::equal(2);
        shares.weigh(&[Some(0.0), Some(0.0)]);
        assert_eq!(shares.get(), [0.5, 0.5]);
        shares.weigh(&[None, Some(0.2)]);
        assert_eq!(shares.get(), [0.5, 0.5]);
        shares.weigh(&[None, None]);
        assert_eq!(shares.get(), [0.5, 0.5]);
    }
}
