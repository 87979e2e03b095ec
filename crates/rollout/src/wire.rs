//! Between the sidecar's wire types and what an episode sees; the same over HTTP and in-process.

use envclient::terminal_return;
use schema::env_api::{EnvResult, InfoError, ResetRequest};
use schema::{EnvName, OpponentKind};

use crate::observation::parse_observation;
use crate::{EnvError, Observation, Start, StepResult};

/// The reset that `start` asks for.
pub(crate) fn reset_request(start: Start) -> ResetRequest {
    let opponent = match start.opponent.kind {
        OpponentKind::Random => "random",
        OpponentKind::Mcts => "mcts",
        OpponentKind::Cfr => "cfr",
        OpponentKind::SelfPlay => "self",
    };
    ResetRequest {
        task_id: Some(start.task_id),
        seed: Some(start.seed),
        opponent: Some(opponent.to_owned()),
        mcts_max_simulations: start.opponent.simulations,
        mcts_num_rollouts: start.opponent.rollouts,
    }
}

/// Reads the answers of one episode in order.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// The last state: what a refusal leaves as it was, although it lists only the first ten actions.
    state: Observation,
}

impl Reader {
    /// What an answer says to the agent.
    ///
    /// # Errors
    /// [`EnvError::Failed`] if the episode cannot go on (unknown game, unknown or finished episode).
    pub(crate) fn read(&mut self, result: EnvResult) -> Result<StepResult, EnvError> {
        if result.info.game_name.as_deref() == Some(EnvName::Intercode.as_str()) {
            return self.read_shell(result);
        }
        let kind = result.info.error.as_ref().map(|error| error.kind.as_str());
        let refused = kind == Some("invalid_action") || result.observation.starts_with("Invalid action");
        if let Some(error) = result.info.error.as_ref().filter(|_| !refused) {
            return Err(failed(error));
        }
        if refused {
            self.state.refusal = Some(result.observation);
        } else {
            self.state = parse_observation(result.observation);
            if self.state.game.is_empty() {
                self.state.game = result.info.game_name.unwrap_or_default();
            }
            self.state.player = result.info.llm_player_id.or(self.state.player);
        }
        let raw_return = if result.done { terminal_return(&self.state.text) } else { None };
        let observation = self.state.clone();
        Ok(StepResult { observation, reward: result.reward, done: result.done, refused, raw_return })
    }

    /// An answer of the shell environment. What a command printed is no text of ours: nothing is read in it.
    fn read_shell(&mut self, result: EnvResult) -> Result<StepResult, EnvError> {
        if let Some(error) = &result.info.error {
            return Err(failed(error));
        }
        self.state.so_far.push(result.observation.clone());
        self.state.game = EnvName::Intercode.as_str().to_owned();
        self.state.text = result.observation;
        self.state.player = result.info.llm_player_id;
        let (observation, reward, done) = (self.state.clone(), result.reward, result.done);
        Ok(StepResult { observation, reward, done, refused: false, raw_return: None })
    }
}

fn failed(error: &InfoError) -> EnvError {
    EnvError::Failed(format!("{}: {}", error.kind, error.message))
}

#[cfg(test)]
mod tests;
