//! One game between an LLM and an opponent, and the record of it.
//!
//! Draws differ from a `reset` with the same seed: the deal is of `RandomState(seed)`, and the opponent's base seed is
//! `seed + 2 + its seat`.

use std::sync::Arc;
use std::time::Duration;

use games::rng::RandomState;
use games::{Action, Player, State};
use schema::env_api::ResetRequest;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::conversation::{ATTEMPTS, Message, refusal, user_prompt};
use super::llm::{Llm, LlmSettings};
use super::parse;
use crate::actor::Weight;
use crate::actor::opponent::{Opponent, OpponentChoice, legal_actions};
use crate::catalog::Variant;

/// Added, with the seat, to the seed of the opponent.
const OPPONENT_OFFSET: u32 = 2;

/// What a game leaves behind, however it ends.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) conversation: Vec<Message>,
    pub(super) action_history: Vec<Played>,
    /// Of the state before the last action.
    pub(super) observation: Option<String>,
    /// Token counts of the last call, as the endpoint gave them.
    pub(super) usage: Option<Value>,
    /// Searches of the opponent.
    pub(super) searches: Option<Searches>,
}

/// One action, chance's included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Played {
    player_id: i32,
    action: Action,
    action_str: String,
    is_llm: bool,
}

/// Time that an MCTS opponent took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Searches {
    pub(super) time: Duration,
    pub(super) calls: u32,
}

/// How a game ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ending {
    /// With these returns.
    Finished([f64; 2]),
    /// With a turn in which no answer named a legal action.
    Unreadable,
    /// With something else than play.
    Failed(String),
}

/// A game that is being played.
#[derive(Debug)]
pub(super) struct Match {
    variant: Arc<Variant>,
    state: Box<dyn State>,
    chance: RandomState,
    opponent: Opponent,
    weight: Weight,
    is_search: bool,
    compute: Arc<Semaphore>,
    llm_seat: usize,
}

impl Match {
    /// A game before its deal. The LLM's seat is `seed mod 2`.
    pub(super) async fn new(
        variant: &Arc<Variant>,
        request: &ResetRequest,
        seed: u64,
        compute: &Arc<Semaphore>,
    ) -> Result<Self, Ending> {
        let failed = |error: crate::Error| Ending::Failed(error.to_string());
        let seed_32 = u32::try_from(seed).map_err(|_| failed(crate::Error::SeedRange(seed)))?;
        let llm_seat = (seed % 2) as usize;
        let base = seed_32 + OPPONENT_OFFSET + (1 - llm_seat) as u32;
        let choice = OpponentChoice::from_request(request, variant);
        let (weight, is_search) = (choice.move_weight(variant), choice.is_search());
        let player = {
            let variant = Arc::clone(variant);
            // The first to ask for CFR+ computes it.
            computed(compute, move || choice.player(&variant, base)).await?
        };
        Ok(Self {
            variant: Arc::clone(variant),
            state: variant.game.new_initial_state(),
            chance: RandomState::new(seed_32),
            opponent: player.map_err(failed)?,
            weight,
            is_search,
            compute: Arc::clone(compute),
            llm_seat,
        })
    }

    /// Plays to the end. Dropped in between, it leaves what has been played in `record`.
    pub(super) async fn play(
        &mut self,
        llm: &Llm,
        settings: &LlmSettings<'_>,
        record: &mut Record,
    ) -> Ending {
        record.searches = self.is_search.then(Searches::default);
        loop {
            let chosen = match self.state.current_player() {
                Player::Terminal => return Ending::Finished(self.state.returns()),
                Player::Chance => Ok(self.draw()),
                Player::Seat(seat) => {
                    let legal = legal_actions(self.state.as_ref());
                    if legal.is_empty() {
                        return Ending::Failed(format!("player {seat} has no legal action"));
                    }
                    if seat == self.llm_seat {
                        self.ask(llm, settings, &legal, record).await
                    } else {
                        self.answer(record).await
                    }
                }
            };
            match chosen {
                Ok(action) => self.apply(action, record),
                Err(ending) => return ending,
            }
        }
    }

    fn draw(&mut self) -> Action {
        let mut outcomes = Vec::new();
        self.state.chance_outcomes(&mut outcomes);
        let drawn = self.chance.choice_weighted_by(outcomes.iter().map(|&(_, probability)| probability));
        outcomes[drawn].0
    }

    /// The LLM's move.
    async fn ask(
        &self,
        llm: &Llm,
        settings: &LlmSettings<'_>,
        legal: &[Action],
        record: &mut Record,
    ) -> Result<Action, Ending> {
        let (game, state) = (self.variant.game.as_ref(), self.state.as_ref());
        if record.conversation.is_empty() {
            record.conversation.push(Message::system(game));
        }
        let prompt = user_prompt(game, state, self.llm_seat, legal);
        record.conversation.push(Message::user(prompt));
        let named: Vec<(Action, String)> = legal
            .iter()
            .map(|&action| {
                let text = state.action_string(Player::Seat(self.llm_seat), action);
                (action, text)
            })
            .collect();
        for attempt in 1..=ATTEMPTS {
            let completion = llm
                .complete(settings, &record.conversation)
                .await
                .map_err(|error| Ending::Failed(format!("[API_ERROR] {error}")))?;
            record.usage = completion.usage.or(record.usage.take());
            let answer = parse::without_thoughts(&completion.text);
            let action = parse::action(&answer, &named);
            record.conversation.push(Message::assistant(answer));
            if let Some(action) = action {
                return Ok(action);
            }
            record.conversation.push(Message::user(refusal(attempt)));
        }
        Err(Ending::Unreadable)
    }

    /// The opponent's move.
    async fn answer(&mut self, record: &mut Record) -> Result<Action, Ending> {
        let started = Instant::now();
        let chosen = if self.weight == Weight::Light {
            self.opponent.choose(self.state.as_ref())
        } else {
            let mut opponent = std::mem::replace(&mut self.opponent, Opponent::Agent);
            let state = self.state.clone();
            let search = move || (opponent.choose(state.as_ref()), opponent);
            let (chosen, opponent) = computed(&self.compute, search).await?;
            self.opponent = opponent;
            chosen
        };
        if let Some(searches) = &mut record.searches {
            searches.time += started.elapsed();
            searches.calls += 1;
        }
        chosen.ok_or_else(|| Ending::Failed("the opponent leaves its seat to the agent".to_owned()))
    }

    /// Records an action as the original does, before it is played.
    fn apply(&mut self, action: Action, record: &mut Record) {
        let (player, state) = (self.state.current_player(), self.state.as_ref());
        record.action_history.push(Played {
            player_id: player.id(),
            action,
            action_str: state.action_string(player, action),
            is_llm: player == Player::Seat(self.llm_seat),
        });
        let seen = match player {
            Player::Seat(seat) => state.observation_string(seat),
            _ => None,
        };
        record.observation = Some(seen.unwrap_or_else(|| state.to_string()));
        self.state.apply(action);
    }
}

/// Result of `work` on a thread for computing. If dropped, the work ends unheard, still holding its permit.
async fn computed<T: Send + 'static>(
    compute: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Ending> {
    let permit = Arc::clone(compute).acquire_owned().await;
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    done.await.map_err(|error| Ending::Failed(format!("the opponent failed: {error}")))
}
