//! Python reward functions for episodes: what they say of a group is added to the environment's own reward.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use reward::{Batch, Function, Pool, PoolConfig, WeightedFunction};
use rollout::{Group, GroupJudge};
use schema::{Score, Trajectory};

use crate::BadInput;
use crate::events::Event;

/// Functions with their workers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EnvRewards(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Pool,
    functions: Vec<Function>,
    weights: Vec<f64>,
    n_faults: AtomicUsize,
}

impl EnvRewards {
    /// Starts the workers.
    ///
    /// # Errors
    /// [`BadInput`] without Python.
    pub fn start(functions: &[WeightedFunction]) -> Result<Self, BadInput> {
        let pool = Pool::start(PoolConfig::default())
            .map_err(|error| BadInput::new(error.to_string(), "reward functions need python3"))?;
        Ok(Self(Arc::new(Inner {
            pool,
            functions: functions.iter().map(|one| one.function.clone()).collect(),
            weights: functions.iter().map(|one| one.weight).collect(),
            n_faults: AtomicUsize::new(0),
        })))
    }

    /// The same, or nothing without functions.
    ///
    /// # Errors
    /// As [`EnvRewards::start`].
    pub fn of(functions: &[WeightedFunction]) -> Result<Option<Self>, BadInput> {
        if functions.is_empty() { Ok(None) } else { Self::start(functions).map(Some) }
    }

    /// What the functions said of a step's groups.
    pub(crate) fn event(&self, step: u64, groups: &[Group]) -> Event {
        Event::Rewards { step, names: self.names(), means: self.means(groups), faults: self.n_faults() }
    }

    /// What the functions are called.
    pub fn names(&self) -> Vec<String> {
        self.0.functions.iter().map(|function| function.name().to_owned()).collect()
    }

    /// Mean of each function over the members of `groups`, unweighted; NaN without any.
    pub fn means(&self, groups: &[Group]) -> Vec<f64> {
        let mean = |function: &Function| {
            let by = function.id();
            let scores = groups.iter().flat_map(Group::members).flat_map(|member| &member.scores);
            let values: Vec<f64> = scores.filter(|score| score.by == by).map(|score| score.value).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        self.0.functions.iter().map(mean).collect()
    }

    /// Episodes that a function failed on so far; they count 0 for it.
    pub fn n_faults(&self) -> usize {
        self.0.n_faults.load(Ordering::Relaxed)
    }

    /// Adds what the functions say of the scored trajectories. Blocks while they run.
    pub fn add(&self, mut trajectories: Vec<Trajectory>) -> Vec<Trajectory> {
        let Inner { pool, functions, weights, n_faults } = &*self.0;
        let is_scored = |one: &Trajectory| one.stop_reason.is_scored();
        let judged: Vec<Trajectory> = trajectories.iter().filter(|one| is_scored(one)).cloned().collect();
        if judged.is_empty() {
            return trajectories;
        }
        let batch = Batch::of_trajectories(&judged).in_groups_of(judged.len());
        let scores = pool.score(functions, &batch);
        n_faults.fetch_add(scores.iter().map(|scores| scores.n_faulty).sum(), Ordering::Relaxed);
        for (idx, trajectory) in trajectories.iter_mut().filter(|one| is_scored(one)).enumerate() {
            for ((function, weight), scores) in functions.iter().zip(weights).zip(&scores) {
                let value = scores.values[idx];
                trajectory.scores.push(Score { by: function.id(), value });
                *trajectory.rewards.entry(function.name().to_owned()).or_default() += weight * value;
            }
            trajectory.reward = trajectory.rewards.values().fold(0.0, |sum, part| sum + part);
        }
        trajectories
    }
}

impl GroupJudge for EnvRewards {
    fn judge(&self, trajectories: Vec<Trajectory>) -> BoxFuture<'_, Vec<Trajectory>> {
        let judge = self.clone();
        async move {
            let judged = tokio::task::spawn_blocking(move || judge.add(trajectories)).await;
            judged.expect("a reward function's failure is a value")
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
