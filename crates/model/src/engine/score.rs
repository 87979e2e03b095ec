//! Exact probabilities of given continuations.

use std::collections::HashMap;
use std::rc::Rc;

use super::ScoreRequest;
use super::logits::HostLogits;
use super::sampler::log_softmax;
use super::trie::CandidateTrie;
use crate::Result;
use crate::decoder::{LanguageModel, TokenBatch};

/// Log-probability of every candidate under constrained decoding at temperature 1: the probabilities of the candidates
/// of a prompt sum to 1.
///
/// One row goes through the model for each node with a choice, and identical rows go once. Rows of similar length share
/// a batch of at most `max_tokens`, padding included.
///
/// The model must not track gradients: pass `&model.valid()`.
///
/// # Errors
/// If a prompt or its candidates are not usable; see [`ScoreRequest`].
pub fn candidate_logprobs(
    model: &LanguageModel,
    requests: &[ScoreRequest],
    max_tokens: usize,
) -> Result<Vec<Vec<f32>>> {
    let config = model.config();
    let check = |request: &ScoreRequest| request.check(config.vocab_size, config.max_position_embeddings);
    let tries: Vec<CandidateTrie> = requests.iter().map(check).collect::<Result<_>>()?;
    let choices = Choices::of(requests, &tries);
    let logits = choices.logits(model, max_tokens);
    let score = |(request, trie): (&ScoreRequest, &CandidateTrie)| -> Vec<f32> {
        request
            .candidates
            .iter()
            .map(|candidate| score_candidate(request, trie, candidate, &choices, &logits))
            .collect()
    };
    Ok(requests.iter().zip(&tries).map(score).collect())
}

/// The distinct contexts in which a choice is made, each with the tokens that any request allows there.
struct Choices {
    row_of_context: HashMap<Vec<u32>, usize>,
    contexts: Vec<Vec<u32>>,
    columns: Vec<u32>,
}

impl Choices {
    fn of(requests: &[ScoreRequest], tries: &[CandidateTrie]) -> Self {
        let mut choices = Self { row_of_context: HashMap::new(), contexts: Vec::new(), columns: Vec::new() };
        for (request, trie) in requests.iter().zip(tries) {
            for candidate in &request.candidates {
                walk(request, trie, candidate, |context, allowed, _| choices.add(context, allowed));
            }
        }
        choices.columns.sort_unstable();
        choices.columns.dedup();
        choices
    }

    fn add(&mut self, context: &[u32], allowed: &[u32]) {
        if !self.row_of_context.contains_key(context) {
            self.row_of_context.insert(context.to_vec(), self.contexts.len());
            self.contexts.push(context.to_vec());
        }
        self.columns.extend_from_slice(allowed);
        // The union is small; the list of additions is not.
        if self.columns.len() > 4096 {
            self.columns.sort_unstable();
            self.columns.dedup();
        }
    }

    /// Logits at every context, in the order of `contexts`.
    fn logits(&self, model: &LanguageModel, max_tokens: usize) -> Vec<ContextLogits> {
        let mut order: Vec<usize> = (0..self.contexts.len()).collect();
        order.sort_by_key(|&row| self.contexts[row].len());
        let mut found: Vec<Option<ContextLogits>> = vec![None; self.contexts.len()];
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            // Ascending lengths: the last row of a chunk is the widest.
            let fits = |n: usize| n * self.contexts[rest[n - 1]].len() <= max_tokens;
            let n_rows = (1..=rest.len()).take_while(|&n| n == 1 || fits(n)).count();
            let (chunk, later) = rest.split_at(n_rows);
            let rows: Vec<&[u32]> = chunk.iter().map(|&row| self.contexts[row].as_slice()).collect();
            let batch = TokenBatch::right_padded(&rows);
            let columns = Some(self.columns.clone());
            let chunk_logits = Rc::new(HostLogits::of_rows(model, model.last_hidden(&batch), columns));
            for (row_in_chunk, &row) in chunk.iter().enumerate() {
                found[row] = Some(ContextLogits { chunk_logits: chunk_logits.clone(), row: row_in_chunk });
            }
            rest = later;
        }
        found.into_iter().map(|row| row.expect("every context is in a chunk")).collect()
    }
}

/// Logits at one context: a row of what its chunk computed.
#[derive(Clone)]
struct ContextLogits {
    chunk_logits: Rc<HostLogits>,
    row: usize,
}

fn score_candidate(
    request: &ScoreRequest,
    trie: &CandidateTrie,
    candidate: &[u32],
    choices: &Choices,
    logits: &[ContextLogits],
) -> f32 {
    let mut sum = 0.0;
    walk(request, trie, candidate, |context, allowed, token| {
        let ContextLogits { chunk_logits, row } = &logits[choices.row_of_context[context]];
        let at = allowed.binary_search(&token).expect("a candidate's tokens are allowed in its own trie");
        sum += log_softmax(&chunk_logits.pick(*row, allowed), 1.0)[at];
    });
    sum
}

/// Visits the nodes with a choice on a candidate's way: context, allowed tokens, the candidate's token.
fn walk(
    request: &ScoreRequest,
    trie: &CandidateTrie,
    candidate: &[u32],
    mut visit: impl FnMut(&[u32], &[u32], u32),
) {
    let mut context = request.prompt.clone();
    let mut node = CandidateTrie::ROOT;
    for &token in candidate {
        if trie.forced(node).is_none() {
            let allowed: Vec<u32> = trie.allowed(node).collect();
            visit(&context, &allowed, token);
        }
        node = trie.step(node, token);
        context.push(token);
    }
}
