//! One sequence to learn from, as plain data: a prompt and its completion.

#[cfg(test)]
mod tests;

use data::Encoded;

/// A prompt with the completion that is learnt, or learnt from.
///
/// Per-token lists run over the completion. Only tokens whose `loss_mask` is 1 are scored.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    prompt: Vec<u32>,
    completion: Vec<u32>,
    loss_mask: Vec<u8>,
    old_logprobs: Vec<f32>,
    ref_logprobs: Option<Vec<f32>>,
    sampler_logprobs: Option<Vec<f32>>,
    allowed_tokens: Vec<Vec<u32>>,
    advantage: f32,
    reads_all: bool,
}

impl Row {
    /// A row whose completion tokens all count, with advantage 0 and without log-probs.
    ///
    /// # Panics
    /// If the prompt is empty: nothing predicts a first token.
    pub fn new(prompt: Vec<u32>, completion: Vec<u32>) -> Self {
        assert!(!prompt.is_empty(), "a row needs a prompt token that predicts its first completion token");
        let n = completion.len();
        Self {
            prompt,
            completion,
            loss_mask: vec![1; n],
            old_logprobs: vec![0.0; n],
            ref_logprobs: None,
            sampler_logprobs: None,
            allowed_tokens: Vec::new(),
            advantage: 0.0,
            reads_all: false,
        }
    }

    /// Lets the model read every token, also those that nothing is predicted from: for what is said *after* the last one.
    pub fn with_whole_input(mut self) -> Self {
        self.reads_all = true;
        self
    }

    /// Sets which completion tokens count.
    ///
    /// # Panics
    /// If the length is not the completion's.
    pub fn with_loss_mask(mut self, loss_mask: Vec<u8>) -> Self {
        self.check_len("loss_mask", loss_mask.len());
        self.loss_mask = loss_mask;
        self
    }

    /// Sets the log-probs under the policy that drew the completion.
    ///
    /// # Panics
    /// If the length is not the completion's.
    pub fn with_old_logprobs(mut self, old_logprobs: Vec<f32>) -> Self {
        self.check_len("old_logprobs", old_logprobs.len());
        self.old_logprobs = old_logprobs;
        self
    }

    /// Sets the log-probs under the reference policy.
    ///
    /// # Panics
    /// If the length is not the completion's.
    pub fn with_ref_logprobs(mut self, ref_logprobs: Vec<f32>) -> Self {
        self.check_len("ref_logprobs", ref_logprobs.len());
        self.ref_logprobs = Some(ref_logprobs);
        self
    }

    /// Sets the log-probs that the sampler itself reported, where `old_logprobs` are the trainer's own.
    ///
    /// # Panics
    /// If the length is not the completion's.
    pub fn with_sampler_logprobs(mut self, sampler_logprobs: Vec<f32>) -> Self {
        self.check_len("sampler_logprobs", sampler_logprobs.len());
        self.sampler_logprobs = Some(sampler_logprobs);
        self
    }

    /// Sets the tokens that the sampler could draw, one list per completion token; an empty outer list, or an empty
    /// list for a token, means all of them.
    ///
    /// # Panics
    /// If the length is neither 0 nor the completion's, or a token that counts is not among its allowed ones.
    pub fn with_allowed_tokens(mut self, allowed_tokens: Vec<Vec<u32>>) -> Self {
        if !allowed_tokens.is_empty() {
            self.check_len("allowed_tokens", allowed_tokens.len());
            for (idx, allowed) in allowed_tokens.iter().enumerate() {
                let token = self.completion[idx];
                assert!(
                    self.loss_mask[idx] == 0 || allowed.is_empty() || allowed.contains(&token),
                    "token {token} at {idx} is not one of the allowed {allowed:?}"
                );
            }
        }
        self.allowed_tokens = allowed_tokens;
        self
    }

    /// Lets every token count that had a restriction, forced ones included.
    ///
    /// A forced token's log-prob is 0 whatever the weights, so it adds nothing to a policy gradient. It matters where the
    /// mass of the allowed tokens is an objective of its own: without it nothing would keep a completion's end in place.
    pub fn with_forced_tokens(mut self) -> Self {
        for (mask, allowed) in self.loss_mask.iter_mut().zip(&self.allowed_tokens) {
            if !allowed.is_empty() {
                *mask = 1;
            }
        }
        self
    }

    /// Sets the advantage of every token of the row.
    pub fn with_advantage(mut self, advantage: f32) -> Self {
        self.advantage = advantage;
        self
    }

    /// The prompt.
    pub fn prompt(&self) -> &[u32] {
        &self.prompt
    }

    /// The completion.
    pub fn completion(&self) -> &[u32] {
        &self.completion
    }

    /// 1 where a completion token counts.
    pub fn loss_mask(&self) -> &[u8] {
        &self.loss_mask
    }

    /// Log-probs under the policy that drew the completion.
    pub fn old_logprobs(&self) -> &[f32] {
        &self.old_logprobs
    }

    /// Log-probs of the reference, if known.
    pub fn ref_logprobs(&self) -> Option<&[f32]> {
        self.ref_logprobs.as_deref()
    }

    /// Log-probs that the sampler reported, where they differ from the old ones.
    pub fn sampler_logprobs(&self) -> Option<&[f32]> {
        self.sampler_logprobs.as_deref()
    }

    /// Advantage of the row.
    pub fn advantage(&self) -> f32 {
        self.advantage
    }

    /// Tokens that the sampler could draw at `idx`; `None` if all.
    pub fn allowed_at(&self, idx: usize) -> Option<&[u32]> {
        self.allowed_tokens.get(idx).map(Vec::as_slice).filter(|allowed| !allowed.is_empty())
    }

    /// Indices of the completion tokens that count.
    pub fn loss_positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.loss_mask.iter().enumerate().filter(|(_, mask)| **mask != 0).map(|(idx, _)| idx)
    }

    /// Number of completion tokens that count.
    pub fn n_loss_tokens(&self) -> usize {
        self.loss_positions().count()
    }

    /// Prompt and completion tokens.
    pub fn n_tokens(&self) -> usize {
        self.prompt.len() + self.completion.len()
    }

    /// What the model must read to predict every token that counts; empty if none does.
    pub(crate) fn input(&self) -> Vec<u32> {
        match self.loss_positions().last() {
            Some(_) if self.reads_all => self.prompt.iter().chain(&self.completion).copied().collect(),
            Some(last) => self.prompt.iter().chain(&self.completion[..last]).copied().collect(),
            None => Vec::new(),
        }
    }

    fn check_len(&self, what: &str, got: usize) {
        assert_eq!(got, self.completion.len(), "`{what}` must be as long as the completion");
    }
}

impl From<&Encoded> for Row {
    /// The row of a tokenised sequence: its prompt ends before the first token that is learnt.
    ///
    /// The very first token has nothing that predicts it and belongs to the prompt even if it is marked as learnt; so does
    /// the label at position 0 count for nothing in transformers.
    ///
    /// # Panics
    /// If the sequence is empty.
    fn from(encoded: &Encoded) -> Self {
        let first = encoded.loss_mask().iter().position(|counts| *counts).unwrap_or(encoded.n_tokens());
        let (prompt, completion) = encoded.token_ids().split_at(first.clamp(1, encoded.n_tokens().max(1)));
        let loss_mask = encoded.loss_mask()[prompt.len()..].iter().map(|counts| u8::from(*counts)).collect();
        Self::new(prompt.to_vec(), completion.to_vec()).with_loss_mask(loss_mask)
    }
}
