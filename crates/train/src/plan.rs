//! What has to be computed for a set of rows, each thing once.
//!
//! Rows of one group share their prompt, and in small games whole prompts repeat across groups. Sequences that are
//! equal, or a beginning of another one, are computed once (attention is causal), and so is every distribution that is
//! asked for at the same place under the same restriction. Gradients are sums, so the result does not change.

use std::collections::HashMap;

use crate::Row;

/// Where a distribution is predicted, and over what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Predictor {
    /// Index into [`Plan::sequences`].
    pub(crate) sequence: usize,
    /// Position of the hidden state.
    pub(crate) position: usize,
    /// The tokens that could be drawn, ascending; `None` for all.
    pub(crate) allowed: Option<Vec<u32>>,
}

/// One scored token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// Row and column of the result.
    pub(crate) cell: (usize, usize),
    /// Index into [`Plan::free`] or [`Plan::constrained`].
    pub(crate) predictor: usize,
    /// Token id, or index into the allowed tokens.
    pub(crate) target: usize,
}

/// The work of one forward pass.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Distinct inputs.
    pub(crate) sequences: Vec<Vec<u32>>,
    /// Predictors over the whole vocabulary, and the tokens they predict.
    pub(crate) free: (Vec<Predictor>, Vec<Token>),
    /// Predictors over allowed tokens, and the tokens they predict.
    pub(crate) constrained: (Vec<Predictor>, Vec<Token>),
    /// Columns of the result: the most scored tokens of a row, at least 1.
    pub(crate) n_columns: usize,
    /// Where the scored tokens themselves stand, sequence and position, of rows that are read whole.
    pub(crate) scored: Vec<(usize, usize)>,
}

impl Plan {
    /// Plans the scoring of `rows`; column c of a row is its c-th token that counts.
    pub(crate) fn new(rows: &[Row]) -> Self {
        let (sequences, sequence_of) = distinct_sequences(rows);
        let mut plan = Self { sequences, n_columns: 1, ..Self::default() };
        let mut known = HashMap::new();
        for (row_idx, row) in rows.iter().enumerate() {
            for (column, idx) in row.loss_positions().enumerate() {
                plan.n_columns = plan.n_columns.max(column + 1);
                let place = (sequence_of[row_idx], row.prompt().len() + idx);
                if place.1 < plan.sequences[place.0].len() {
                    plan.scored.push(place);
                }
                let predictor = Predictor {
                    sequence: place.0,
                    position: place.1 - 1,
                    allowed: row.allowed_at(idx).map(sorted),
                };
                plan.add((row_idx, column), row.completion()[idx], predictor, &mut known);
            }
        }
        plan
    }

    fn add(
        &mut self,
        cell: (usize, usize),
        token: u32,
        predictor: Predictor,
        known: &mut HashMap<Predictor, usize>,
    ) {
        let target = match &predictor.allowed {
            None => token as usize,
            Some(allowed) => allowed.binary_search(&token).expect("Row::with_allowed_tokens checks this"),
        };
        let (predictors, tokens) = match predictor.allowed {
            None => &mut self.free,
            Some(_) => &mut self.constrained,
        };
        let next = predictors.len();
        let idx = *known.entry(predictor).or_insert_with_key(|predictor| {
            predictors.push(predictor.clone());
            next
        });
        tokens.push(Token { cell, predictor: idx, target });
    }
}

fn sorted(allowed: &[u32]) -> Vec<u32> {
    let mut allowed = allowed.to_vec();
    allowed.sort_unstable();
    allowed.dedup();
    allowed
}

/// The distinct inputs of `rows` and the index of each row's; an input that begins another one shares its place.
fn distinct_sequences(rows: &[Row]) -> (Vec<Vec<u32>>, Vec<usize>) {
    let inputs: Vec<Vec<u32>> = rows.iter().map(Row::input).collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| inputs[*a].cmp(&inputs[*b]));
    let mut sequences: Vec<Vec<u32>> = Vec::new();
    let mut sequence_of = vec![0; rows.len()];
    // Backwards, because sequences that begin alike stand right behind their common beginning.
    for idx in order.into_iter().rev() {
        let input = &inputs[idx];
        if input.is_empty() {
            continue;
        }
        if !sequences.last().is_some_and(|last| last.starts_with(input)) {
            sequences.push(input.clone());
        }
        sequence_of[idx] = sequences.len() - 1;
    }
    (sequences, sequence_of)
}

#[cfg(test)]
mod tests;
