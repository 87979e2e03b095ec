//! One episode, from its place on a sidecar to its trajectory.
//!
//! Playing never fails: whatever happens becomes the trajectory's stop reason, so that every episode that is
//! dispatched is accounted for.

mod record;
mod stop;

use std::time::Instant;

use schema::{StopReason, Trajectory, Turn, TurnFinish};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, debug_span, trace};

use self::record::Record;
pub(crate) use self::stop::Stop;
use self::stop::{Clock, Waiting};
use crate::{
    Completion, CutOff, Env, EnvSource, Observation, Player, Prompt, Request, Start, StepResult, turn_key,
};

/// Which episode of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpisodeSpec {
    /// Number of the group.
    pub group: u64,
    /// Number within the group.
    pub rollout: u32,
    /// Game, deal, opponent.
    pub start: Start,
}

/// Plays one episode. Dropping the future loses the trajectory and frees the episode; `cancel` ends it as
/// [`StopReason::Cancelled`] instead.
pub async fn play_episode(
    player: &Player,
    source: &dyn EnvSource,
    spec: EpisodeSpec,
    cancel: &CancellationToken,
) -> Trajectory {
    let record = Record::one_seat(player, spec);
    let mut played = play([player; 2], source, spec, record, cancel).await;
    played.pop().expect("one seat gives one trajectory")
}

/// Plays one episode of the policy against itself: the trajectories of seats 0 and 1, as rollouts `2·r` and `2·r + 1`.
///
/// `spec.start.opponent` should be [`schema::OpponentKind::SelfPlay`]; only our own sidecar and actor know it. Scores of
/// the two seats sum to 1, returns to 0. Dropping is as in [`play_episode`].
pub async fn play_self(
    player: &Player,
    source: &dyn EnvSource,
    spec: EpisodeSpec,
    cancel: &CancellationToken,
) -> [Trajectory; 2] {
    play_each_other([player; 2], source, spec, cancel).await
}

/// Plays one episode of two players against each other, each on the seat that is its index here; otherwise as
/// [`play_self`]. The first one's limits are the episode's.
pub async fn play_each_other(
    players: [&Player; 2],
    source: &dyn EnvSource,
    spec: EpisodeSpec,
    cancel: &CancellationToken,
) -> [Trajectory; 2] {
    let record = Record::two_seats(players, spec);
    let played = play(players, source, spec, record, cancel).await;
    played.try_into().expect("two seats give two trajectories")
}

/// The trajectory of an episode that could not even start.
pub(crate) fn unplayed(player: &Player, spec: EpisodeSpec, stop: Stop) -> Trajectory {
    Record::one_seat(player, spec).finish(Err(stop)).pop().expect("one seat gives one trajectory")
}

async fn play(
    players: [&Player; 2],
    source: &dyn EnvSource,
    spec: EpisodeSpec,
    record: Record,
    cancel: &CancellationToken,
) -> Vec<Trajectory> {
    let clock = Clock::new(&players[0].limits, cancel);
    let mut episode = Episode { players, spec, clock, record, turns: 0 };
    let span = debug_span!("episode", group = spec.group, rollout = spec.rollout);
    let outcome = episode.play(source).instrument(span).await;
    episode.record.finish(outcome)
}

/// An episode in play.
struct Episode<'a> {
    /// By the index of their trajectory.
    players: [&'a Player; 2],
    spec: EpisodeSpec,
    clock: Clock<'a>,
    record: Record,
    turns: u32,
}

impl Episode<'_> {
    /// `Ok` at the game's end.
    async fn play(&mut self, source: &dyn EnvSource) -> Result<(), Stop> {
        let mut env = self.clock.wait(Waiting::Place, source.acquire()).await??;
        self.record.located(env.location());
        let outcome = self.play_in(env.as_mut()).await;
        env.close().await;
        debug!(turns = self.turns, outcome = ?outcome.as_ref().err().map(|stop| stop.reason), "episode");
        outcome
    }

    async fn play_in(&mut self, env: &mut dyn Env) -> Result<(), Stop> {
        let limits = &self.players[0].limits;
        self.clock.start_episode();
        let mut step = self.clock.wait(Waiting::Env, env.reset(self.spec.start)).await??;
        self.record.located(env.location());
        let mut refused_in_row = 0;
        loop {
            self.record.saw(&step.observation);
            if step.done {
                self.record.ended(&step);
                return Ok(());
            }
            if refused_in_row > 0 && refused_in_row >= limits.max_invalid {
                return Err(Stop::new(StopReason::InvalidLimit));
            }
            if self.turns >= limits.max_turns {
                return Err(Stop::new(StopReason::TurnLimit));
            }
            step = self.turn(env, &step.observation).await?;
            refused_in_row = if step.refused { refused_in_row + 1 } else { 0 };
        }
    }

    /// One prompt, one completion, one step.
    async fn turn(&mut self, env: &mut dyn Env, observation: &Observation) -> Result<StepResult, Stop> {
        let seat = self.record.seat(observation);
        let player = self.players[seat];
        let started = Instant::now();
        let prompt = player.format.render(self.record.turns(seat), observation);
        let prompt = prompt.map_err(|error| Stop::because(StopReason::PolicyError, error))?;
        check_context(player, &prompt)?;
        let request = self.request(player, &prompt, observation);
        let completion = self.clock.wait(Waiting::Policy, player.policy.generate(request)).await??;
        let mut turn = new_turn(player, prompt, completion, observation);
        turn.generate_ms = started.elapsed().as_secs_f64() * 1e3;
        self.turns += 1;
        if turn.finish == TurnFinish::Length && player.format.cut_off() == CutOff::EndsEpisode {
            self.record.push(seat, turn);
            return Err(Stop::new(StopReason::TokenLimit));
        }
        let sent = Instant::now();
        let answer = self.clock.wait(Waiting::Env, env.step(&turn.action)).await;
        turn.env_ms = sent.elapsed().as_secs_f64() * 1e3;
        let answer = answer.and_then(|answer| answer.map_err(Stop::from));
        if let Ok(step) = &answer {
            turn.legal = !step.refused && (observation.so_far.is_empty() || !turn.action.is_empty());
            // The end's reward is given out by seats.
            turn.reward = if step.done { 0.0 } else { step.reward };
        }
        trace!(action = %turn.action, legal = turn.legal, "turn");
        self.record.push(seat, turn);
        answer
    }

    fn request(&self, player: &Player, prompt: &Prompt, observation: &Observation) -> Request {
        let Player { format, sampling, decoding, run, .. } = player;
        Request {
            prompt: prompt.tokens.clone(),
            text: prompt.text.clone(),
            candidates: format.candidates(observation),
            decoding: *decoding,
            sampling: *sampling,
            stop_tokens: format.codec().stop_tokens().to_vec(),
            seed: turn_key(run.seed, self.spec.group, self.spec.rollout, self.turns),
        }
    }
}

fn check_context(player: &Player, prompt: &Prompt) -> Result<(), Stop> {
    let needed = prompt.tokens.len() + player.sampling.max_new_tokens as usize;
    let room = player.limits.max_context.unwrap_or(usize::MAX);
    if needed <= room { Ok(()) } else { Err(Stop::new(StopReason::TokenLimit)) }
}

/// The turn before it is played.
fn new_turn(player: &Player, prompt: Prompt, completion: Completion, observation: &Observation) -> Turn {
    let text = player.format.codec().decode(&completion.token_ids);
    let action = player.format.action(&completion.token_ids);
    // Where there is no list of actions, a number in one is no id.
    let action_id = if observation.so_far.is_empty() { sidecar::text::first_number(&action) } else { None };
    let action_id = action_id.map(u32::from);
    let legal_ids: Vec<u32> = observation.legal.iter().map(|&(id, _)| id).collect();
    Turn {
        prompt: prompt.text,
        prompt_tokens: prompt.tokens,
        completion: text,
        completion_tokens: completion.token_ids,
        logprobs: completion.logprobs,
        loss_mask: completion.loss_mask,
        allowed_tokens: completion.allowed_tokens,
        finish: completion.finish,
        policy_version: completion.policy_version,
        legal: action_id.is_some_and(|id| legal_ids.contains(&id)),
        action,
        action_id,
        legal_ids,
        reward: 0.0,
        env_ms: 0.0,
        generate_ms: 0.0,
    }
}
