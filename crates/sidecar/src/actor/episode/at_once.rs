//! Rounds in which both seats move at once: the agent's step carries the opponent's move with it.
//!
//! The rules ask seat 0 first (see [`games::Game::is_simultaneous`]). An agent in seat 1 is asked before the opponent
//! has drawn, so that a step that is refused draws nothing.

use games::{Action, State};

use super::{Episode, Opponent};
use crate::actor::opponent::legal_actions;

impl Episode {
    /// True if a step is a round. In self-play the agent moves for one seat after the other instead.
    pub(super) fn moves_at_once(&self) -> bool {
        self.variant.game.is_simultaneous() && !matches!(self.opponent, Opponent::Agent)
    }

    /// A position in which the agent is to move and has the choices that it has now, if that is not the present one.
    pub(super) fn agents_position(&self) -> Option<Box<dyn State>> {
        if !self.moves_at_once() || self.agent_seat == 0 {
            return None;
        }
        // Whatever the opponent bids changes nothing for the agent.
        let mut position = self.state.clone();
        position.apply(*legal_actions(self.state.as_ref()).first()?);
        Some(position)
    }

    /// Plays the agent's move and one of the opponent's. Counts as one step.
    pub(super) fn play_round(&mut self, agents: Action) {
        for seat in 0..2 {
            let action = if seat == self.agent_seat {
                agents
            } else {
                let chosen = self.opponent.choose(self.state.as_ref());
                self.last_opponent_action = chosen;
                chosen.expect("an opponent that is not the agent has a move")
            };
            self.apply(action);
        }
        self.step_count += 1;
    }
}
