//! How long a row may be before the evaluator drops it.

#[cfg(test)]
mod tests;

/// The evaluator's `sequence_len`.
const SEQUENCE_LEN: usize = 4096;

/// The longest row, and how far that may be raised if no row is short enough.
///
/// # Source
/// Contract §3.1: 4096, or half of the model's positions (rounded up) if those are fewer than 8192; doubled until some
/// row fits, at most up to the positions of the model and the `model_max_length` of its tokenizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceLimit {
    first: usize,
    cap: usize,
}

impl SequenceLimit {
    /// The limit for a model with so many positions and a tokenizer with such a `model_max_length`, where they name any.
    pub fn of_model(max_positions: Option<usize>, model_max_length: Option<usize>) -> Self {
        let first = match max_positions {
            Some(positions) if positions < 2 * SEQUENCE_LEN => positions.div_ceil(2).max(1),
            _ => SEQUENCE_LEN,
        };
        let cap = [max_positions, model_max_length].into_iter().flatten().min().unwrap_or(first);
        Self { first, cap }
    }

    /// One limit, never raised.
    pub fn fixed(n_tokens: usize) -> Self {
        Self { first: n_tokens, cap: n_tokens }
    }

    /// The limits to try, in order.
    pub fn candidates(self) -> impl Iterator<Item = usize> {
        let cap = self.cap;
        std::iter::successors(Some(self.first), move |current| {
            (*current < cap).then(|| current.saturating_mul(2).min(cap))
        })
    }
}
