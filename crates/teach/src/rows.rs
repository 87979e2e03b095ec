//! Rows of a teacher's play: what it saw, and what it answered.
//!
//! Games are played from seeds on all cores; the same seeds give the same rows in the same order. Each deal is played
//! from both seats, gin rummy's variants and the opponents take turns, and where `explore` says so something else is
//! played than what the row says, so that rows also show how to go on from there.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::games::Game;
use ::games::rng::{FastRng, RandomState};
use rayon::prelude::*;
use schema::{MatchMove, MatchView};

use crate::arena::{match_game, play_on, play_out, turn_draw};
use crate::match_text::{Betting, Screen};
use crate::player::Uniform;
use crate::{BOTS, Error, Player, bot, random};

/// A turn of the teacher's.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it saw.
    pub view: MatchView,
    /// What it answers.
    pub answer: MatchMove,
}

/// Who plays whom.
#[derive(Clone, Copy)]
pub struct Mix<'a> {
    /// Short name of the game.
    pub game: &'a str,
    /// Whose turns become rows.
    pub teacher: &'a dyn Player,
    /// Take turns; at least one.
    pub opponents: &'a [Arc<dyn Player>],
    /// Share of the teacher's turns in which a random action is played; the row still has the teacher's.
    pub explore: f64,
    /// Which of leduc poker's texts is shown.
    pub betting: Betting,
}

/// Deals against one opponent; then, with all nine variants of gin rummy played, it is the next one's turn.
const VARIANTS: usize = 9;
/// Every game's number of variants divides it: after so many seeds they begin again.
const ROUND_OF_VARIANTS: u32 = 36;
/// Deals of one task of [`rows_per_second`]: eight rounds of variants.
const BATCH: u32 = 288;
/// Keeps the draws of exploring apart from those of the players.
const EXPLORE_SALT: u64 = 0x9e37_79b9;

/// The teacher's turns in the deals of `seeds`, each from both seats; in the order of the seeds.
///
/// # Errors
/// If a player cannot read a turn.
///
/// # Panics
/// Without opponents.
pub fn games(mix: &Mix<'_>, seeds: Range<u32>) -> Result<Vec<Row>, Error> {
    assert!(!mix.opponents.is_empty(), "somebody has to be played against");
    let rows: Result<Vec<Vec<Row>>, Error> = seeds.into_par_iter().map(|seed| deal(mix, seed)).collect();
    Ok(rows?.into_iter().flatten().collect())
}

fn deal(mix: &Mix<'_>, seed: u32) -> Result<Vec<Row>, Error> {
    let rules = match_game(mix.game, seed)?;
    let opponent = mix.opponents[seed as usize / VARIANTS % mix.opponents.len()].as_ref();
    let (mut rows, mut screen) = (Vec::new(), Screen::new(mix.game, mix.betting));
    for teacher_seat in 0..2 {
        play_out(rules.as_ref(), seed, |state, seat, turn| {
            let seen = screen.show(state).expect("a seat is to act");
            let draw = turn_draw(seed, seat, turn);
            if seat != teacher_seat {
                return Ok(opponent.answer(seen, draw)?.action);
            }
            let answer = mix.teacher.answer(seen, draw)?;
            let mut rng = FastRng::new(draw.to_bits() ^ EXPLORE_SALT);
            let played = if rng.unit() < mix.explore { random(seen, rng.unit())? } else { answer.clone() };
            rows.push(Row { view: seen.clone(), answer });
            Ok(played.action)
        })?;
    }
    Ok(rows)
}

/// The teacher's answers to turns that somebody else got to (DAgger), in their order.
///
/// # Errors
/// If the teacher cannot read a turn.
pub fn relabel(teacher: &dyn Player, views: Vec<MatchView>) -> Result<Vec<Row>, Error> {
    let label = |(turn, view): (usize, MatchView)| {
        let answer = teacher.answer(&view, turn_draw(0, view.seat.min(1), turn))?;
        Ok(Row { view, answer })
    };
    views.into_par_iter().enumerate().map(label).collect()
}

/// The bots of a game and the random player.
///
/// # Errors
/// None for the games in [`crate::GAMES`]; others have the random player alone.
pub fn opponents(game: &str) -> Result<Vec<Arc<dyn Player>>, Error> {
    let of_game = |name: &&str| name.split('/').next() == Some(game) || *name == "random";
    BOTS.into_iter().filter(of_game).map(bot).collect()
}

/// Rows a second on all cores with random play on both sides: rules and text, without a teacher and without openings.
///
/// # Errors
/// If match play has no such game.
pub fn rows_per_second(game: &str, time: Duration) -> Result<f64, Error> {
    let start = Instant::now();
    let (mut rows, mut first) = (0, 0_u32);
    let variants: Vec<Arc<dyn Game>> =
        (0..ROUND_OF_VARIANTS).map(|seed| match_game(game, seed)).collect::<Result<_, _>>()?;
    while start.elapsed() < time {
        let last = first + rayon::current_num_threads() as u32;
        let counts = (first..last).into_par_iter().map(|task| random_rows(game, &variants, task));
        rows += counts.collect::<Result<Vec<usize>, Error>>()?.into_iter().sum::<usize>();
        first = last;
    }
    Ok(rows as f64 / start.elapsed().as_secs_f64())
}

/// Rows of a task's games. Like the peer's, its one generator goes on from game to game: to seed one takes longer than a
/// short game, and deals need not be anybody's here.
fn random_rows(game: &str, variants: &[Arc<dyn Game>], task: u32) -> Result<usize, Error> {
    let (mut chance, mut screen) = (RandomState::new(task), Screen::new(game, Betting::Shown));
    let mut rows = 0;
    for deal in 0..BATCH {
        let mut state = variants[deal as usize % variants.len()].new_initial_state();
        play_on(state.as_mut(), &mut chance, |state, seat, turn| {
            let seen = screen.show(state).expect("a seat is to act");
            rows += 1;
            Ok(Uniform.answer(seen, turn_draw(task * BATCH + deal, seat, turn))?.action)
        })?;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
