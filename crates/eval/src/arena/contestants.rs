//! Who plays: scripts, search, models.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use games::mcts::{MctsBot, MctsConfig};
use games::rng::RandomState;
use rollout::{Decoding, MatchFormat, Policy, PolicyError, Prompt, Reflection, Request};
use schema::{MatchMove, Memory, MemoryEdit, Sampling};

use super::{Contestant, Forfeit, Question};

/// A teacher or a bot.
#[derive(Clone)]
pub struct ScriptedContestant(pub Arc<dyn teach::Player>);

impl Contestant for ScriptedContestant {
    fn name(&self) -> String {
        self.0.name()
    }

    fn answer<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<MatchMove, Forfeit>> {
        // 53 bits make a number below 1.
        let draw = (question.key >> 11) as f64 / (1_u64 << 53) as f64;
        let answer = self.0.answer(question.view, draw).map_err(|error| Forfeit(error.to_string()));
        std::future::ready(answer).boxed()
    }
}

/// The tournament's own opponent: MCTS from the true state, so it sees what is hidden.
#[derive(Clone, Copy, Debug)]
pub struct MctsContestant {
    /// Simulations a move.
    pub simulations: usize,
    /// Playouts of a new node.
    pub rollouts: usize,
}

/// Exploration of the evaluator's opponent.
const UCT_C: f64 = 2.0;

impl Contestant for MctsContestant {
    fn name(&self) -> String {
        format!("mcts({},{})", self.simulations, self.rollouts)
    }

    fn answer<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<MatchMove, Forfeit>> {
        let Self { simulations, rollouts } = *self;
        let (state, game) = (question.state.clone_box(), question.game.clone());
        let key = question.key;
        async move {
            let searched = tokio::task::spawn_blocking(move || {
                let config = MctsConfig {
                    uct_c: UCT_C,
                    max_simulations: simulations,
                    n_rollouts: rollouts,
                    solve: true,
                };
                let rng = |half: u64| RandomState::new((key >> (32 * half)) as u32);
                MctsBot::new(game.as_ref(), config, rng(0), rng(1)).step(state.as_ref())
            });
            searched.await.map(MatchMove::plain).map_err(|error| Forfeit(error.to_string()))
        }
        .boxed()
    }
}

/// A model, asked as the tournament asks: at temperature 0, any token allowed, one answer.
#[derive(Clone)]
pub struct ModelContestant {
    /// Name in tables.
    pub name: String,
    /// The model.
    pub policy: Arc<dyn Policy>,
    /// How it is asked.
    pub format: Arc<MatchFormat>,
    /// Longest answer in tokens; the tournament's is 512.
    pub max_new_tokens: u32,
}

/// Longest answer after a game, in tokens.
const REFLECTION_TOKENS: u32 = 384;

impl ModelContestant {
    async fn ask(&self, prompt: Prompt, max_new_tokens: u32, seed: u64) -> Result<Vec<u32>, PolicyError> {
        let request = Request {
            prompt: prompt.tokens,
            text: prompt.text,
            candidates: Vec::new(),
            decoding: Decoding::Free,
            sampling: Sampling { temperature: 0.0, max_new_tokens, ..Sampling::default() },
            stop_tokens: self.format.chat().codec().stop_tokens().to_vec(),
            seed,
        };
        Ok(self.policy.generate(request).await?.token_ids)
    }
}

impl Contestant for ModelContestant {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn answer<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<MatchMove, Forfeit>> {
        async move {
            let forfeit = |error: &dyn std::fmt::Display| Forfeit(error.to_string());
            let prompt = self.format.prompt(question.view).map_err(|error| forfeit(&error))?;
            let answer = self.ask(prompt, self.max_new_tokens, question.key).await;
            let tokens = answer.map_err(|error| forfeit(&error))?;
            self.format.parse_tokens(&tokens, &question.view.legal).map_err(|error| forfeit(&error))
        }
        .boxed()
    }

    fn reflect<'a>(&'a self, after: &'a Reflection, key: u64) -> BoxFuture<'a, Vec<MemoryEdit>> {
        async move {
            // As at the tournament, whatever fails here is nothing noted.
            let Ok(prompt) = self.format.reflection_prompt(after) else { return Vec::new() };
            let answer = self.ask(prompt, self.max_new_tokens.min(REFLECTION_TOKENS), key).await;
            answer.map(|tokens| self.format.parse_reflection(&tokens)).unwrap_or_default()
        }
        .boxed()
    }

    fn remember(&self, memory: &mut Memory, edits: &[MemoryEdit]) {
        self.format.apply(memory, edits);
    }
}
