//! What a run does with its time: steps on lessons, exams on the way, rewards at the end, and what is handed over.

use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use model::LanguageModel;
use schema::Artifact;
use tokio_util::sync::CancellationToken;
use train::{Learner, Progress, Schedule, ScoreSettings, Shape, Warmup, WeightAverage};

use super::exam::{Exams, Standing};
use super::lessons::{Lessons, Telling};
use super::tail::{self, Played, Stage};
use super::{MatchTask, blocking};
use crate::EnvRewards;
use crate::events::{Event, Observer, TextStepEvent};
use crate::publish::Publisher;
use crate::text::{Clock, Example, Goal};

/// Exams, the last one of the final weights; after each but the last the model's own states join the lessons.
pub(super) const EXAMS: u64 = 5;
/// Share of the time at which the first exam is held: before, play says little.
const FIRST_EXAM: f64 = 0.4;
/// An exam is left out if less than so many times what the last one took has been spent on steps since.
const STEPS_PER_EXAM: f64 = 3.0;
/// From this share of the run on the mean of the weights is what is examined at the end.
const AVERAGE_FROM: f64 = 0.75;
/// Share of the run in which the learning rate rises, and what is left of it at the end.
const WARMUP: f64 = 0.03;
const LR_FLOOR: f64 = 0.05;
/// Tokens of a step on turns told briefly: many small steps bring a model that knows nothing further than a few large ones.
const BRIEF_TOKENS: usize = 1536;
/// A model that has nothing to say until this share of the run learns from its teachers to the end.
const LATEST_TAIL: f64 = 0.7;
/// Steps for rewards that each stage has room for, or it is not begun.
const TAIL_STEPS: f64 = 4.0;
/// Steps that are not finite before the run ends with what it has.
const STRIKES: u64 = 3;

/// What a run is held to.
pub(super) struct Course<'a> {
    pub(super) task: &'a MatchTask,
    pub(super) goal: &'a Goal,
    pub(super) clock: &'a Clock,
    pub(super) publisher: &'a Publisher,
    /// Turns of a step.
    pub(super) batch: usize,
    /// Peak learning rate.
    pub(super) lr: f64,
    /// Whether turns are told briefly first, then shortened, whole at the end.
    pub(super) told_briefly: bool,
    /// Seconds of a step, as measured so far.
    pub(super) step_s: f64,
    /// Seconds that belong to rewards, and what a group of episodes takes, played and learnt from.
    pub(super) tail_s: f64,
    pub(super) group_s: f64,
}

/// What changes in a run.
pub(super) struct Run {
    pub(super) learner: Learner<LanguageModel>,
    pub(super) average: WeightAverage,
    pub(super) best: Best,
    /// Whether the end belongs to rewards: not if the model had nothing to say that could be rewarded when that was decided.
    pub(super) has_tail: bool,
    pub(super) step: u64,
}

/// What lies in the output folder, and how it has played.
pub(super) struct Best {
    pub(super) standing: Standing,
    pub(super) artifact: Option<Artifact>,
}

impl Run {
    /// Seconds that belong to rewards in this run.
    pub(super) fn tail_s(&self, course: &Course<'_>) -> f64 {
        if self.has_tail { course.tail_s } else { 0.0 }
    }

    /// Learns from teachers until the clock or the number of steps says otherwise, with exams on the way.
    pub(super) async fn by_teachers(
        &mut self,
        course: &Course<'_>,
        lessons: &mut Lessons,
        exams: &mut Exams,
        observer: &mut dyn Observer,
        cancel: &CancellationToken,
    ) -> Result<()> {
        let Course { task, goal, clock, publisher, batch, lr, mut step_s, .. } = *course;
        let schedule =
            Schedule { peak: lr, warmup: Warmup::Share(WARMUP), shape: Shape::Cosine, floor: LR_FLOOR };
        let (begun, mut held, mut fraction) = (clock.left(), 0, 0.0_f64);
        let (mut examined, mut exam_took_s) = (Instant::now(), 0.0);
        let (mut mean_step_s, mut tellings) = (step_s, Tellings::default());
        loop {
            // What follows: a tail with an exam of its own, and the exam of what was learnt here.
            let (exam_s, tail_s) = (exams.budget_s() + exams.publish_s, self.tail_s(course));
            let closing = exam_s + 2.0 * step_s + if tail_s > 0.0 { tail_s + exam_s } else { 0.0 };
            let by_clock = 1.0 - (clock.left() - closing) / (begun - closing).max(1e-9);
            let by_steps = task.steps.map_or(0.0, |steps| self.step as f64 / steps.max(1) as f64);
            // Never back: what is left for steps changes when an end for rewards joins.
            fraction = fraction.max(by_clock).max(by_steps);
            if fraction >= 1.0 || cancel.is_cancelled() {
                return Ok(());
            }
            let due = due_exams(fraction);
            if due > held {
                held = due;
                if examined.elapsed().as_secs_f64() < STEPS_PER_EXAM * exam_took_s {
                    continue;
                }
                let started = Instant::now();
                let candidate = self.learner.model().valid();
                let standing = self.examine(&candidate, exams, publisher, observer, cancel).await?;
                self.has_tail |= standing.speaks() && fraction < LATEST_TAIL;
                if task.own_states {
                    let gaps = exams.gaps(&standing, &lessons.teachers(), cancel).await?;
                    observer.event(&Event::Shares { step: self.step, shares: lessons.weigh(&gaps) });
                    let seen = exams.play_for_states(&candidate, &standing, cancel).await?;
                    let turns = blocking(|| lessons.correct(seen))?;
                    observer.event(&Event::OwnStates { step: self.step, turns });
                }
                (examined, exam_took_s) = (Instant::now(), started.elapsed().as_secs_f64());
                continue;
            }
            let started = Instant::now();
            let telling = if course.told_briefly { tellings.next() } else { Telling::Whole };
            let rows = match telling {
                Telling::Brief => lessons.take_brief(BRIEF_TOKENS)?,
                // About as long as a step of whole turns.
                Telling::Shortened => lessons.take(2 * batch, telling)?,
                Telling::Whole => lessons.take(batch, telling)?,
            };
            let lr = schedule.lr(Progress { step: self.step, fraction });
            let event = blocking(|| self.learn(goal, rows, lr))?;
            let took_s = started.elapsed().as_secs_f64();
            mean_step_s = 0.8 * mean_step_s + 0.2 * took_s;
            tellings.took(telling, took_s, fraction);
            if telling == Telling::Whole {
                step_s = 0.8 * step_s + 0.2 * took_s;
            }
            if fraction >= AVERAGE_FROM {
                self.average.add(self.learner.model());
            }
            let steps = task.steps.unwrap_or((self.step as f64 + clock.left() / mean_step_s) as u64);
            observer.event(&Event::TextStep(TextStepEvent { fraction, steps, ..event }));
            let n_skipped = self.learner.n_steps() - self.step;
            if n_skipped >= STRIKES {
                let message = format!("{n_skipped} steps were not finite; the best so far is kept");
                observer.event(&Event::Warning { message });
                return Ok(());
            }
        }
    }

    fn learn(&mut self, goal: &Goal, rows: Vec<Example>, lr: f64) -> Result<TextStepEvent> {
        let started = Instant::now();
        let n_tokens: usize = rows.iter().flatten().map(train::Row::n_tokens).sum();
        let (parts, objective) = goal.step(rows);
        let report = self.learner.step(&parts, objective.as_ref(), &ScoreSettings::default(), lr)?;
        self.step += u64::from(!report.skipped);
        Ok(TextStepEvent {
            step: self.step,
            loss: report.loss,
            lr,
            grad_norm: report.grad_norm,
            tokens_per_second: n_tokens as f64 / started.elapsed().as_secs_f64().max(1e-9),
            skipped: report.skipped,
            ..TextStepEvent::default()
        })
    }

    /// Learns from rewards, one stage after the other, and is examined once more. What fails there costs what it has
    /// brought, not the run.
    pub(super) async fn by_rewards(
        &mut self,
        course: &Course<'_>,
        mut model: LanguageModel,
        (stages, rewards): (Vec<Stage>, Option<EnvRewards>),
        exams: &mut Exams,
        observer: &mut dyn Observer,
        cancel: &CancellationToken,
    ) -> Result<()> {
        observer.event(&Event::Phase { name: "grpo".to_owned() });
        let reserve = exams.budget_s() + 2.0 * exams.publish_s;
        let (mut played, mut has_moved, n_stages) = (Played::default(), false, stages.len());
        for (idx, stage) in stages.iter().enumerate() {
            let left = course.clock.until(reserve).saturating_duration_since(Instant::now());
            let of_stage = left / (n_stages - idx) as u32;
            let n_groups = n_groups(of_stage.as_secs_f64(), course.group_s);
            if n_groups == 0 {
                continue;
            }
            let room = (course.lr, n_groups, Instant::now() + of_stage);
            let before = (stage, course.goal, model.clone());
            let (rewards, steps) = (rewards.clone(), played.steps);
            match tail::by_rewards(course.task, before, rewards, room, &mut played, observer, cancel).await {
                Ok(better) => {
                    model = better;
                    has_moved |= played.steps > steps;
                }
                Err(error) => {
                    let message = format!("rewards are not learnt from: {error:#}");
                    observer.event(&Event::Warning { message });
                }
            }
        }
        self.step += played.steps;
        if has_moved {
            self.examine(&model.valid(), exams, course.publisher, observer, cancel).await?;
        }
        Ok(())
    }

    /// Plays the exam and hands the candidate over if it scores more than the base and no less than what lies there.
    pub(super) async fn examine(
        &mut self,
        candidate: &LanguageModel,
        exams: &mut Exams,
        publisher: &Publisher,
        observer: &mut dyn Observer,
        cancel: &CancellationToken,
    ) -> Result<Standing> {
        let candidate = candidate.read_back_in(publisher.stored_dtype()?);
        let standing = exams.examine(&candidate, self.step, observer, cancel).await?;
        let (score, best) = (standing.score(), self.best.standing.score());
        let is_worth = if self.best.artifact.is_some() { score >= best } else { score > best };
        if cancel.is_cancelled() || !is_worth {
            return Ok(standing);
        }
        let started = Instant::now();
        match blocking(|| publisher.publish(&candidate, self.step)) {
            Ok(artifact) => {
                observer.event(&Event::Published { step: self.step, path: artifact.path.clone() });
                self.best = Best { standing: standing.clone(), artifact: Some(artifact) };
            }
            Err(error) => observer.event(&Event::Warning {
                message: format!("step {} is not handed over: {error:#}", self.step),
            }),
        }
        exams.publish_s = started.elapsed().as_secs_f64();
        Ok(standing)
    }
}

/// Which turns are told in which way, by seconds that are owed to each telling.
#[derive(Default)]
pub(super) struct Tellings([f64; 3]);

impl Tellings {
    pub(super) const ALL: [Telling; 3] = [Telling::Brief, Telling::Shortened, Telling::Whole];

    /// What is owed most, the briefest of equals.
    pub(super) fn next(&self) -> Telling {
        let owed = Self::ALL.into_iter().zip(self.0).rev();
        owed.max_by(|a, b| a.1.total_cmp(&b.1)).expect("there are three").0
    }

    /// At this share of the run a step was `telling`'s.
    pub(super) fn took(&mut self, telling: Telling, seconds: f64, fraction: f64) {
        let rest = 1.0 - fraction;
        let shares = [rest * rest, 2.0 * rest * fraction, fraction * fraction];
        for ((owed, share), of) in self.0.iter_mut().zip(shares).zip(Self::ALL) {
            *owed += seconds * (share - if of == telling { 1.0 } else { 0.0 });
        }
    }
}

/// Groups of a step for rewards, so that `seconds` have room for [`TAIL_STEPS`] of them.
pub(super) fn n_groups(seconds: f64, group_s: f64) -> usize {
    (seconds / (TAIL_STEPS * group_s)) as usize
}

/// Exams that should have been held by a share of the run; the last one follows the run.
pub(super) fn due_exams(fraction: f64) -> u64 {
    if fraction < FIRST_EXAM {
        return 0;
    }
    let between = (1.0 - FIRST_EXAM) / (EXAMS - 1) as f64;
    (1 + ((fraction - FIRST_EXAM) / between) as u64).min(EXAMS - 1)
}
