//! Where every slot of a batch stands in its sequence.

/// Positions of the slots of a batch, one row for all or one row each. Padding is at [`Positions::PADDING`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Positions {
    values: Vec<i32>,
    n_cols: usize,
}

impl Positions {
    pub(crate) const PADDING: i32 = -1;

    /// `0 … n_cols` for every row: right-padded tokens, whose padding comes after all that can see it.
    pub(crate) fn shared(n_cols: usize) -> Self {
        Self { values: (0..n_cols as i32).collect(), n_cols }
    }

    pub(crate) fn per_row(values: Vec<i32>, n_cols: usize) -> Self {
        assert!(
            n_cols > 0 && values.len().is_multiple_of(n_cols),
            "{} positions in rows of {n_cols}",
            values.len()
        );
        Self { values, n_cols }
    }

    /// 1 where all rows share one.
    pub(crate) fn n_rows(&self) -> usize {
        self.values.len() / self.n_cols
    }

    pub(crate) fn n_cols(&self) -> usize {
        self.n_cols
    }

    pub(crate) fn row(&self, row: usize) -> &[i32] {
        let row = if self.n_rows() == 1 { 0 } else { row };
        &self.values[row * self.n_cols..(row + 1) * self.n_cols]
    }

    pub(crate) fn values(&self) -> &[i32] {
        &self.values
    }
}
