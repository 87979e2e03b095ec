//! Match play between contestants: the tournament's harness in this process.
//!
//! Every seed is played twice with the seats swapped, so that both sides get both deals. A turn is one stateless
//! question; an answer without a legal move forfeits the game. What counts is who wins, never by how much: the score is
//! wins and half of the draws. The same seed gives the same result, however many games run at once.
//!
//! Between the two games of a seed a player is asked what it wants to note; its long-term notes live for those two. (The
//! tournament keeps them for a whole match, and so plays one game after the other; here many are played at once.)

mod contestants;
mod game;
mod standing;

use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use futures::future::BoxFuture;
use games::{Game, State};
use rollout::Reflection;
use schema::{MatchMove, MatchView, Memory, MemoryEdit};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::contestants::{MctsContestant, ModelContestant, ScriptedContestant};
use self::game::{Played, play_pair};
pub use self::standing::{Interval, elo_ratings, rank_quantiles, wilson};

/// Seeds that are played before the score is looked at: a fixed number, so that stopping does not depend on the clock.
const WAVE: u64 = 32;

/// Why a game was lost without being played to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no legal move: {0}")]
pub struct Forfeit(pub String);

/// A turn as it is put to a contestant.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// What it sees.
    pub view: &'a MatchView,
    /// The state itself: only for opponents that search from it, as the tournament's own MCTS does.
    pub state: &'a dyn State,
    /// The game with its parameters.
    pub game: &'a Arc<dyn Game>,
    /// A number for whatever it draws: a function of seed, seating and turn.
    pub key: u64,
}

/// Someone who plays.
pub trait Contestant: Send + Sync {
    /// Name in tables.
    fn name(&self) -> String;

    /// Its move. Dropping the future withdraws the question.
    fn answer<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<MatchMove, Forfeit>>;

    /// What it wants to note after a game, for the next one against the same player.
    fn reflect<'a>(&'a self, _after: &'a Reflection, _key: u64) -> BoxFuture<'a, Vec<MemoryEdit>> {
        std::future::ready(Vec::new()).boxed()
    }

    /// Changes its notes as it has asked.
    fn remember(&self, _memory: &mut Memory, _edits: &[MemoryEdit]) {}
}

/// How long a match goes on.
#[derive(Clone, Copy, Debug)]
pub struct MatchConfig {
    /// Seeds are this and the following ones.
    pub first_seed: u64,
    /// Pairs of games at most.
    pub max_pairs: u64,
    /// The match ends when the interval of the first side's score leaves this bar on either side.
    pub bar: Option<f64>,
    /// The match ends after the wave in which this is reached.
    pub deadline: Option<Instant>,
    /// The match ends when one side has forfeited so many games.
    pub max_forfeits: Option<u64>,
    /// Pairs that are played at once.
    pub at_once: usize,
}

impl MatchConfig {
    /// `max_pairs` pairs from a seed on.
    pub fn of_pairs(first_seed: u64, max_pairs: u64) -> Self {
        Self { first_seed, max_pairs, bar: None, deadline: None, max_forfeits: None, at_once: 64 }
    }
}

/// What came of a match, from the first side's point of view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Games won.
    pub wins: u64,
    /// Games drawn.
    pub draws: u64,
    /// Games lost.
    pub losses: u64,
    /// Games that the first and the second side forfeited.
    pub forfeits: [u64; 2],
    /// Turns of both sides.
    pub turns: u64,
}

impl Tally {
    /// Games played.
    pub fn games(&self) -> u64 {
        self.wins + self.draws + self.losses
    }

    /// Wins and half of the draws as a share of the games; ½ before the first.
    pub fn score(&self) -> f64 {
        match self.games() {
            0 => 0.5,
            games => (self.wins as f64 + 0.5 * self.draws as f64) / games as f64,
        }
    }

    /// Where the score lies with 95 % confidence.
    pub fn interval(&self) -> Interval {
        wilson(self.wins as f64 + 0.5 * self.draws as f64, self.games() as f64)
    }

    /// Adds the games of another tally.
    pub fn add(&mut self, other: &Self) {
        self.wins += other.wins;
        self.draws += other.draws;
        self.losses += other.losses;
        self.forfeits[0] += other.forfeits[0];
        self.forfeits[1] += other.forfeits[1];
        self.turns += other.turns;
    }

    /// One game's end for the first side.
    fn count(&mut self, played: &Played) {
        match played.result {
            result if result > 0.0 => self.wins += 1,
            result if result < 0.0 => self.losses += 1,
            _ => self.draws += 1,
        }
        if let Some(side) = played.forfeited {
            self.forfeits[side] += 1;
        }
        self.turns += played.turns;
    }
}

/// Plays `game` until `config` or `cancel` ends it.
///
/// # Errors
/// If there is no such game.
pub async fn play_match(
    game: &str,
    sides: [&Arc<dyn Contestant>; 2],
    config: &MatchConfig,
    cancel: &CancellationToken,
) -> Result<Tally, games::Error> {
    let mut tally = Tally::default();
    let mut next = 0;
    while next < config.max_pairs && !cancel.is_cancelled() {
        let wave = next..(next + WAVE).min(config.max_pairs);
        next = wave.end;
        let mut waiting = wave;
        let mut playing = JoinSet::new();
        loop {
            while playing.len() < config.at_once.max(1) {
                let Some(pair) = waiting.next() else { break };
                let (game, seed) = (game.to_owned(), config.first_seed + pair);
                let sides = sides.map(Arc::clone);
                playing.spawn(async move { play_pair(&game, seed, &sides).await });
            }
            let Some(done) = playing.join_next().await else { break };
            // A panic in a contestant is one in whoever asked for the match.
            let pair = done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
            pair.iter().for_each(|played| tally.count(played));
        }
        let interval = tally.interval();
        let is_clear = config.bar.is_some_and(|bar| interval.low > bar || interval.high < bar);
        let is_late = config.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let is_mute = config.max_forfeits.is_some_and(|most| tally.forfeits.iter().any(|n| *n >= most));
        if is_clear || is_late || is_mute {
            break;
        }
    }
    Ok(tally)
}

#[cfg(test)]
mod tests;
