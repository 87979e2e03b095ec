//! `evaluate`: the server plays a whole game by asking an OpenAI-compatible LLM for every move of one seat.
//!
//! What goes wrong in a game is data, as in the original: the result then has a score of 0 and an `error`. A turn that
//! stays unreadable after three attempts has a score of 0 and no `error`. Deviations from the original:
//!
//! 1. An unknown opponent is refused as a request; so is a missing `model` or `base_url`.
//! 2. A state without legal actions ends the game with an `error` (the original's bots raise).
//! 3. The number of games at once is bounded; waiting for a place counts against the timeout.
//! 4. The prose of the prompts is ours; their layout is the original's.
//!
//! # Source
//! affinetes' OpenSpiel actor, `evaluate` in `env.py` and `llm_bot.py`.

mod conversation;
mod game;
mod llm;
mod parse;
mod report;
mod shell;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use schema::env_api::ResetRequest;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::debug;

use self::game::{Ending, Match, Record};
pub(crate) use self::llm::Patience;
use self::llm::{Llm, LlmSettings};
pub(crate) use self::report::Evaluation;
use self::report::Facts;
pub(crate) use self::shell::{ShellEvaluator, ShellRequest};
use crate::actor::Actor;
use crate::actor::opponent::OpponentChoice;
use crate::catalog::Variant;
use crate::{Error, text};

/// Longest game that may be asked for.
const MAX_TIMEOUT_S: f64 = 86_400.0;
/// A timeout's part that is kept for the reply, if it is longer than ten times this.
const REPLY_MARGIN_S: f64 = 20.0;

/// Arguments of `evaluate`. The original's defaults for `model` and `base_url` name its authors' service: here both
/// have to be given.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct EvaluateRequest {
    #[serde(flatten)]
    pub(crate) start: ResetRequest,
    pub(crate) model: String,
    pub(crate) base_url: String,
    #[serde(default = "default_timeout")]
    pub(crate) timeout: f64,
    #[serde(default)]
    pub(crate) temperature: Option<f64>,
    #[serde(default)]
    pub(crate) api_key: Option<ApiKey>,
}

/// The original's.
fn default_timeout() -> f64 {
    1800.0
}

/// A secret that does not show in logs.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct ApiKey(pub(crate) String);

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

/// Plays games for callers of `evaluate`.
#[derive(Debug)]
pub(crate) struct Evaluator {
    actor: Arc<Actor>,
    /// Searches at once, shared with the other methods.
    compute: Arc<Semaphore>,
    places: Semaphore,
    llm: Llm,
}

impl Evaluator {
    /// Plays at most `max_games` at once.
    pub(crate) fn new(
        actor: Arc<Actor>,
        compute: Arc<Semaphore>,
        max_games: usize,
        patience: Patience,
    ) -> Self {
        Self { actor, compute, places: Semaphore::new(max_games.max(1)), llm: Llm::new(patience) }
    }

    /// Result of one game. Cancel safe: dropping it loses the game and nothing else.
    ///
    /// # Errors
    /// What is wrong with the request: its seed, its opponent, its timeout.
    pub(crate) async fn evaluate(&self, request: EvaluateRequest) -> Result<Evaluation, Error> {
        let started = Instant::now();
        let limit = inner_timeout(request.timeout)?;
        let (task_id, seed) = self.actor.resolve(&request.start)?;
        let opponent = request.start.opponent.clone().unwrap_or_else(|| "mcts".to_owned());
        if !OpponentChoice::EVALUATED.contains(&opponent.as_str()) {
            return Err(Error::UnknownOpponent(opponent));
        }
        let variant = self.actor.catalog().variant(task_id);
        let facts = Facts {
            game: variant.map_or("unknown", |variant| variant.game.name()),
            task_id,
            seed,
            opponent,
            seat: (seed % 2) as usize,
        };
        let Some(variant) = variant else {
            let ending = Ending::Failed(format!("task_id {task_id} selects no game of this sidecar"));
            return Ok(Evaluation::new(facts, Record::default(), ending, |_| 0.0, started.elapsed()));
        };
        let mut record = Record::default();
        let playing = self.play(variant, &request, seed, &mut record);
        let ending = tokio::time::timeout(limit, playing).await.unwrap_or_else(|_| {
            let elapsed = started.elapsed().as_secs_f64();
            let limit = request.timeout;
            Ending::Failed(format!("Game incomplete: timeout after {elapsed:.1}s (limit: {limit}s)"))
        });
        debug!(game = facts.game, seed, ?ending, "evaluated");
        let score_of = |value| text::normalised_score(variant.game.as_ref(), value);
        Ok(Evaluation::new(facts, record, ending, score_of, started.elapsed()))
    }

    /// Waits for a place, then plays.
    async fn play(
        &self,
        variant: &Arc<Variant>,
        request: &EvaluateRequest,
        seed: u64,
        record: &mut Record,
    ) -> Ending {
        let Ok(_place) = self.places.acquire().await else {
            return Ending::Failed("the sidecar is stopping".to_owned());
        };
        match Match::new(variant, &request.start, seed, &self.compute).await {
            Ok(mut game) => game.play(&self.llm, &settings(request, seed), record).await,
            Err(ending) => ending,
        }
    }
}

/// Time for the game itself: the rest is for the reply.
fn inner_timeout(timeout_s: f64) -> Result<Duration, Error> {
    let inner = (timeout_s - REPLY_MARGIN_S).max(0.9 * timeout_s);
    if !(0.0..=MAX_TIMEOUT_S).contains(&timeout_s) {
        return Err(Error::Timeout(timeout_s));
    }
    Ok(Duration::from_secs_f64(inner))
}

fn settings(request: &EvaluateRequest, seed: u64) -> LlmSettings<'_> {
    LlmSettings {
        base_url: &request.base_url,
        api_key: request.api_key.as_ref(),
        model: &request.model,
        temperature: request.temperature,
        seed,
    }
}

#[cfg(test)]
pub(crate) mod stub;
#[cfg(test)]
mod tests;
