//! What is learnt from: turns with the teacher's answer, as rows of tokens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result};
use games::rng::FastRng;
use rollout::MatchFormat;
use schema::{EnvName, MatchMove, MatchView};
use teach::{Player, Utility};
use train::Row;

use super::MatchTask;
use crate::BadInput;
use crate::text::Example;

/// Rows that wait for the trainer, of each game.
const WAITING: usize = 512;
/// Turns of the model's own games that are kept; the oldest go first.
const OWN_STATES: usize = 200_000;
/// Share of the run that solving the games may take, and the most seconds.
const SOLVING: (f64, f64) = (0.04, 120.0);

/// Whom the model learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeacherKind {
    /// Solved from the rules for winning.
    Solved,
    /// The rules of thumb of the public winner of June 2026 (spec/recipes.md §1.2).
    Public,
}

/// Teachers at work, each on a thread of its own beside the trainer.
pub(super) struct Lessons {
    classes: Vec<Class>,
    format: Arc<MatchFormat>,
    next: usize,
}

/// One game's teacher and its rows.
struct Class {
    game: String,
    teacher: Arc<dyn Player>,
    rows: Receiver<Result<Row, String>>,
}

impl Lessons {
    /// Solves the games and begins to play them.
    ///
    /// # Errors
    /// [`BadInput`] if a game has no teacher.
    pub(super) fn start(task: &MatchTask, format: Arc<MatchFormat>, seconds: f64) -> Result<Self> {
        let budget = Duration::from_secs_f64((SOLVING.0 * seconds).min(SOLVING.1));
        let class = |(idx, env): (usize, &EnvName)| {
            let game = env.as_str().to_owned();
            let teacher = teacher_of(&game, task.teacher, budget)?;
            let seed = task.seed.wrapping_mul(1000).wrapping_add(idx as u64);
            let rows = rows_of(game.clone(), teacher.clone(), format.clone(), seed)?;
            Ok(Class { game, teacher, rows })
        };
        let classes = task.envs.iter().enumerate().map(class).collect::<Result<Vec<_>>>()?;
        Ok(Self { classes, format, next: 0 })
    }

    /// The next `n` rows, the games in turn.
    ///
    /// # Errors
    /// If a turn cannot be shown to the model.
    pub(super) fn take(&mut self, n: usize) -> Result<Vec<Example>> {
        let mut rows = Vec::with_capacity(n);
        for _ in 0..n {
            let class = &self.classes[self.next % self.classes.len()];
            self.next += 1;
            let row = class.rows.recv().with_context(|| format!("the teacher of {} is gone", class.game))?;
            rows.push(vec![row.map_err(|error| anyhow::anyhow!("a turn of {}: {error}", class.game))?]);
        }
        Ok(rows)
    }

    /// Turns that the model has seen, with what its teacher would have answered.
    ///
    /// # Errors
    /// If a teacher cannot read a turn of its own game.
    pub(super) fn corrected(&self, seen: Vec<MatchView>) -> Result<Vec<Row>> {
        let teachers: BTreeMap<&str, &Arc<dyn Player>> =
            self.classes.iter().map(|class| (class.game.as_str(), &class.teacher)).collect();
        let mut rows = Vec::with_capacity(seen.len());
        for view in seen {
            let Some(teacher) = teachers.get(view.game.as_str()) else { continue };
            let answer = teacher.answer(&view, 0.5)?;
            rows.push(row(&self.format, &view, &answer)?);
        }
        Ok(rows)
    }

    /// Who teaches what.
    pub(super) fn describe(&self) -> String {
        let names: Vec<String> = self.classes.iter().map(|class| class.teacher.name()).collect();
        names.join(", ")
    }
}

fn teacher_of(game: &str, kind: TeacherKind, budget: Duration) -> Result<Arc<dyn Player>> {
    let found = match kind {
        TeacherKind::Solved => teach::teacher_within(game, Utility::Outcome, budget),
        TeacherKind::Public => teach::public(game),
    };
    found.map_err(|error| BadInput::new(error.to_string(), "leave the game out of the task").into())
}

/// Plays on a thread until nobody takes its rows any more.
fn rows_of(
    game: String,
    teacher: Arc<dyn Player>,
    format: Arc<MatchFormat>,
    seed: u64,
) -> Result<Receiver<Result<Row, String>>> {
    let (sender, receiver) = sync_channel(WAITING);
    std::thread::Builder::new()
        .name(format!("trainer-{game}"))
        .spawn(move || play(&game, teacher, &format, seed, &sender))
        .context("a thread for the teacher")?;
    Ok(receiver)
}

fn play(
    game: &str,
    teacher: Arc<dyn Player>,
    format: &MatchFormat,
    seed: u64,
    rows: &SyncSender<Result<Row, String>>,
) {
    for turn in teach::endless(game, teacher, seed) {
        let row = turn
            .map_err(|error| error.to_string())
            .and_then(|turn| row(format, &turn.view, &turn.answer).map_err(|error| format!("{error:#}")));
        let is_broken = row.is_err();
        if rows.send(row).is_err() || is_broken {
            return;
        }
    }
}

/// A turn as it is learnt: the prompt is read, the answer counts.
fn row(format: &MatchFormat, view: &MatchView, answer: &MatchMove) -> Result<Row> {
    let prompt = format.prompt(view)?;
    Ok(Row::new(prompt.tokens, format.answer(answer)?.tokens))
}

/// The model's own states with their teacher's answers.
pub(super) struct OwnStates {
    rows: Vec<Row>,
    oldest: usize,
    rng: FastRng,
}

impl OwnStates {
    pub(super) fn new(seed: u64) -> Self {
        Self { rows: Vec::new(), oldest: 0, rng: FastRng::new(seed ^ 0xdada) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds rows in the place of the oldest, and gives their number.
    pub(super) fn add(&mut self, rows: Vec<Row>) -> usize {
        let n = rows.len();
        for row in rows {
            if self.rows.len() < OWN_STATES {
                self.rows.push(row);
            } else {
                self.rows[self.oldest] = row;
                self.oldest = (self.oldest + 1) % OWN_STATES;
            }
        }
        n
    }

    /// `n` of them at random.
    pub(super) fn take(&mut self, n: usize) -> Vec<Example> {
        (0..n).map(|_| vec![self.rows[self.rng.below(self.rows.len())].clone()]).collect()
    }
}
