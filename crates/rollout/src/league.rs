//! Frozen players that the trained one meets instead of itself.
//!
//! Whoever only ever meets the newest of itself forgets how to answer what it used to do; a few of its earlier selves at
//! the table keep that in.

use std::sync::{Arc, Mutex};

use crate::seed::below;
use crate::{EnvSource, Player, turn_key};

/// Opponents for groups of [`schema::OpponentKind::SelfPlay`]. A group has one of them and one seat, so that its episodes
/// compare.
pub struct League {
    /// Where both seats can be played: our own sidecar, or this process.
    source: Arc<dyn EnvSource>,
    /// The first one stays; of the others the oldest goes first.
    members: Mutex<Vec<Player>>,
    most: usize,
}

/// Of draws that no turn of an episode uses.
const STREAM: u32 = u32::MAX - 9;

impl League {
    /// A league of one, of at most so many members later.
    pub fn new(source: Arc<dyn EnvSource>, first: Player, most: usize) -> Self {
        Self { source, members: Mutex::new(vec![first]), most }
    }

    /// Joins from the next group on, if there is room for more than the first.
    pub fn add(&self, player: Player) {
        let mut members = self.members.lock().expect("nobody panics with the lock");
        if self.most > 1 {
            if members.len() >= self.most {
                members.remove(1);
            }
            members.push(player);
        }
    }

    /// Where episodes against it are played.
    pub(crate) fn source(&self) -> &Arc<dyn EnvSource> {
        &self.source
    }

    /// Whom a group meets, and the seat of the trained player.
    pub(crate) fn rival(&self, group: u64) -> (Player, usize) {
        let members = self.members.lock().expect("nobody panics with the lock");
        // Drawn by the group's number, since games and opponents take turns by it too.
        let draw = turn_key(0, group, 0, STREAM);
        (members[below(draw, members.len())].clone(), (draw & 1) as usize)
    }
}
