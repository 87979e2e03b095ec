//! How well a policy plays: hands against the sidecar's MCTS, and what can be computed exactly.

use std::sync::Arc;

use eval::{ExactFigures, ExactGame, tabulate};
use rollout::{Decoding, Format, GroupSpec, Player, RunInfo, Start, StreamConfig, evaluation_start, stream};
use schema::{EnvName, Opponent, Sampling, Trajectory};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{ModelPolicy, Source};

/// The opponent of every evaluation, whatever the opponent in training (interfaces.md).
const EVALUATION_OPPONENT: (u32, u32) = (25, 1);
/// Free completions: an action id and the end of the turn, with room for mistakes to be seen as such.
const MAX_NEW_TOKENS: u32 = 6;

/// Figures of the evaluation's hands.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct HandsFigures {
    /// Hands played.
    pub hands: u64,
    /// Return per hand in the game's unit; a hand that was not played to its end scores 0.
    pub mean_return: f64,
    /// Its standard error.
    pub mean_return_se: f64,
    /// Share of agent turns that the environment refused.
    pub illegal_rate: f64,
    /// The first hands, told for people.
    pub samples: Vec<String>,
}

/// Plays `hands` evaluation games at temperature 1, without any restriction on tokens.
///
/// # Errors
/// If `cancel` came first.
pub async fn play_hands(
    env: EnvName,
    policy: &ModelPolicy,
    format: &Arc<dyn Format>,
    source: &Source,
    hands: u64,
    cancel: &CancellationToken,
) -> anyhow::Result<HandsFigures> {
    let mut player = Player::new(policy.policy(), format.clone(), RunInfo::new("evaluation", 0));
    player.decoding = Decoding::Free;
    player.sampling = Sampling { max_new_tokens: MAX_NEW_TOKENS, ..Sampling::default() };
    let (simulations, rollouts) = EVALUATION_OPPONENT;
    let opponent = Opponent::mcts(simulations, rollouts);
    let specs = (0..hands).map(move |group| {
        let (task_id, seed) = evaluation_start(env, group);
        GroupSpec { group, start: Start { task_id, seed, opponent }, size: 1, over_sample: 0 }
    });
    let bounds = StreamConfig { groups_in_flight: source.capacity(), buffer: source.capacity() };
    let mut groups = stream(player, source.envs().clone(), specs, bounds, cancel);
    let mut played = Vec::with_capacity(hands as usize);
    while let Some(group) = groups.next().await {
        played.extend(group.trajectories);
    }
    anyhow::ensure!(!cancel.is_cancelled(), "the evaluation was cancelled");
    played.sort_by_key(|trajectory| trajectory.group);
    Ok(figures(env, &played))
}

fn figures(env: EnvName, played: &[Trajectory]) -> HandsFigures {
    const SAMPLES: usize = 3;
    let half = env.half_range();
    let returns: Vec<f64> = played.iter().map(|trajectory| trajectory.raw_return.unwrap_or(-half)).collect();
    let n = returns.len().max(1) as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let variance = returns.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let turns = played.iter().flat_map(|trajectory| &trajectory.turns);
    let (n_turns, refused) =
        turns.fold((0_u64, 0_u64), |(all, bad), turn| (all + 1, bad + u64::from(!turn.legal)));
    HandsFigures {
        hands: played.len() as u64,
        mean_return: mean,
        mean_return_se: (variance / n).sqrt(),
        illegal_rate: refused as f64 / n_turns.max(1) as f64,
        samples: played.iter().take(SAMPLES).map(told).collect(),
    }
}

/// A hand as people read it: what the policy saw and did, turn by turn, and how it ended.
fn told(trajectory: &Trajectory) -> String {
    let seat = trajectory.player.map_or_else(|| "?".to_owned(), |seat| seat.to_string());
    let turns = trajectory.turns.iter().map(|turn| {
        let action = if turn.legal {
            action_name(&trajectory.env, turn.action_id)
        } else {
            format!("refused: {:?}", turn.completion)
        };
        format!("sees `{}` plays {action}", turn.prompt)
    });
    let turns: Vec<String> = turns.collect();
    let end = trajectory.raw_return.map_or_else(|| "unfinished".to_owned(), |value| format!("{value:+}"));
    format!("seed {} seat {seat}: {}; {end}", trajectory.seed, turns.join("; "))
}

fn action_name(env: &str, action: Option<u32>) -> String {
    match (env, action) {
        ("leduc_poker", Some(0)) => "fold".to_owned(),
        ("leduc_poker", Some(1)) => "call".to_owned(),
        ("leduc_poker", Some(2)) => "raise".to_owned(),
        (_, Some(id)) => id.to_string(),
        (_, None) => "nothing".to_owned(),
    }
}

/// The policy as an exact table, measured. Blocks a thread for about 20 ms in leduc_poker.
///
/// # Errors
/// If the policy cannot be asked.
pub async fn measure_exactly(
    game: &ExactGame,
    policy: &ModelPolicy,
    format: &Arc<dyn Format>,
) -> anyhow::Result<ExactFigures> {
    let table = tabulate(game, format.as_ref(), &policy.odds()).await?;
    Ok(tokio::task::block_in_place(|| game.figures(&table)))
}
