//! How rows are spread over several sources.

/// Part of the shares that nothing moves.
const EQUAL_PART: f64 = 0.5;

/// A share of each source; they sum to 1.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    share: Vec<f64>,
    /// Turns that a share has earned and that have not been taken.
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

    /// The source of the next row, or of the next rows where they are taken together.
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
mod tests;
