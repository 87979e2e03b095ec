//! What is learnt from: turns with the teacher's answer, as rows of tokens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result};
use games::rng::FastRng;
use rollout::MatchFormat;
use schema::{EnvName, MatchMove, MatchView};
use teach::match_text::Betting;
use teach::{Mix, Player, Utility};
use train::Row;

use super::MatchTask;
use super::exam::EXAM_SEEDS;
use super::shell::Shell;
use crate::BadInput;
use crate::text::Example;

/// Rows that wait for the trainer, of each game.
const WAITING: usize = 512;
/// Turns of the model's own games that are kept; the oldest go first.
const OWN_STATES: usize = 200_000;
/// Deals whose turns are shuffled together.
const DEALS: u32 = 64;
/// Share of the teacher's turns after which something else is played, so that it also shows how to go on from there.
const EXPLORE: f64 = 0.05;
/// Deals that no run reaches the end of.
const MOST_SEEDS: u64 = 100_000_000;
/// Seconds of an iteration over liar's dice, at most, and the fewest of them.
const ITERATION_S: f64 = 0.4;
const FEWEST_ITERATIONS: usize = 4;
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

/// What one environment is learnt from.
enum Class {
    /// A game's teacher, and the rows of its play.
    Game { game: String, teacher: Arc<dyn Player>, rows: Receiver<Result<Row, String>> },
    /// Lessons that were made beforehand, as rows in any order.
    Kept { name: String, rows: Vec<Row>, rng: FastRng },
}

impl Class {
    fn next(&mut self) -> Result<Row> {
        match self {
            Self::Game { game, rows, .. } => {
                let row = rows.recv().with_context(|| format!("the teacher of {game} is gone"))?;
                row.map_err(|error| anyhow::anyhow!("a turn of {game}: {error}"))
            }
            Self::Kept { rows, rng, .. } => Ok(rows[rng.below(rows.len())].clone()),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Game { teacher, .. } => teacher.name(),
            Self::Kept { name, rows, .. } => format!("{} turns of {name}", rows.len()),
        }
    }
}

impl Lessons {
    /// Solves the games and begins to play them.
    ///
    /// # Errors
    /// [`BadInput`] if a game has no teacher.
    pub(super) fn start(
        task: &MatchTask,
        format: Arc<MatchFormat>,
        shell: Option<&Shell>,
        seconds: f64,
    ) -> Result<Self> {
        let budget = Duration::from_secs_f64((SOLVING.0 * seconds).min(SOLVING.1));
        let class = |(idx, env): (usize, &EnvName)| {
            let name = env.as_str().to_owned();
            let seed = task.seed.wrapping_mul(1000).wrapping_add(idx as u64);
            if let (EnvName::Intercode, Some(shell)) = (env, shell) {
                let rows = shell.rows(task.seed, seconds)?;
                anyhow::ensure!(!rows.is_empty(), "no lesson of {name} could be made on this machine");
                return Ok(Class::Kept { name, rows, rng: FastRng::new(seed) });
            }
            let teacher = teacher_of(&name, task.teacher, budget)?;
            let rows = rows_of(name.clone(), teacher.clone(), format.clone(), seed)?;
            Ok(Class::Game { game: name, teacher, rows })
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
            let n_classes = self.classes.len();
            rows.push(vec![self.classes[self.next % n_classes].next()?]);
            self.next += 1;
        }
        Ok(rows)
    }

    /// Turns that the model has seen, with what its teacher would have answered.
    ///
    /// # Errors
    /// If a teacher cannot read a turn of its own game.
    pub(super) fn corrected(&self, seen: Vec<MatchView>) -> Result<Vec<Row>> {
        let taught = |class: &'_ Class| match class {
            Class::Game { game, teacher, .. } => Some((game.clone(), teacher.clone())),
            Class::Kept { .. } => None,
        };
        let teachers: BTreeMap<String, Arc<dyn Player>> = self.classes.iter().filter_map(taught).collect();
        let mut rows = Vec::with_capacity(seen.len());
        for view in seen {
            let Some(teacher) = teachers.get(&view.game) else { continue };
            let answer = teacher.answer(&view, 0.5)?;
            rows.push(row(&self.format, &view, &answer)?);
        }
        Ok(rows)
    }

    /// Who teaches what.
    pub(super) fn describe(&self) -> String {
        let names: Vec<String> = self.classes.iter().map(Class::name).collect();
        names.join(", ")
    }
}

fn teacher_of(game: &str, kind: TeacherKind, budget: Duration) -> Result<Arc<dyn Player>> {
    let found = match (kind, game) {
        (TeacherKind::Solved, "liars_dice") => Ok(liars_dice(budget)),
        (TeacherKind::Solved, _) => teach::teacher(game, Utility::Outcome),
        (TeacherKind::Public, "leduc_poker") => teach::bot("leduc_poker/random-nofold"),
        (TeacherKind::Public, _) => teach::bot(&format!("{game}/public")),
    };
    Ok(found.map_err(|error| BadInput::new(error.to_string(), "leave the game out of the task"))?)
}

/// The one game that is not solved at once.
fn liars_dice(budget: Duration) -> Arc<dyn Player> {
    let default = teach::liars_dice::Budget::default();
    let most = default.iterations;
    let affordable = (budget.as_secs_f64() / ITERATION_S) as usize;
    let iterations = affordable.clamp(FEWEST_ITERATIONS.min(most), most);
    Arc::new(teach::liars_dice::Teacher::solve(teach::liars_dice::Budget { iterations, ..default }))
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
        .spawn(move || {
            if let Err(error) = play(&game, teacher.as_ref(), &format, seed, &sender) {
                // Nobody listens any more if this fails.
                let _ = sender.send(Err(format!("{error:#}")));
            }
        })
        .context("a thread for the teacher")?;
    Ok(receiver)
}

fn play(
    game: &str,
    teacher: &dyn Player,
    format: &MatchFormat,
    seed: u64,
    rows: &SyncSender<Result<Row, String>>,
) -> Result<()> {
    let opponents = teach::opponents(game)?;
    let mix = Mix { game, teacher, opponents: &opponents, explore: EXPLORE, betting: Betting::Shown };
    let mut rng = FastRng::new(seed);
    // Below the seeds of exams.
    let mut first = (seed.wrapping_mul(0x9e37_79b9) % (EXAM_SEEDS - MOST_SEEDS)) as u32;
    loop {
        let mut turns = teach::games(&mix, first..first + DEALS)?;
        first += DEALS;
        for idx in (1..turns.len()).rev() {
            turns.swap(idx, rng.below(idx + 1));
        }
        for turn in turns {
            if rows.send(Ok(row(format, &turn.view, &turn.answer)?)).is_err() {
                return Ok(());
            }
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
