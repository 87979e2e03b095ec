//! What is learnt from: turns with an answer, as rows of tokens, from several environments at once.
//!
//! Each environment has a share of the rows. It begins equal and moves toward those whose exam is furthest below what
//! their teacher reaches on the same deals; no environment falls below half of an equal share. A base that knows no language
//! is also told turns in shorter forms (docs/adr/0010).

mod game;
mod shares;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use anyhow::{Context, Result};
use games::rng::FastRng;
use rollout::MatchFormat;
use schema::{EnvName, MatchView};
use teach::Player;
use train::Row;

use self::game::{Teller, rows_of, teacher_of};
use self::shares::Shares;
use super::MatchTask;
use super::mounted::Mounted;
use super::shell::Shell;
use crate::BadInput;
use crate::text::Example;

/// Turns of the model's own games that are kept of each game; the oldest go first.
const OWN_STATES: usize = 50_000;
/// Share of a game's rows that come from the model's own states, once there are any.
const OWN_SHARE: f64 = 0.5;
/// Rows of one environment in a step: rules and tools, which its turns begin with and which are computed once, are two to
/// twenty times as long as what a turn adds.
const TOGETHER: usize = 16;
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

/// Everything that a run learns from.
pub(super) struct Lessons {
    classes: Vec<Class>,
    shares: Shares,
    teller: Teller,
    rng: FastRng,
}

/// Rows of one environment, or of one mounted data set.
struct Class {
    name: String,
    source: Source,
    own: Ring,
}

/// How much of a turn is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// The state and the ends of the list of legal actions.
    Brief,
    /// All but the middle of that list.
    Shortened,
    /// What is asked at the table.
    Whole,
}

/// A turn with its answer.
#[derive(Clone)]
pub(super) struct Lesson {
    whole: Row,
    /// Told briefly, and shortened, if that is asked for.
    shorter: Option<[Row; 2]>,
}

impl Lesson {
    fn told(self, telling: Telling) -> Row {
        match (self.shorter, telling) {
            (Some([brief, _]), Telling::Brief) => brief,
            (Some([_, shortened]), Telling::Shortened) => shortened,
            _ => self.whole,
        }
    }
}

/// Where rows come from.
enum Source {
    /// A game's teacher, and the rows of its play.
    Game { teacher: Arc<dyn Player>, rows: Receiver<Result<Lesson, String>> },
    /// Rows that were made beforehand, taken in any order.
    Kept(Vec<Row>),
}

impl Class {
    fn new(name: String, source: Source) -> Self {
        Self { name, source, own: Ring::default() }
    }

    fn next(&mut self, rng: &mut FastRng) -> Result<Lesson> {
        if !self.own.rows.is_empty() && rng.unit() < OWN_SHARE {
            return Ok(self.own.rows[rng.below(self.own.rows.len())].clone());
        }
        match &self.source {
            Source::Game { rows, .. } => {
                let row = rows.recv().with_context(|| format!("the teacher of {} is gone", self.name))?;
                row.map_err(|error| anyhow::anyhow!("a turn of {}: {error}", self.name))
            }
            Source::Kept(rows) => Ok(Lesson { whole: rows[rng.below(rows.len())].clone(), shorter: None }),
        }
    }

    fn is_game(&self) -> bool {
        matches!(self.source, Source::Game { .. })
    }

    fn describe(&self) -> String {
        match &self.source {
            Source::Game { teacher, .. } => teacher.name(),
            Source::Kept(rows) => format!("{} turns of {}", rows.len(), self.name),
        }
    }
}

impl Lessons {
    /// Solves the games and begins to play them; with `told_briefly` also for shorter tellings.
    ///
    /// # Errors
    /// [`BadInput`] if a game has no teacher, or there is nothing to learn from.
    pub(super) fn start(
        task: &MatchTask,
        format: Arc<MatchFormat>,
        (shell, mounted, told_briefly): (Option<&Shell>, Vec<Mounted>, bool),
        seconds: f64,
    ) -> Result<Self> {
        let teller = Teller { format, told_briefly };
        let budget = Duration::from_secs_f64((SOLVING.0 * seconds).min(SOLVING.1));
        let class = |(idx, env): (usize, &EnvName)| -> Result<Class> {
            let name = env.as_str().to_owned();
            let seed = task.seed.wrapping_mul(1000).wrapping_add(idx as u64);
            let source = if let (EnvName::Intercode, Some(shell)) = (env, shell) {
                let rows = shell.rows(task.seed, seconds)?;
                anyhow::ensure!(!rows.is_empty(), "no lesson of {name} could be made on this machine");
                Source::Kept(rows)
            } else {
                let teacher = teacher_of(&name, task.teacher, budget)?;
                Source::Game { rows: rows_of(name.clone(), teacher.clone(), teller.clone(), seed)?, teacher }
            };
            Ok(Class::new(name, source))
        };
        let envs: &[EnvName] = if task.own_rows { &task.envs } else { &[] };
        let mut classes = envs.iter().enumerate().map(class).collect::<Result<Vec<_>>>()?;
        classes
            .extend(mounted.into_iter().map(|Mounted { name, rows }| Class::new(name, Source::Kept(rows))));
        if classes.is_empty() {
            let message = "no mounted data set has a call of a tool in one of the task's environments";
            let hint =
                "ENV_DATA_POLICY=self_generated learns from teachers, sidecar_only from episodes alone";
            return Err(BadInput::new(message, hint).into());
        }
        let shares = Shares::equal(classes.len());
        Ok(Self { classes, shares, teller, rng: FastRng::new(task.seed ^ 0xdada) })
    }

    /// `n` rows, each environment its share, evenly spread: to measure by.
    ///
    /// # Errors
    /// If a turn cannot be shown to the model.
    pub(super) fn mixed(&mut self, n: usize) -> Result<Vec<Example>> {
        (0..n).map(|_| Ok(vec![self.classes[self.shares.turn()].next(&mut self.rng)?.whole])).collect()
    }

    /// The next `n` rows, from as many environments as can each have [`TOGETHER`] of them; over several calls each has its
    /// share. What has no shorter form is whole.
    ///
    /// # Errors
    /// If a turn cannot be shown to the model.
    pub(super) fn take(&mut self, n: usize, telling: Telling) -> Result<Vec<Example>> {
        let of_each = n.div_ceil((n / TOGETHER).max(1));
        let mut taken = Vec::with_capacity(n);
        while taken.len() < n {
            let class = &mut self.classes[self.shares.turn()];
            for _ in 0..of_each.min(n - taken.len()) {
                taken.push(vec![class.next(&mut self.rng)?.told(telling)]);
            }
        }
        Ok(taken)
    }

    /// Turns told briefly, of all games together, until they have `n_tokens`; none if no game is.
    ///
    /// # Errors
    /// If a turn cannot be shown to the model.
    pub(super) fn take_brief(&mut self, n_tokens: usize) -> Result<Vec<Example>> {
        let games: Vec<usize> = (0..self.classes.len()).filter(|idx| self.classes[*idx].is_game()).collect();
        let total: f64 = games.iter().map(|idx| self.shares.get()[*idx]).sum();
        let (mut taken, mut tokens) = (Vec::new(), 0);
        while tokens < n_tokens && !games.is_empty() {
            let mut left = self.rng.unit() * total;
            let drawn = games.iter().copied().find(|idx| {
                left -= self.shares.get()[*idx];
                left < 0.0
            });
            // Rounding may leave a rest.
            let class = &mut self.classes[drawn.unwrap_or(games[0])];
            let lesson = class.next(&mut self.rng)?;
            if lesson.shorter.is_none() {
                continue;
            }
            let row = lesson.told(Telling::Brief);
            tokens += row.n_tokens();
            taken.push(vec![row]);
        }
        Ok(taken)
    }

    /// Moves the shares toward the environments that are furthest below what can be reached, and gives them by name.
    pub(super) fn weigh(&mut self, gaps: &BTreeMap<String, f64>) -> Vec<(String, f64)> {
        let gaps: Vec<Option<f64>> =
            self.classes.iter().map(|class| gaps.get(&class.name).copied()).collect();
        self.shares.weigh(&gaps);
        let names = self.classes.iter().map(|class| class.name.clone());
        names.zip(self.shares.get().iter().copied()).collect()
    }

    /// Turns that the model has seen join the lessons, with what its teacher would have answered; gives their number.
    ///
    /// # Errors
    /// If a teacher cannot read a turn of its own game.
    pub(super) fn correct(&mut self, seen: Vec<MatchView>) -> Result<usize> {
        let mut by_game: BTreeMap<String, Vec<MatchView>> = BTreeMap::new();
        for view in seen {
            by_game.entry(view.game.clone()).or_default().push(view);
        }
        let mut n_turns = 0;
        for class in &mut self.classes {
            let Source::Game { teacher, .. } = &class.source else { continue };
            for turn in teach::relabel(teacher.as_ref(), by_game.remove(&class.name).unwrap_or_default())? {
                class.own.push(self.teller.lesson(&turn.view, &turn.answer)?);
                n_turns += 1;
            }
        }
        Ok(n_turns)
    }

    /// The teachers at work, by game.
    pub(super) fn teachers(&self) -> BTreeMap<String, Arc<dyn Player>> {
        let teacher = |class: &Class| match &class.source {
            Source::Game { teacher, .. } => Some((class.name.clone(), teacher.clone())),
            Source::Kept(_) => None,
        };
        self.classes.iter().filter_map(teacher).collect()
    }

    /// Who teaches what.
    pub(super) fn describe(&self) -> String {
        let names: Vec<String> = self.classes.iter().map(Class::describe).collect();
        names.join(", ")
    }
}

/// Rows of which the newest are kept.
#[derive(Default)]
struct Ring {
    rows: Vec<Lesson>,
    oldest: usize,
}

impl Ring {
    fn push(&mut self, row: Lesson) {
        if self.rows.len() < OWN_STATES {
            self.rows.push(row);
        } else {
            self.rows[self.oldest] = row;
            self.oldest = (self.oldest + 1) % OWN_STATES;
        }
    }
}
