//! Whoever adds to the rewards of a group once it is played: reward functions, for example.

use futures::future::BoxFuture;
use schema::Trajectory;

/// Judges groups.
pub trait GroupJudge: Send + Sync {
    /// The trajectories of one group, with what they earn beside the environment's own reward.
    ///
    /// Not cancel safe: a drop loses the trajectories. What fails in judging is part of the trajectories, or counted
    /// elsewhere; play goes on.
    fn judge(&self, trajectories: Vec<Trajectory>) -> BoxFuture<'_, Vec<Trajectory>>;
}
