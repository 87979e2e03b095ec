//! InterCode beside the games: lessons played live in a sandbox, and exams on tasks of their own.
//!
//! What a model writes is run only where the sandbox holds it; without one, its exams are left out and lessons stay, whose
//! commands are ours.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use futures::StreamExt;
use intercode::{Action, Episode, EpisodeConfig, Gold, Sandbox, SandboxConfig, Tier, teacher};
use rollout::{Decoding, IntercodeFormat, Policy, PolicyError, Request, ShellAnswer, ShellStep, ShellView};
use schema::Sampling;
use train::Row;

use super::MatchTask;

/// Tasks whose lessons are made at once.
const TASKS: u64 = 128;
/// Lessons of a run: more than are seen in an hour on a CPU.
const MOST_TASKS: u64 = 4096;
/// Share of the run that making them may take, and the most seconds.
const MAKING: (f64, f64) = (0.03, 30.0);
/// Tasks of an exam, as the evaluator has it.
const EXAM_TASKS: u64 = 20;
/// Set of the exam's tasks: never that of lessons.
const EXAM_SET: u64 = 900_000_000;
/// Longest answer: a command and some room.
const MAX_NEW_TOKENS: u32 = 192;
/// Turns without a call, one after the other, after which an exam's episode is over: the rest would be the same.
const MUTE_TURNS: u32 = 2;
/// Exam tasks that are played at once.
const AT_ONCE: usize = 8;

/// Tasks that are played first: who makes no call in any of them is not asked the others.
const FIRST_TASKS: u64 = 3;

/// How an exam went.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShellStanding {
    /// Mean reward.
    pub(super) score: f64,
    /// Whether any tool was called.
    pub(super) acts: bool,
}

/// How an exam's episode went.
struct Played {
    reward: f64,
    /// Whether any tool was called.
    acted: bool,
}

/// A sandbox, and how a model is asked about it.
pub(super) struct Shell {
    sandbox: Sandbox,
    format: IntercodeFormat,
    /// What an exam gives to who submits at once.
    no_op: f64,
}

impl Shell {
    /// Opens a sandbox, in the strongest tier that this machine grants.
    ///
    /// # Errors
    /// If not even a folder for our own commands can be made.
    pub(super) fn open(task: &MatchTask) -> Result<Self> {
        let sandbox = Sandbox::new(SandboxConfig::new(&task.scratch))?;
        let tokenizer = Arc::new(data::Tokenizer::from_dir(&task.model_dir)?);
        let format = IntercodeFormat::new(tokenizer, task.pack.clone())?;
        let no_op = match sandbox.isolation().tier {
            Tier::TrustedOnly => 0.0,
            _ => {
                let rewards = teacher::benchmark(&sandbox, EXAM_SET, EXAM_TASKS, threads(), &teacher::no_op)?;
                rewards.iter().map(|reward| reward.total).sum::<f64>() / rewards.len().max(1) as f64
            }
        };
        Ok(Self { sandbox, format, no_op })
    }

    /// Whether what a model writes may be run.
    pub(super) fn isolates(&self) -> bool {
        self.sandbox.isolation().tier != Tier::TrustedOnly
    }

    /// What holds a model's commands, and what doing nothing is worth.
    pub(super) fn describe(&self) -> String {
        format!(
            "in a shell isolated by {}; submitting at once scores {:.3}",
            self.sandbox.isolation(),
            self.no_op
        )
    }

    /// Turns of lessons, as many as there is time for.
    ///
    /// # Errors
    /// If the sandbox fails, or a turn cannot be shown to the model.
    pub(super) fn rows(&self, seed: u64, seconds: f64) -> Result<Vec<Row>> {
        let (started, budget) = (Instant::now(), (MAKING.0 * seconds).min(MAKING.1));
        let mut rows = Vec::new();
        for set in 0..MOST_TASKS / TASKS {
            if set > 0 && started.elapsed().as_secs_f64() > budget {
                break;
            }
            let set = seed.wrapping_mul(MOST_TASKS).wrapping_add(set) % EXAM_SET;
            for lesson in teacher::lessons(&self.sandbox, set, TASKS, threads())? {
                for turn in &lesson.turns {
                    let prompt = self.format.prompt(&view(&lesson.question, &turn.history))?;
                    let answer = self.format.answer("", &turn.call)?;
                    rows.push(Row::new(prompt.tokens, answer.tokens));
                }
            }
        }
        Ok(rows)
    }

    /// How a policy does in the exam's tasks; `None` where a model's commands are not run.
    ///
    /// # Errors
    /// If the sandbox or the policy fails.
    pub(super) async fn examine(&self, policy: &Arc<dyn Policy>) -> Result<Option<ShellStanding>> {
        if !self.isolates() {
            return Ok(None);
        }
        let played = |ids: Range<u64>| {
            futures::stream::iter(ids).map(|id| self.episode(policy, id)).buffer_unordered(AT_ONCE)
        };
        let (mut total, mut has_acted) = (0.0, false);
        for ids in [0..FIRST_TASKS, FIRST_TASKS..EXAM_TASKS] {
            let mut episodes = played(ids);
            while let Some(episode) = episodes.next().await {
                let Played { reward, acted } = episode?;
                total += reward;
                has_acted |= acted;
            }
            if !has_acted {
                // Who never calls a tool gets what doing nothing is worth.
                return Ok(Some(ShellStanding { score: self.no_op, acts: false }));
            }
        }
        Ok(Some(ShellStanding { score: total / EXAM_TASKS as f64, acts: true }))
    }

    async fn episode(&self, policy: &Arc<dyn Policy>, id: u64) -> Result<Played> {
        let mut episode = super::blocking(|| -> Result<Episode> {
            let task = Arc::new(intercode::tasks::task(EXAM_SET, id));
            let gold = Arc::new(Gold::run(&self.sandbox, &task)?);
            Ok(Episode::reset(&self.sandbox, task, gold, EpisodeConfig::EVALUATOR)?)
        })?;
        let (mut n_mute, mut acted) = (0, false);
        loop {
            let prompt = self.format.prompt(&view(episode.question(), episode.history()))?;
            let request = Request {
                prompt: prompt.tokens,
                text: prompt.text,
                candidates: Vec::new(),
                decoding: Decoding::Free,
                sampling: Sampling {
                    temperature: 0.0,
                    max_new_tokens: MAX_NEW_TOKENS,
                    ..Sampling::default()
                },
                stop_tokens: self.format.chat().codec().stop_tokens().to_vec(),
                seed: id,
            };
            let (action, thought) = match policy.generate(request).await {
                Ok(completion) => taken_apart(self.format.parse_tokens(&completion.token_ids)),
                // The history has outgrown the model: what it has is its answer.
                Err(PolicyError::Refused { .. }) => (Action::Submit, String::new()),
                Err(error) => return Err(error.into()),
            };
            n_mute = if action == Action::Nothing { n_mute + 1 } else { 0 };
            acted |= action != Action::Nothing;
            let action = if n_mute < MUTE_TURNS { action } else { Action::Submit };
            let step = super::blocking(|| episode.step_with_thought(action, thought))?;
            if let Some(reward) = step.reward {
                return Ok(Played { reward: reward.total, acted });
            }
        }
    }
}

fn taken_apart(answer: ShellAnswer) -> (Action, String) {
    (answer.call.map_or(Action::Nothing, Action::from), answer.thought)
}

fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn view(question: &str, history: &[ShellStep]) -> ShellView {
    ShellView { question: question.to_owned(), steps: history.to_vec() }
}
