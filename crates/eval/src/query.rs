//! Asking a policy for its whole distribution instead of a draw.

use futures::future::BoxFuture;
use games::TabularPolicy;
use rollout::{Candidate, Format, PolicyError, parse_observation};

use crate::ExactGame;

/// One decision: a prompt, and the legal actions as completions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What the policy reads.
    pub prompt: Vec<u32>,
    /// What it may answer, ascending by action id.
    pub candidates: Vec<Candidate>,
}

/// A policy that can say how likely each answer is, in proportion.
pub trait ActionProbabilities: Send + Sync {
    /// For each query a weight per candidate.
    fn action_probabilities(&self, queries: Vec<Query>) -> BoxFuture<'_, Result<Vec<Vec<f64>>, PolicyError>>;
}

/// A policy could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum TabulateError {
    /// The format cannot show a state.
    #[error("an information set cannot be shown to the policy")]
    Prompt(#[from] rollout::Error),
    /// The policy does not answer.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// The policy as a table: asked at every information set of the game, with the observation that the sidecar would send.
///
/// # Errors
/// If a prompt cannot be made, or the policy fails. Cancel safe.
pub async fn tabulate(
    game: &ExactGame,
    format: &dyn Format,
    policy: &dyn ActionProbabilities,
) -> Result<TabularPolicy, TabulateError> {
    let mut queries = Vec::with_capacity(game.tree().infosets().len());
    for infoset in game.tree().infosets() {
        let text = sidecar::text::observation_body(game.game(), infoset.state.as_ref(), infoset.seat);
        let observation = parse_observation(text);
        let prompt = format.render(&[], &observation)?.tokens;
        queries.push(Query { prompt, candidates: format.candidates(&observation) });
    }
    let mut answers = policy.action_probabilities(queries).await?.into_iter();
    Ok(TabularPolicy::from_fn(game.tree(), |_| answers.next().unwrap_or_default()))
}
