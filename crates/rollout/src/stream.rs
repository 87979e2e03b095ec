//! A stream of groups: a bounded number in play, delivered as they complete.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use crate::{EnvSource, Group, GroupSpec, Player, play_group};

/// Bounds of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamConfig {
    /// Groups in play at once. Their episodes wait for places by themselves, so a little more than fits keeps all
    /// sidecars busy while the last episodes of a group are played.
    pub groups_in_flight: usize,
    /// Groups that wait for the receiver; while it is full, no new ones are started.
    pub buffer: usize,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self { groups_in_flight: 4, buffer: 4 }
    }
}

/// Receives groups. Dropping it ends the stream and frees its episodes.
#[derive(Debug)]
pub struct GroupStream {
    groups: mpsc::Receiver<Group>,
    _cancel: DropGuard,
    _driver: AbortOnDropHandle<()>,
}

impl GroupStream {
    /// The next group, complete or not; `None` when all are delivered. Cancel safe.
    pub async fn next(&mut self) -> Option<Group> {
        self.groups.recv().await
    }
}

/// Plays `specs` in order, several at once. After `cancel` no group is started, and those in play are delivered with
/// what they had.
pub fn stream(
    player: Player,
    source: Arc<dyn EnvSource>,
    specs: impl Iterator<Item = GroupSpec> + Send + 'static,
    config: StreamConfig,
    cancel: &CancellationToken,
) -> GroupStream {
    let cancel = cancel.child_token();
    let (sender, groups) = mpsc::channel(config.buffer.max(1));
    let table = Table { player, source, cancel: cancel.clone(), playing: JoinSet::new() };
    let driver = tokio::spawn(table.drive(specs, config.groups_in_flight.max(1), sender));
    GroupStream { groups, _cancel: cancel.drop_guard(), _driver: AbortOnDropHandle::new(driver) }
}

struct Table {
    player: Player,
    source: Arc<dyn EnvSource>,
    cancel: CancellationToken,
    playing: JoinSet<Group>,
}

impl Table {
    async fn drive(
        mut self,
        specs: impl Iterator<Item = GroupSpec>,
        at_once: usize,
        groups: mpsc::Sender<Group>,
    ) {
        let mut specs = specs.fuse();
        loop {
            while self.playing.len() < at_once && !self.cancel.is_cancelled() {
                let Some(spec) = specs.next() else { break };
                self.start(spec);
            }
            let Some(played) = self.playing.join_next().await else {
                return;
            };
            // Nobody receives any more: the guard has cancelled what is in play.
            let Ok(permit) = groups.reserve().await else {
                return;
            };
            permit.send(played.expect("play_group catches what its episodes do"));
        }
    }

    fn start(&mut self, spec: GroupSpec) {
        let (player, source, cancel) = (self.player.clone(), self.source.clone(), self.cancel.clone());
        self.playing.spawn(async move { play_group(&player, &source, spec, &cancel).await });
    }
}
