//! Groups: several episodes of one start, delivered whole.

use std::collections::HashMap;
use std::sync::Arc;

use schema::{OpponentKind, StopReason, Trajectory};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::episode::{Stop, unplayed};
use crate::{EnvSource, EpisodeSpec, Player, Start, play_each_other, play_episode, play_self};

/// What a group plays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupSpec {
    /// Number of the group.
    pub group: u64,
    /// The same for all its episodes.
    pub start: Start,
    /// Scored episodes that make it complete.
    pub size: u32,
    /// Episodes played beyond that, so that stragglers and failures need not be waited for. What is cut off is what
    /// takes longest, so it prefers short games: keep it small.
    pub over_sample: u32,
}

/// Every dispatched episode of one start.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What was asked.
    pub spec: GroupSpec,
    /// In the order of their rollout numbers; those that were cut off are [`StopReason::Cancelled`].
    pub trajectories: Vec<Trajectory>,
}

impl Group {
    /// The scored trajectories, at most as many as were asked for.
    pub fn members(&self) -> impl Iterator<Item = &Trajectory> {
        let scored = self.trajectories.iter().filter(|trajectory| trajectory.stop_reason.is_scored());
        scored.take(self.spec.size as usize)
    }

    /// True if it has as many scored trajectories as were asked for. One that has not is dropped whole and refilled.
    pub fn is_complete(&self) -> bool {
        self.members().count() == self.spec.size as usize
    }
}

/// Plays a group until it is complete; the rest is cut off. `cancel` cuts off everything. Against itself the policy
/// plays both seats, and each episode gives the trajectories of both; against a member of its league it plays one.
///
/// The player's judge, if it has one, then adds to their rewards. Every episode runs in its own task. Dropping the future
/// aborts them and loses their trajectories.
pub async fn play_group(
    player: &Player,
    source: &Arc<dyn EnvSource>,
    spec: GroupSpec,
    cancel: &CancellationToken,
) -> Group {
    let cut = cancel.child_token();
    let mut episodes = JoinSet::new();
    let mut specs = HashMap::new();
    let self_play = spec.start.opponent.kind == OpponentKind::SelfPlay;
    let league = player.league.as_ref().filter(|_| self_play);
    let rival = league.map(|league| league.rival(spec.group));
    let source = league.map_or(source, |league| league.source());
    let n_seats = if self_play && rival.is_none() { 2 } else { 1 };
    for rollout in 0..(spec.size + spec.over_sample).div_ceil(n_seats) {
        let episode = EpisodeSpec { group: spec.group, rollout, start: spec.start };
        let (player, source, cut) = (player.clone(), source.clone(), cut.clone());
        let rival = rival.clone();
        let task = episodes.spawn(async move {
            match rival {
                Some((rival, seat)) => {
                    let players = if seat == 0 { [&player, &rival] } else { [&rival, &player] };
                    let [first, second] = play_each_other(players, &source, episode, &cut).await;
                    vec![if seat == 0 { first } else { second }]
                }
                None if self_play => play_self(&player, &source, episode, &cut).await.to_vec(),
                None => vec![play_episode(&player, &source, episode, &cut).await],
            }
        });
        specs.insert(task.id(), episode);
    }
    let mut trajectories = Vec::with_capacity(specs.len());
    let mut n_scored = 0;
    while let Some(ended) = episodes.join_next_with_id().await {
        let played =
            ended.map_or_else(|error| vec![crashed(player, &specs, error)], |(_, trajectories)| trajectories);
        let scored = played.iter().filter(|trajectory| trajectory.stop_reason.is_scored());
        n_scored += scored.count() as u32;
        trajectories.extend(played);
        if n_scored >= spec.size {
            cut.cancel();
        }
    }
    trajectories.sort_by_key(|trajectory| trajectory.rollout);
    if let Some(judge) = &player.judge {
        trajectories = judge.judge(trajectories).await;
    }
    Group { spec, trajectories }
}

/// A policy that panicked takes its episode with it, not the group.
fn crashed(player: &Player, specs: &HashMap<Id, EpisodeSpec>, error: JoinError) -> Trajectory {
    let spec = specs[&error.id()];
    let what = match error.try_into_panic() {
        Ok(payload) => panic_text(payload.as_ref()),
        Err(error) => error.to_string(),
    };
    unplayed(
        player,
        spec,
        Stop::because(StopReason::PolicyError, format_args!("the episode crashed: {what}")),
    )
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text =
        payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref().copied());
    text.unwrap_or("no message").to_owned()
}
