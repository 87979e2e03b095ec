//! An episode in which the opponent's moves come from a recording, while its search is asked all the same.

use games::Action;
use schema::env_api::ResetRequest;
use serde::Serialize;
use serde_json::Value;

use super::opponent::{Opponent, OpponentChoice};
use super::{Episode, replies};
use crate::Error;
use crate::catalog::Catalog;

/// Any id will do: there is one episode.
const ID: &str = "recorded";

/// One episode without an [`super::Actor`] around it.
#[derive(Debug)]
pub(crate) struct RecordedEpisode {
    episode: Episode,
    is_open: bool,
}

impl RecordedEpisode {
    /// An episode of `request` in which the opponent makes `moves`.
    pub(crate) fn new(request: &ResetRequest, moves: Vec<Action>) -> Result<Self, Error> {
        let (task_id, seed) = (request.task_id.unwrap_or_default(), request.seed.unwrap_or_default());
        let catalog = Catalog::new(&Catalog::DEFAULT)?;
        let variant =
            catalog.variant(task_id).ok_or_else(|| Error::UnknownGame(format!("task_id {task_id}")))?;
        let mut episode =
            Episode::new(task_id, seed, variant, OpponentChoice::from_request(request, variant))?;
        episode.replace_opponent(|inner| Opponent::recorded(inner, moves));
        Ok(Self { episode, is_open: true })
    }

    /// Value of a method, as the server would encode it.
    pub(crate) fn call(&mut self, method: &str, kwargs: Value) -> Value {
        let action = kwargs["action"].as_str().unwrap_or_default();
        match method {
            "reset" => encode(self.episode.start(ID)),
            "step" => encode(self.episode.step(ID, action)),
            "state" => encode(self.episode.state(ID)),
            _ => encode(replies::stopped(Some(ID), std::mem::take(&mut self.is_open))),
        }
    }

    /// Short name of the game.
    pub(crate) fn game(&self) -> &'static str {
        self.episode.game_name()
    }

    /// All moves so far, chance included.
    pub(crate) fn history(&self) -> &[Action] {
        self.episode.history()
    }

    /// The opponent's moves: what it would have played, and what was recorded.
    pub(crate) fn opponent_moves(&self) -> &[(Action, Action)] {
        self.episode.opponent().recorded_moves()
    }
}

fn encode(value: impl Serialize) -> Value {
    serde_json::to_value(value).expect("wire types are maps with text keys")
}
