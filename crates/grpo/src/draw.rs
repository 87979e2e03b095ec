//! Drawing the groups of a step: incomplete, stale and uninformative ones are dropped whole and refilled.

use std::sync::Arc;
use std::time::Instant;

use rollout::{EnvSource, Group, GroupSpec, GroupStream, Player, StreamConfig, stream};
use tokio_util::sync::CancellationToken;

use crate::rows::group_is_zero_signal;

/// Who plays what, and where.
pub struct Rollouts {
    /// The player.
    pub player: Player,
    /// The environments.
    pub source: Arc<dyn EnvSource>,
    /// What is played, in order; should not end before the run does.
    pub specs: Box<dyn Iterator<Item = GroupSpec> + Send>,
    /// Bounds of concurrent play.
    pub stream: StreamConfig,
}

/// What becomes of groups whose members all got the same reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeroSignal {
    /// They are trained on like others (a running-mean baseline learns from them).
    Keep,
    /// They are replaced by further groups, as long as a step does not draw more than this many times its groups.
    /// After that they fill the step: an entropy bonus still acts on them.
    Refill {
        /// Bound of the draws, in steps' worth of groups.
        at_most: usize,
    },
}

/// What a step is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrawConfig {
    /// Groups of one optimizer step.
    pub groups_per_step: usize,
    /// Policy versions that a group may lag behind. 0 plays and trains in turns.
    pub max_staleness: u64,
    /// Groups without spread.
    pub zero_signal: ZeroSignal,
}

/// Counts of drawn groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// All of them.
    pub groups: u64,
    /// Their episodes, scored or not.
    pub episodes: u64,
    /// Without spread, trained on or not.
    pub zero_signal: u64,
    /// Dropped because too few episodes were scored.
    pub incomplete: u64,
    /// Dropped because the weights have moved on.
    pub stale: u64,
}

impl Drawn {
    /// Adds another step's counts.
    pub fn add(&mut self, other: &Self) {
        self.groups += other.groups;
        self.episodes += other.episodes;
        self.zero_signal += other.zero_signal;
        self.incomplete += other.incomplete;
        self.stale += other.stale;
    }

    /// Share of the groups that were without spread.
    pub fn zero_signal_share(&self) -> f64 {
        self.zero_signal as f64 / self.groups.max(1) as f64
    }
}

/// A step may draw so many times its groups before it goes on with fewer.
const MAX_DRAWS: usize = 4;

/// Draws groups from play.
pub(crate) struct Drawer {
    player: Player,
    source: Arc<dyn EnvSource>,
    stream: StreamConfig,
    config: DrawConfig,
    cancel: CancellationToken,
    play: Play,
}

enum Play {
    /// One stream for the whole run; it plays on while a step is trained.
    Ahead(GroupStream),
    /// A stream per draw, so that nothing is in play while the weights change.
    InTurns(Box<dyn Iterator<Item = GroupSpec> + Send>),
}

impl Drawer {
    pub(crate) fn new(rollouts: Rollouts, config: DrawConfig, cancel: CancellationToken) -> Self {
        let Rollouts { player, source, specs, stream: bounds } = rollouts;
        let play = if config.max_staleness == 0 {
            Play::InTurns(specs)
        } else {
            Play::Ahead(stream(player.clone(), source.clone(), specs, bounds, &cancel))
        };
        Self { player, source, stream: bounds, config, cancel, play }
    }

    /// The groups of a step that trains weights of `version`. Fewer than asked for, or none, if play ends, is
    /// cancelled, reaches `deadline`, or gives too many groups that cannot be used.
    pub(crate) async fn draw(&mut self, version: u64, deadline: Option<Instant>) -> (Vec<Group>, Drawn) {
        let wanted = self.config.groups_per_step;
        let (most, refill_most) = match self.config.zero_signal {
            ZeroSignal::Keep => (wanted * MAX_DRAWS, 0),
            ZeroSignal::Refill { at_most } => (wanted * at_most.max(MAX_DRAWS), wanted * at_most),
        };
        let (mut kept, mut flat, mut drawn) = (Vec::new(), Vec::new(), Drawn::default());
        while kept.len() < wanted && (drawn.groups as usize) < most {
            let enough_with_flat = kept.len() + flat.len() >= wanted;
            if enough_with_flat && drawn.groups as usize >= refill_most {
                break;
            }
            let groups = self.play(wanted - kept.len(), deadline).await;
            if groups.is_empty() {
                return (Vec::new(), drawn);
            }
            for group in groups {
                drawn.groups += 1;
                drawn.episodes += group.trajectories.len() as u64;
                if !group.is_complete() {
                    drawn.incomplete += 1;
                } else if staleness(&group, version) > self.config.max_staleness {
                    drawn.stale += 1;
                } else if !group_is_zero_signal(&group) {
                    kept.push(group);
                } else {
                    drawn.zero_signal += 1;
                    match self.config.zero_signal {
                        ZeroSignal::Keep => kept.push(group),
                        ZeroSignal::Refill { .. } => flat.push(group),
                    }
                }
            }
        }
        let missing = wanted.saturating_sub(kept.len());
        kept.extend(flat.into_iter().take(missing));
        // Groups arrive as they end; in the order of their numbers a run can be repeated.
        kept.sort_by_key(|group| group.spec.group);
        (kept, drawn)
    }

    /// At least one and at most `n` further groups; none at the end of play.
    async fn play(&mut self, n: usize, deadline: Option<Instant>) -> Vec<Group> {
        let cancel = self.cancel.clone();
        let playing = async {
            match &mut self.play {
                Play::Ahead(groups) => groups.next().await.into_iter().collect(),
                Play::InTurns(specs) => {
                    let specs: Vec<GroupSpec> = specs.by_ref().take(n).collect();
                    let (player, source) = (self.player.clone(), self.source.clone());
                    let mut groups = stream(player, source, specs.into_iter(), self.stream, &self.cancel);
                    let mut played = Vec::new();
                    while let Some(group) = groups.next().await {
                        played.push(group);
                    }
                    played
                }
            }
        };
        tokio::select! {
            groups = playing => groups,
            () = cancel.cancelled() => Vec::new(),
            () = until(deadline) => Vec::new(),
        }
    }
}

/// Never, without a deadline.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Versions between the weights that played the group's oldest turn and `version`.
fn staleness(group: &Group, version: u64) -> u64 {
    let oldest = group.members().map(|trajectory| trajectory.policy_versions[0]).min().unwrap_or(version);
    version.saturating_sub(oldest)
}
