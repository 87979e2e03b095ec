//! One episode of the shell environment, and its replies in the envelope of the games.
//!
//! A reset shows the question, a step what the evaluator's history would show of it: the first 350 characters of what the
//! command printed. At the end the text tells the score in the games' words, and nothing that a command could have
//! written: a client that lost a reply reads the score from it.

use intercode::prompt::shortened;
use intercode::reward::Reward;
use intercode::{Action, Episode};
use schema::EnvName;
use schema::env_api::{EnvResult, Info, InfoError};
use tokio::sync::OwnedSemaphorePermit;

use crate::actor::replies::{error, lasting};

/// In `info.opponent_type`: nobody sits on the other side.
const NO_OPPONENT: &str = "none";

/// An episode, from its reset until it is freed.
#[derive(Debug)]
pub(crate) struct ShellEpisode {
    task_id: u64,
    seed: u64,
    max_turns: usize,
    n_turns: u64,
    /// The last observation.
    shown: String,
    stage: Stage,
}

/// How far it is. The sandbox goes with the end.
#[derive(Debug)]
enum Stage {
    Playing {
        episode: Box<Episode>,
        _place: OwnedSemaphorePermit,
    },
    /// With this reward.
    Over(f64),
    /// The sandbox failed.
    Broken(String),
}

impl ShellEpisode {
    pub(super) fn new(
        task_id: u64,
        seed: u64,
        max_turns: usize,
        episode: Episode,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let shown = episode.question().to_owned();
        let stage = Stage::Playing { episode: Box::new(episode), _place: place };
        Self { task_id, seed, max_turns, n_turns: 0, shown, stage }
    }

    /// `(task_id, seed)`.
    pub(crate) fn key(&self) -> (u64, u64) {
        (self.task_id, self.seed)
    }

    /// The last observation again; right after the reset, the question.
    pub(crate) fn state(&self, id: &str) -> EnvResult {
        let error = match &self.stage {
            Stage::Broken(reason) => Some(lasting("sandbox_failed", reason)),
            Stage::Playing { .. } | Stage::Over(_) => None,
        };
        self.reply(id, 0.0, error)
    }

    /// Plays a turn: a command, `submit`, or nothing at all for a turn without a call. Blocks as long as a command runs.
    pub(crate) fn step(&mut self, id: &str, action: &str) -> EnvResult {
        let Stage::Playing { episode, .. } = &mut self.stage else {
            let over = error("episode_done", "Episode already finished. Call reset().");
            let failed = self.state(id);
            return if failed.info.error.is_some() { failed } else { self.reply(id, 0.0, Some(over)) };
        };
        let step = match episode.step(Action::from_text(action)) {
            Ok(step) => step,
            Err(error) => {
                self.stage = Stage::Broken(error.to_string());
                return self.state(id);
            }
        };
        self.n_turns += 1;
        let Some(reward) = step.reward else {
            self.shown = shortened(&step.observation).to_owned();
            return self.reply(id, 0.0, None);
        };
        self.shown = ending(self.n_turns, self.max_turns, reward);
        self.stage = Stage::Over(reward.total);
        self.reply(id, reward.total, None)
    }

    fn reply(&self, id: &str, reward: f64, error: Option<InfoError>) -> EnvResult {
        let score = if let Stage::Over(score) = self.stage { score } else { 0.0 };
        let info = Info {
            task_id: Some(self.task_id),
            seed: Some(self.seed),
            game_name: Some(EnvName::Intercode.as_str().to_owned()),
            llm_player_id: Some(0),
            opponent_type: Some(NO_OPPONENT.to_owned()),
            step_count: Some(self.n_turns),
            cumulative_reward: Some(score),
            last_opponent_action: None,
            error,
        };
        EnvResult {
            observation: self.shown.clone(),
            reward,
            done: !matches!(self.stage, Stage::Playing { .. }),
            truncated: matches!(self.stage, Stage::Broken(_)),
            episode_id: Some(id.to_owned()),
            info,
        }
    }
}

/// The last text. Its score has two decimals by nature, so that the third is always 0.
fn ending(n_turns: u64, max_turns: usize, reward: Reward) -> String {
    let Reward { total, paths, contents, output } = reward;
    format!(
        "Game Over: {}\nTurns: {n_turns} of {max_turns}\nChanged paths: {paths:.2}\nChanged contents: {contents:.2}\n\
         Output: {output:.2}\nNormalized Score: {total:.3}",
        EnvName::Intercode
    )
}
