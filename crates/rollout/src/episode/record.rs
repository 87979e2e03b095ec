//! Trajectories in the making: one for the agent's seat, or one for each seat in self-play.

use std::time::Instant;

use schema::{EnvName, StopReason, TRAJECTORY_SCHEMA, Trajectory, Turn};

use super::{EpisodeSpec, Stop};
use crate::{Observation, Player, StepResult};

/// Part of the reward that the game's end gives.
const ENV: &str = "env";
/// Part of the reward that refused actions cost.
const ILLEGAL: &str = "illegal";

/// See the module.
pub(super) struct Record {
    seats: Vec<Trajectory>,
    started: Instant,
}

impl Record {
    pub(super) fn one_seat(player: &Player, spec: EpisodeSpec) -> Self {
        Self::new(player, vec![empty(player, spec)])
    }

    pub(super) fn two_seats(players: [&Player; 2], spec: EpisodeSpec) -> Self {
        let seat = |seat: u8| {
            let spec = EpisodeSpec { rollout: 2 * spec.rollout + u32::from(seat), ..spec };
            Trajectory { player: Some(seat), ..empty(players[usize::from(seat)], spec) }
        };
        Self::new(players[0], vec![seat(0), seat(1)])
    }

    fn new(player: &Player, mut seats: Vec<Trajectory>) -> Self {
        let started = Instant::now();
        let started_ms = started.saturating_duration_since(player.run.started).as_millis() as u64;
        seats.iter_mut().for_each(|seat| seat.started_ms = started_ms);
        Self { seats, started }
    }

    /// Index of the trajectory whose turn it is.
    pub(super) fn seat(&self, observation: &Observation) -> usize {
        let mover = observation.player.map_or(0, usize::from);
        mover.min(self.seats.len() - 1)
    }

    /// Turns of a seat so far.
    pub(super) fn turns(&self, seat: usize) -> &[Turn] {
        &self.seats[seat].turns
    }

    pub(super) fn located(&mut self, sidecar: String) {
        self.seats.iter_mut().for_each(|seat| seat.sidecar.clone_from(&sidecar));
    }

    /// Learns the game's name and the agent's seat.
    pub(super) fn saw(&mut self, observation: &Observation) {
        let is_alone = self.seats.len() == 1;
        for seat in &mut self.seats {
            if !observation.game.is_empty() && seat.env != observation.game {
                seat.env.clone_from(&observation.game);
            }
            if is_alone {
                seat.player = observation.player.or(seat.player);
            }
        }
    }

    /// Adds a turn with its own reward.
    pub(super) fn push(&mut self, seat: usize, turn: Turn) {
        let trajectory = &mut self.seats[seat];
        let [oldest, newest] = &mut trajectory.policy_versions;
        let version = turn.policy_version;
        *oldest = if trajectory.turns.is_empty() { version } else { version.min(*oldest) };
        *newest = version.max(*newest);
        if turn.reward != 0.0 {
            let part = if turn.legal { ENV } else { ILLEGAL };
            *trajectory.rewards.entry(part.to_owned()).or_default() += turn.reward;
        }
        trajectory.turns.push(turn);
    }

    /// Gives the end's score to the last turn of whoever it belongs to: the seat that the result's text addresses, and
    /// in self-play the rest of 1 to the other one.
    pub(super) fn ended(&mut self, step: &StepResult) {
        let owner = self.seat(&step.observation);
        let n_seats = self.seats.len();
        for (index, seat) in self.seats.iter_mut().enumerate() {
            let is_owner = index == owner || n_seats == 1;
            let score = if is_owner { step.reward } else { 1.0 - step.reward };
            seat.raw_return = step.raw_return.map(|raw| if is_owner { raw } else { -raw });
            *seat.rewards.entry(ENV.to_owned()).or_default() += score;
            if let Some(last) = seat.turns.last_mut() {
                last.reward += score;
            }
        }
    }

    pub(super) fn finish(mut self, outcome: Result<(), Stop>) -> Vec<Trajectory> {
        let elapsed_ms = self.started.elapsed().as_millis() as u64;
        let (stop_reason, error) = match outcome {
            Ok(()) => (StopReason::Done, String::new()),
            Err(Stop { reason, error }) => (reason, error),
        };
        for seat in &mut self.seats {
            seat.elapsed_ms = elapsed_ms;
            seat.stop_reason = stop_reason;
            seat.truncated = stop_reason != StopReason::Done;
            seat.reward = seat.rewards.values().fold(0.0, |sum, part| sum + part);
            seat.error.clone_from(&error);
        }
        self.seats
    }
}

/// An episode before its first turn.
fn empty(player: &Player, spec: EpisodeSpec) -> Trajectory {
    let EpisodeSpec { group, rollout, start } = spec;
    let run = player.run.name.clone();
    Trajectory {
        schema: TRAJECTORY_SCHEMA.to_owned(),
        id: format!("{run}-g{group}-{rollout}"),
        run,
        group,
        rollout,
        env: env_name(start.task_id),
        sidecar: String::new(),
        task_id: start.task_id,
        seed: start.seed,
        player: None,
        opponent: start.opponent,
        policy: player.policy.name(),
        format: player.format.name().to_owned(),
        tokenizer: player.format.codec().id(),
        sampling: player.sampling,
        turns: Vec::new(),
        reward: 0.0,
        raw_return: None,
        rewards: std::collections::BTreeMap::new(),
        stop_reason: StopReason::Cancelled,
        truncated: true,
        policy_versions: [0, 0],
        started_ms: 0,
        elapsed_ms: 0,
        scores: Vec::new(),
        extra: serde_json::Map::new(),
        error: String::new(),
    }
}

/// What the task id says; the environment's own word replaces it.
fn env_name(task_id: u64) -> String {
    let selected = |name: &EnvName| name.task_ids().is_some_and(|ids| ids.contains(&task_id));
    EnvName::ALL.into_iter().find(selected).map(|name| name.to_string()).unwrap_or_default()
}
