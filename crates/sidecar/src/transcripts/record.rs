//! One recorded episode: what was asked, what was answered, which moves were made.

use games::{Action, Player};
use schema::env_api::ResetRequest;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Catalog, Error};

/// What stands for the id of the episode in the recording.
const EPISODE_ID: &str = "EPISODE_ID";

/// An episode with its replies by name: `reset`, `steps[0]`, …, `stop_again`.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) request: ResetRequest,
    pub(super) replies: Vec<(String, Value)>,
    /// All moves, chance included.
    pub(super) history: Vec<Action>,
    actions: Vec<String>,
}

/// As it stands in the file.
#[derive(Deserialize)]
struct Wire {
    request: ResetRequest,
    reset: Value,
    steps: Vec<WireStep>,
    history: Vec<Action>,
    step_after_done: Value,
    state_after_done: Value,
    stop: Value,
    stop_again: Value,
}

#[derive(Deserialize)]
struct WireStep {
    action: String,
    resp: Value,
}

impl Record {
    pub(super) fn from_json(value: Value) -> Option<Self> {
        let wire: Wire = serde_json::from_value(value).ok()?;
        let (actions, steps): (Vec<_>, Vec<_>) =
            wire.steps.into_iter().map(|step| (step.action, step.resp)).unzip();
        let last = [wire.step_after_done, wire.state_after_done, wire.stop, wire.stop_again];
        let replies: Vec<Value> =
            std::iter::once(without_rules(wire.reset)).chain(steps).chain(last).collect();
        let replies = names(actions.len()).into_iter().zip(replies).collect();
        Some(Self { request: wire.request, replies, history: wire.history, actions })
    }

    pub(super) fn is_against_mcts(&self) -> bool {
        self.request.opponent.as_deref().unwrap_or("mcts") == "mcts"
    }

    /// Asks the same again. `call` takes a method and keyword arguments and returns the method's value.
    pub(super) fn replay(
        &self,
        mut call: impl FnMut(&str, Value) -> Result<Value, Error>,
    ) -> Result<Vec<(String, Value)>, Error> {
        let reset = call("reset", json!(self.request))?;
        let id = reset["episode_id"].as_str().unwrap_or_default().to_owned();
        let episode = json!({ "episode_id": id });
        let step = |action: &str| json!({ "action": action, "episode_id": id });
        let mut replies = vec![without_rules(reset)];
        for action in &self.actions {
            replies.push(call("step", step(action))?);
        }
        replies.push(call("step", step("0"))?);
        replies.push(call("state", episode.clone())?);
        replies.push(call("stop", episode.clone())?);
        replies.push(call("stop", episode)?);
        let replies = replies.into_iter().map(|reply| without_id(reply, &id));
        Ok(names(self.actions.len()).into_iter().zip(replies).collect())
    }

    /// The opponent's part of the history.
    ///
    /// # Errors
    /// Where the history is no game by the rules.
    pub(super) fn opponent_moves(&self) -> Result<Vec<Action>, String> {
        let catalog = Catalog::new(&Catalog::DEFAULT).map_err(|error| error.to_string())?;
        let task_id = self.request.task_id.unwrap_or_default();
        let variant = catalog.variant(task_id).ok_or_else(|| format!("no game for task_id {task_id}"))?;
        let opponent = Player::Seat((1 - self.request.seed.unwrap_or_default() % 2) as usize);
        let mut state = variant.game.new_initial_state();
        let (mut moves, mut legal, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
        for (t, &action) in self.history.iter().enumerate() {
            state.legal_actions(&mut legal);
            state.chance_outcomes(&mut outcomes);
            if !legal.contains(&action) && !outcomes.iter().any(|&(outcome, _)| outcome == action) {
                return Err(format!("action {action} at {t} is not legal"));
            }
            if state.current_player() == opponent {
                moves.push(action);
            }
            state.apply(action);
        }
        if state.is_terminal() { Ok(moves) } else { Err("the history ends before the game".to_owned()) }
    }
}

fn names(n_steps: usize) -> Vec<String> {
    let steps = (0..n_steps).map(|step| format!("steps[{step}]"));
    let last = ["step_after_done", "state_after_done", "stop", "stop_again"].map(str::to_owned);
    std::iter::once("reset".to_owned()).chain(steps).chain(last).collect()
}

/// The rules are told in other words here and there.
fn without_rules(mut reset: Value) -> Value {
    if let Some(text) = reset["observation"].as_str()
        && let Some((_, body)) = text.split_once("\n\n# Current Game State\n")
        && text.starts_with("# Game Rules\n")
    {
        reset["observation"] = Value::String(format!("# Game Rules\n…\n\n# Current Game State\n{body}"));
    }
    reset
}

fn without_id(mut reply: Value, id: &str) -> Value {
    if let Some(fields) = reply.as_object_mut() {
        for (_, value) in fields.iter_mut() {
            if let Some(text) = value.as_str().filter(|text| !id.is_empty() && text.contains(id)) {
                *value = Value::String(text.replace(id, EPISODE_ID));
            }
        }
    }
    reply
}
