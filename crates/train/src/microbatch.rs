//! Splitting a step's rows so that each part fits into memory.

use crate::Row;

/// Rows that must stay together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowUnit {
    /// Every row for itself.
    Single,
    /// Rows 2i and 2i+1 (chosen and rejected).
    Pair,
}

impl RowUnit {
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Pair => 2,
        }
    }
}

/// Splits `rows` into parts of at most `token_budget` tokens, longest first, so that rows of like length meet.
///
/// A unit longer than the budget is a part of its own. Units without a token to learn from are left out; with
/// objectives that are normalised over the whole step the split does not change the gradient.
pub fn micro_batches(rows: Vec<Row>, token_budget: usize, unit: RowUnit) -> Vec<Vec<Row>> {
    assert_eq!(rows.len() % unit.size(), 0, "{} rows do not make whole units of {unit:?}", rows.len());
    let mut units: Vec<Vec<Row>> = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        units.push(rows.by_ref().take(unit.size()).collect());
    }
    units.retain(|unit| unit.iter().any(|row| row.n_loss_tokens() > 0));
    let longest = |unit: &[Row]| unit.iter().map(Row::n_tokens).max().unwrap_or(0);
    // The sort is stable: equal lengths keep the caller's order, so a step is reproducible.
    units.sort_by_key(|unit| std::cmp::Reverse(longest(unit)));
    let mut parts: Vec<Vec<Row>> = Vec::new();
    let mut filled = 0;
    for unit in units {
        let added: usize = unit.iter().map(Row::n_tokens).sum();
        match parts.last_mut() {
            Some(part) if filled + added <= token_budget => {
                filled += added;
                part.extend(unit);
            }
            _ => {
                filled = added;
                parts.push(unit);
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests;
