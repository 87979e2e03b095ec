//! Episodes played live by someone who knows the answer: what a model can learn the calls from.
//!
//! Some go straight to the answer, some try first what one could well try and correct themselves; all end with a
//! submission and the full reward, or they are no lesson. Every observation is real. Also here: agents for a benchmark's
//! rows, the one that submits at once among them.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::episode::{Action, Episode, EpisodeConfig, Gold};
use crate::prompt::{PastTurn, ToolCall};
use crate::reward::Reward;
use crate::sandbox::{Author, Sandbox};
use crate::tasks::{Task, task};

/// What a lesson must reach: the full reward, up to the arithmetic.
const FULL_REWARD: f64 = 0.995;

/// A turn to learn: what was seen, and the right call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Turns before it, failed attempts included.
    pub history: Vec<PastTurn>,
    /// What to call now.
    pub call: ToolCall,
}

/// An episode to learn from. Failed attempts are in histories only: nobody should learn those.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// Number of its task.
    pub task_id: u64,
    /// Its template, for statistics.
    pub template: String,
    /// What was asked.
    pub question: String,
    /// The answer and the submission, each with what was seen before.
    pub turns: Vec<Turn>,
    /// What the episode got.
    pub reward: Reward,
}

/// The lesson of task `id` of set `seed`; `None` if this machine lacks what the answer needs.
///
/// # Errors
/// [`Error::Sandbox`], [`Error::Scratch`].
pub fn lesson(sandbox: &Sandbox, seed: u64, id: u64) -> Result<Option<Lesson>, Error> {
    let task = Arc::new(task(seed, id));
    let gold = Arc::new(Gold::run(sandbox, &task)?);
    if gold.exit_code() != Some(0) || gold.outcome().output.contains("command not found") {
        return Ok(None);
    }
    // Of four lessons two are straight, one has a first attempt, one has all attempts.
    let attempts = match id % 4 {
        0 | 1 => &[],
        2 => task.attempts.get(..1).unwrap_or_default(),
        _ => task.attempts.as_slice(),
    };
    let config = EpisodeConfig { author: Author::Ours, ..EpisodeConfig::EVALUATOR };
    let mut episode = Episode::reset(sandbox, Arc::clone(&task), Arc::clone(&gold), config)?;
    for attempt in attempts {
        let step = episode.step(Action::Execute(attempt.clone()))?;
        if step.observation == gold.outcome().output && gold.outcome().changes.is_empty() {
            // It happened to be right: nothing is left to correct.
            return Ok(None);
        }
    }
    let mut turns = Vec::new();
    for call in [ToolCall::ExecuteBash { command: task.gold.clone() }, ToolCall::Submit {}] {
        turns.push(Turn { history: episode.history().to_vec(), call: call.clone() });
        episode.step(call.into())?;
    }
    let reward = episode.reward().filter(|reward| reward.total >= FULL_REWARD);
    Ok(reward.map(|reward| Lesson {
        task_id: id,
        template: task.template.to_owned(),
        question: task.question.clone(),
        turns,
        reward,
    }))
}

/// The lessons among tasks `0..n_tasks` of set `seed`, by task number, made by `threads` at a time.
///
/// # Errors
/// The first error of any of them.
pub fn lessons(
    sandbox: &Sandbox,
    seed: u64,
    n_tasks: u64,
    threads: NonZeroUsize,
) -> Result<Vec<Lesson>, Error> {
    let made = for_all(n_tasks, threads, |id| lesson(sandbox, seed, id))?;
    Ok(made.into_iter().flatten().collect())
}

/// Someone who plays an episode.
pub type Agent<'a> = dyn Fn(&Episode) -> Action + Sync + 'a;

/// The agent that submits at once. Many tasks reward that: every benchmark needs its row.
pub fn no_op(_: &Episode) -> Action {
    Action::Submit
}

/// What `agent` gets in tasks `0..n_tasks` of set `seed`, by task number.
///
/// # Errors
/// The first error of any of them.
pub fn benchmark(
    sandbox: &Sandbox,
    seed: u64,
    n_tasks: u64,
    threads: NonZeroUsize,
    agent: &Agent<'_>,
) -> Result<Vec<Reward>, Error> {
    for_all(n_tasks, threads, |id| {
        let task: Arc<Task> = Arc::new(task(seed, id));
        let gold = Arc::new(Gold::run(sandbox, &task)?);
        let mut episode = Episode::reset(sandbox, task, gold, EpisodeConfig::EVALUATOR)?;
        loop {
            let action = agent(&episode);
            if let Some(reward) = episode.step(action)?.reward {
                return Ok(reward);
            }
        }
    })
}

/// `f(0)`, `f(1)`, … on a few threads, in order.
fn for_all<T: Send>(
    n_items: u64,
    threads: NonZeroUsize,
    f: impl Fn(u64) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let next = AtomicU64::new(0);
    let work = || -> Result<Vec<(u64, T)>, Error> {
        let mut done = Vec::new();
        loop {
            let id = next.fetch_add(1, Ordering::Relaxed);
            if id >= n_items {
                return Ok(done);
            }
            done.push((id, f(id)?));
        }
    };
    let mut all = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.get()).map(|_| scope.spawn(work)).collect();
        let results = workers.into_iter().map(|worker| worker.join().expect("a worker does not panic"));
        results.collect::<Result<Vec<_>, Error>>()
    })?
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    all.sort_by_key(|(id, _)| *id);
    Ok(all.into_iter().map(|(_, item)| item).collect())
}

#[cfg(test)]
mod tests;
