//! One episode: a state, two seats, and the counters that the replies show.
//!
//! gin_rummy has rare states where the seat to move has no legal action (see [`State::legal_actions`]). The original
//! leaves such an episode open for ever: every step is refused. Here it ends: `done` and `truncated` with
//! `info.error` of type `no_legal_action`, without a score.

mod at_once;

use std::sync::Arc;

use games::rng::RandomState;
use games::{Action, Player, State};
use schema::env_api::{EnvResult, Info, InfoError};

use super::opponent::{Opponent, OpponentChoice, has_legal_action, legal_actions};
use super::replies;
use crate::catalog::Variant;
use crate::{Error, text};

/// Reward of an action that cannot be played.
const INVALID_ACTION_REWARD: f64 = -0.01;
/// The deal's stream is that of `seed + 100`.
const CHANCE_OFFSET: u32 = 100;
/// Message of the error that ends an episode at a state without legal actions. The wording is ours.
const NO_LEGAL_ACTION: &str = "The seat to move has no legal action; the episode ends without a score.";

/// An episode, from its reset until it is freed.
#[derive(Debug)]
pub(super) struct Episode {
    task_id: u64,
    seed: u64,
    variant: Arc<Variant>,
    state: Box<dyn State>,
    chance: RandomState,
    opponent: Opponent,
    opponent_name: String,
    agent_seat: usize,
    step_count: u64,
    cumulative_reward: f64,
    last_opponent_action: Option<Action>,
    history: Vec<Action>,
}

/// Who made the last move before a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastMover {
    Agent,
    Opponent,
}

impl Episode {
    /// An episode before its deal. The agent's seat is `seed mod 2`.
    pub(super) fn new(
        task_id: u64,
        seed: u64,
        variant: &Arc<Variant>,
        opponent: OpponentChoice,
    ) -> Result<Self, Error> {
        let seed_32 = u32::try_from(seed).map_err(|_| Error::SeedRange(seed))?;
        Ok(Self {
            task_id,
            seed,
            variant: Arc::clone(variant),
            state: variant.game.new_initial_state(),
            chance: RandomState::new(seed_32 + CHANCE_OFFSET),
            opponent: opponent.player(variant, seed_32)?,
            opponent_name: opponent.name,
            agent_seat: (seed % 2) as usize,
            step_count: 0,
            cumulative_reward: 0.0,
            last_opponent_action: None,
            history: Vec::new(),
        })
    }

    /// Wraps the opponent before the first move.
    pub(super) fn replace_opponent(&mut self, wrap: impl FnOnce(Opponent) -> Opponent) {
        let opponent = std::mem::replace(&mut self.opponent, Opponent::Agent);
        self.opponent = wrap(opponent);
    }

    /// The other seat's player.
    pub(super) fn opponent(&self) -> &Opponent {
        &self.opponent
    }

    /// Short name of the game.
    pub(super) fn game_name(&self) -> &'static str {
        self.variant.game.name()
    }

    /// All moves so far, chance included.
    pub(super) fn history(&self) -> &[Action] {
        &self.history
    }

    /// `(task_id, seed)`.
    pub(super) fn key(&self) -> (u64, u64) {
        (self.task_id, self.seed)
    }

    /// Plays chance and the opponent until the agent has to decide or the game is over.
    fn play_until_agent(&mut self) -> LastMover {
        let mut last_mover = LastMover::Agent;
        loop {
            match self.state.current_player() {
                Player::Terminal => return last_mover,
                Player::Chance => self.draw(),
                Player::Seat(_) if self.moves_at_once() => return last_mover,
                Player::Seat(seat) if seat == self.agent_seat => return last_mover,
                Player::Seat(_) if self.is_stuck() => return last_mover,
                Player::Seat(_) => {
                    let Some(action) = self.opponent.choose(self.state.as_ref()) else {
                        return last_mover;
                    };
                    self.play(action);
                    self.last_opponent_action = Some(action);
                    last_mover = LastMover::Opponent;
                }
            }
        }
    }

    /// The reply to the reset: chance and the opponent have played.
    pub(super) fn start(&mut self, id: &str) -> EnvResult {
        self.play_until_agent();
        let observation =
            text::reset_observation(self.variant.game.as_ref(), self.state.as_ref(), self.shown_seat());
        self.reply(id, observation, 0.0, self.stuck_error())
    }

    /// The observation again.
    pub(super) fn state(&self, id: &str) -> EnvResult {
        self.reply(id, self.observation(), 0.0, self.stuck_error())
    }

    /// Plays what `action` names, if that can be played.
    pub(super) fn step(&mut self, id: &str, action: &str) -> EnvResult {
        match self.state.current_player() {
            Player::Seat(_) if self.is_stuck() => return self.state(id),
            Player::Seat(_) => {}
            _ => {
                let error = replies::error("episode_done", "Episode already finished. Call reset().");
                return self.reply(id, self.observation(), 0.0, Some(error));
            }
        }
        let position = self.agents_position();
        let position = position.as_deref().unwrap_or(self.state.as_ref());
        let legal = legal_actions(position);
        let Some(action_id) = text::first_number(action).filter(|action| legal.contains(action)) else {
            let observation = text::invalid_action(action, position, self.shown_seat());
            let error = replies::error("invalid_action", "Could not parse action ID");
            return self.reply(id, observation, INVALID_ACTION_REWARD, Some(error));
        };
        if self.moves_at_once() {
            self.play_round(action_id);
        } else {
            self.play(action_id);
        }
        let last_mover = self.play_until_agent();
        let reward = self.reward_after(last_mover);
        self.reply(id, self.observation(), reward, self.stuck_error())
    }

    /// Reward of a played action. The original adds something else to its running sum if the opponent ended the game:
    /// the plain return.
    fn reward_after(&mut self, last_mover: LastMover) -> f64 {
        if !self.state.is_terminal() {
            return 0.0;
        }
        let value = self.state.returns()[self.agent_seat];
        let score = text::normalised_score(self.variant.game.as_ref(), value);
        self.cumulative_reward += match last_mover {
            LastMover::Agent => score,
            LastMover::Opponent => value,
        };
        score
    }

    fn draw(&mut self) {
        let mut outcomes = Vec::new();
        self.state.chance_outcomes(&mut outcomes);
        let drawn = self.chance.choice_weighted_by(outcomes.iter().map(|&(_, probability)| probability));
        self.apply(outcomes[drawn].0);
    }

    fn play(&mut self, action: Action) {
        self.apply(action);
        self.step_count += 1;
    }

    fn apply(&mut self, action: Action) {
        self.state.apply(action);
        self.history.push(action);
    }

    /// A seat is to move and cannot.
    fn is_stuck(&self) -> bool {
        matches!(self.state.current_player(), Player::Seat(_)) && !has_legal_action(self.state.as_ref())
    }

    fn stuck_error(&self) -> Option<InfoError> {
        self.is_stuck()
            .then(|| InfoError { retryable: false, ..replies::error("no_legal_action", NO_LEGAL_ACTION) })
    }

    /// The agent's seat; in self-play the seat to move, until the end.
    fn shown_seat(&self) -> usize {
        match (&self.opponent, self.state.current_player()) {
            (Opponent::Agent, Player::Seat(seat)) => seat,
            _ => self.agent_seat,
        }
    }

    fn observation(&self) -> String {
        text::observation_body(self.variant.game.as_ref(), self.state.as_ref(), self.shown_seat())
    }

    fn reply(&self, id: &str, observation: String, reward: f64, error: Option<InfoError>) -> EnvResult {
        let info = Info {
            task_id: Some(self.task_id),
            seed: Some(self.seed),
            game_name: Some(self.variant.game.name().to_owned()),
            llm_player_id: Some(self.shown_seat() as u8),
            opponent_type: Some(self.opponent_name.clone()),
            step_count: Some(self.step_count),
            cumulative_reward: Some(self.cumulative_reward),
            last_opponent_action: self.last_opponent_action.map(u32::from),
            error,
        };
        let is_stuck = self.is_stuck();
        EnvResult {
            observation,
            reward,
            done: is_stuck || self.state.is_terminal(),
            truncated: is_stuck,
            episode_id: Some(id.to_owned()),
            info,
        }
    }
}

#[cfg(test)]
mod tests;
