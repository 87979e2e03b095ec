//! Splitting a step's rows so that each part fits into memory.

use model::{families, n_shared_slots};

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

/// Splits `rows` into parts of at most `token_budget` tokens, longest first, so that rows of like length meet. Rows that
/// begin alike stand together, and what they share is counted once.
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
    let mut parts: Vec<Vec<Row>> = Vec::new();
    let (mut filled, mut last_family) = (0, None);
    for Unit { rows, n_tokens, family, n_shared } in by_family(units) {
        let added = if last_family == Some(family) { n_tokens - n_shared } else { n_tokens };
        last_family = Some(family);
        match parts.last_mut() {
            Some(part) if filled + added <= token_budget => {
                filled += added;
                part.extend(rows);
            }
            _ => {
                filled = n_tokens;
                parts.push(rows);
            }
        }
    }
    parts
}

/// Rows that stay together, and what they have in common with others.
struct Unit {
    rows: Vec<Row>,
    /// Tokens of the rows, what they share among themselves counted once.
    n_tokens: usize,
    /// The same for units of one row that begin alike.
    family: usize,
    /// Tokens of that beginning.
    n_shared: usize,
}

/// Families one after the other, the one with the longest row first, and its rows from long to short.
fn by_family(units: Vec<Vec<Row>>) -> Vec<Unit> {
    let whole = |row: &Row| [row.prompt(), row.completion()].concat();
    let first: Vec<Vec<u32>> = units.iter().map(|unit| whole(&unit[0])).collect();
    let of_one = units.iter().all(|unit| unit.len() == 1);
    let families = if of_one { families(&first) } else { (0..units.len()).map(|idx| (idx, 0)).collect() };
    let unit = |(rows, (family, n_shared)): (Vec<Row>, (usize, usize))| {
        let n_tokens = match rows.as_slice() {
            [row] => row.n_tokens(),
            rows => n_shared_slots(&rows.iter().map(whole).collect::<Vec<_>>()),
        };
        Unit { rows, n_tokens, family, n_shared }
    };
    let mut units: Vec<Unit> = units.into_iter().zip(families).map(unit).collect();
    let mut longest = vec![0; units.len()];
    for unit in &units {
        longest[unit.family] = longest[unit.family].max(unit.n_tokens);
    }
    // The sort is stable: equal lengths keep the caller's order, so a step is reproducible.
    units.sort_by_key(|unit| {
        (std::cmp::Reverse(longest[unit.family]), unit.family, std::cmp::Reverse(unit.n_tokens))
    });
    units
}

#[cfg(test)]
mod tests;
