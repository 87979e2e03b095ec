//! A game's teacher at work: it plays on a thread of its own beside the trainer, and what it answers are the rows.
//!
//! Among them are requests for notes after a game, which are answered with nothing: at the table the notes then stay
//! empty, and every later turn looks as the turns that were learnt.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result};
use games::rng::FastRng;
use games::{Player as Seat, match_play};
use rollout::{MatchFormat, MatchResult, Reflection};
use schema::{MatchMove, MatchView, Memory};
use teach::match_text::Betting;
use teach::{Mix, Player, Utility};
use train::Row;

use super::{Lesson, TeacherKind};
use crate::BadInput;
use crate::match_play::exam::EXAM_SEEDS;

/// Rows that wait for the trainer, of each game.
const WAITING: usize = 512;
/// Deals whose turns are shuffled together.
const DEALS: u32 = 64;
/// Turns for each request for notes.
const TURNS_PER_REFLECTION: usize = 32;
/// Share of the teacher's turns after which something else is played, so that it also shows how to go on from there.
const EXPLORE: f64 = 0.05;
/// Deals that no run reaches the end of.
const MOST_SEEDS: u64 = 100_000_000;
/// Seconds of an iteration over liar's dice, at most, and the fewest of them.
const ITERATION_S: f64 = 0.4;
const FEWEST_ITERATIONS: usize = 4;

/// The teacher of a game, solved in about `budget`.
///
/// # Errors
/// [`BadInput`] if it has none.
pub(super) fn teacher_of(game: &str, kind: TeacherKind, budget: Duration) -> Result<Arc<dyn Player>> {
    let found = match (kind, game) {
        (TeacherKind::Solved, "liars_dice") => Ok(liars_dice(budget)),
        (TeacherKind::Solved, _) => teach::teacher(game, Utility::Outcome),
        // The public recipe knows three games; in the others the nearest rule of thumb stands for it.
        (TeacherKind::Public, "leduc_poker") => teach::bot("leduc_poker/random-nofold"),
        (TeacherKind::Public, "goofspiel") => teach::bot("goofspiel/match-prize"),
        (TeacherKind::Public, "clobber" | "othello") => teach::bot(&format!("{game}/greedy")),
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
pub(super) fn rows_of(
    game: String,
    teacher: Arc<dyn Player>,
    teller: Teller,
    seed: u64,
) -> Result<Receiver<Result<Lesson, String>>> {
    let (sender, receiver) = sync_channel(WAITING);
    std::thread::Builder::new()
        .name(format!("trainer-{game}"))
        .spawn(move || {
            if let Err(error) = play(&game, teacher.as_ref(), &teller, seed, &sender) {
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
    teller: &Teller,
    seed: u64,
    rows: &SyncSender<Result<Lesson, String>>,
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
        for (idx, turn) in turns.iter().enumerate() {
            let reflection = match idx % TURNS_PER_REFLECTION {
                0 => Some(after_game(game, &mut rng)?),
                _ => None,
            };
            let notes = reflection.map(|reflection| teller.nothing_noted(&reflection));
            for lesson in notes.into_iter().chain([teller.lesson(&turn.view, &turn.answer)]) {
                if rows.send(Ok(lesson?)).is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// Tells turns to the model that learns from them.
#[derive(Clone)]
pub(super) struct Teller {
    pub(super) format: Arc<MatchFormat>,
    pub(super) told_briefly: bool,
}

impl Teller {
    /// A turn as it is learnt: the prompt is read, the answer counts.
    pub(super) fn lesson(&self, view: &MatchView, answer: &MatchMove) -> Result<Lesson> {
        let answer = self.format.answer(answer)?.tokens;
        let shorter = || {
            let prompts = [self.format.brief_prompt(view)?, self.format.shortened_prompt(view)?];
            anyhow::Ok(prompts.map(|prompt| Row::new(prompt.tokens, answer.clone())))
        };
        let shorter = self.told_briefly.then(shorter).transpose()?;
        Ok(Lesson { whole: Row::new(self.format.prompt(view)?.tokens, answer), shorter })
    }

    /// The request for notes after a game, answered with nothing.
    fn nothing_noted(&self, after: &Reflection) -> Result<Lesson> {
        let (prompt, answer) = (self.format.reflection_prompt(after)?, self.format.reflection_answer(&[])?);
        Ok(Lesson { whole: Row::new(prompt.tokens, answer.tokens), shorter: None })
    }
}

/// The end of a game in which anything may have been played.
fn after_game(game: &str, rng: &mut FastRng) -> Result<Reflection> {
    let seed = 1 + rng.below(EXAM_SEEDS as usize - 1) as u64;
    let match_play::Start { mut state, mut chance, .. } = match_play::start(game, seed)?;
    loop {
        match state.current_player() {
            Seat::Chance => match_play::play_chance(state.as_mut(), &mut chance),
            Seat::Terminal => break,
            Seat::Seat(_) => {
                let legal = match_play::legal(state.as_ref());
                if legal.is_empty() {
                    break;
                }
                state.apply(legal[rng.below(legal.len())].0);
            }
        }
    }
    let seat = rng.below(2);
    let result = match state.returns()[seat] {
        value if value > 0.0 => MatchResult::Win,
        value if value < 0.0 => MatchResult::Loss,
        _ => MatchResult::Draw,
    };
    let state = match_play::state_text(game, state.as_ref(), seat);
    Ok(Reflection { game: game.to_owned(), seat, result, state, memory: Memory::default() })
}
