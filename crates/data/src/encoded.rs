//! A tokenised sequence with what of it is learnt: what rows become, and what a trainer takes.

#[cfg(test)]
mod tests;

use std::ops::Range;

/// Token ids, and for each whether the loss counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    token_ids: Vec<u32>,
    loss_mask: Vec<bool>,
}

impl Encoded {
    /// A sequence whose tokens count where `loss_mask` is true.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn new(token_ids: Vec<u32>, loss_mask: Vec<bool>) -> Self {
        assert_eq!(loss_mask.len(), token_ids.len(), "`loss_mask` must be as long as `token_ids`");
        Self { token_ids, loss_mask }
    }

    /// A prompt that does not count and a completion that does.
    pub fn of_completion(prompt: Vec<u32>, completion: &[u32]) -> Self {
        let mut loss_mask = vec![false; prompt.len()];
        loss_mask.resize(prompt.len() + completion.len(), true);
        let mut token_ids = prompt;
        token_ids.extend_from_slice(completion);
        Self { token_ids, loss_mask }
    }

    /// The first `max_tokens` tokens.
    #[must_use]
    pub fn truncated(mut self, max_tokens: usize) -> Self {
        self.token_ids.truncate(max_tokens);
        self.loss_mask.truncate(max_tokens);
        self
    }

    /// All tokens.
    pub fn token_ids(&self) -> &[u32] {
        &self.token_ids
    }

    /// True where a token is learnt.
    pub fn loss_mask(&self) -> &[bool] {
        &self.loss_mask
    }

    /// Number of tokens.
    pub fn n_tokens(&self) -> usize {
        self.token_ids.len()
    }

    /// Number of tokens that are learnt.
    pub fn n_loss_tokens(&self) -> usize {
        self.loss_mask.iter().filter(|counts| **counts).count()
    }

    /// The runs of learnt tokens, in order.
    pub fn loss_spans(&self) -> Vec<Range<usize>> {
        let mut spans: Vec<Range<usize>> = Vec::new();
        for (idx, _) in self.loss_mask.iter().enumerate().filter(|(_, counts)| **counts) {
            match spans.last_mut() {
                Some(span) if span.end == idx => span.end = idx + 1,
                _ => spans.push(idx..idx + 1),
            }
        }
        spans
    }
}
