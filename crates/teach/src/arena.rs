//! Duels: two sides play the same deals from both seats until it is clear on which side of a bar the score lies.

use std::sync::Arc;

use games::mcts::{MctsBot, MctsConfig};
use games::rng::{FastRng, RandomState};
use games::{Action, Game, State, load_game, match_play};
use rayon::prelude::*;

use crate::match_text::{Betting, view};
use crate::outcome::sign;
use crate::{Error, Player};

/// Who plays.
#[derive(Clone, Copy)]
pub enum Side<'a> {
    /// From what it sees.
    Player(&'a dyn Player),
    /// MCTS from the true state, hidden cards and dice included, with so many simulations of one playout.
    Search(usize),
}

/// Wins, draws and losses of the first side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Games won.
    pub wins: u64,
    /// Games drawn.
    pub draws: u64,
    /// Games lost.
    pub losses: u64,
}

impl Score {
    /// Games played.
    pub fn games(&self) -> u64 {
        self.wins + self.draws + self.losses
    }

    /// Wins and half of the draws, as a share of the games.
    pub fn rate(&self) -> f64 {
        (self.wins as f64 + self.draws as f64 / 2.0) / (self.games() as f64).max(1.0)
    }

    /// Wilson's 95 % interval of [`Score::rate`], with draws as halves.
    pub fn interval(&self) -> (f64, f64) {
        wilson(self.wins as f64 + self.draws as f64 / 2.0, self.games() as f64)
    }

    fn add(&mut self, utility: f64) {
        match sign(utility) {
            1.0 => self.wins += 1,
            0.0 => self.draws += 1,
            _ => self.losses += 1,
        }
    }
}

/// Wilson's 95 % interval of a share: `successes` of `n`, where a draw counts as half a success; all where `n` is 0.
///
/// # Source
/// Wilson, 1927, doi 10.1080/01621459.1927.10502953. With draws it is wider than need be.
pub fn wilson(successes: f64, n: f64) -> (f64, f64) {
    /// Of a normal distribution, for 95 % on both sides.
    const Z: f64 = 1.959_964;
    if n == 0.0 {
        return (0.0, 1.0);
    }
    let (share, z2) = (successes / n, Z * Z);
    let centre = share + z2 / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    (((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0))
}

/// How long a duel lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duel {
    /// The duel ends as soon as the interval leaves this score.
    pub bar: f64,
    /// Not before so many games.
    pub min_games: u64,
    /// At the latest after so many.
    pub max_games: u64,
    /// Seeds go up from here; each is played from both seats.
    pub first_seed: u32,
}

impl Duel {
    /// The usual lengths: 1,000 to 10,000 games.
    pub fn against(bar: f64) -> Self {
        Self { bar, min_games: 1_000, max_games: 10_000, first_seed: 1 }
    }
}

/// Seeds that are played at once, on all cores. The score is looked at seed by seed, so it does not depend on them.
const WAVE: u32 = 16;

/// The score of `sides[0]` against `sides[1]`.
///
/// # Errors
/// If a player cannot read a turn.
pub fn duel(game: &str, sides: [Side<'_>; 2], duel: Duel) -> Result<Score, Error> {
    let mut score = Score::default();
    for first in (duel.first_seed..).step_by(WAVE as usize) {
        let pair = |seed| Ok([play(game, sides, 0, seed)?, play(game, sides, 1, seed)?]);
        let played: Result<Vec<[f64; 2]>, Error> = (first..first + WAVE).into_par_iter().map(pair).collect();
        for utilities in played? {
            utilities.into_iter().for_each(|utility| score.add(utility));
            let (low, high) = score.interval();
            let is_clear = !(low..=high).contains(&duel.bar);
            if score.games() >= duel.max_games || (is_clear && score.games() >= duel.min_games) {
                return Ok(score);
            }
        }
    }
    Ok(score)
}

/// The variant of `game` that `seed` plays: match play's variants in turn.
///
/// # Errors
/// If match play has no such game.
pub fn match_game(game: &str, seed: u32) -> Result<Arc<dyn Game>, Error> {
    Ok(load_game(&match_play::variant(game, seed.into())?)?)
}

/// The number in [0, 1) that a player gets at a turn of the game of `seed`.
pub fn turn_draw(seed: u32, seat: usize, turn: usize) -> f64 {
    FastRng::new(u64::from(seed) << 32 | (turn as u64) << 1 | seat as u64).unit()
}

/// Return of `sides[0]` in `seat`.
fn play(game: &str, sides: [Side<'_>; 2], seat: usize, seed: u32) -> Result<f64, Error> {
    let rules = match_game(game, seed)?;
    let config = |max_simulations| MctsConfig { uct_c: 2.0, max_simulations, n_rollouts: 1, solve: true };
    let rng = |stream: u32| RandomState::new(seed.wrapping_mul(4).wrapping_add(stream));
    let mut searchers = sides.map(|side| match side {
        Side::Player(_) => None,
        Side::Search(simulations) => Some(MctsBot::new(rules.as_ref(), config(simulations), rng(2), rng(3))),
    });
    let returns = play_out(rules.as_ref(), seed, |state, mover, turn| {
        let side = usize::from(mover != seat);
        match sides[side] {
            Side::Player(player) => {
                let turn_view = view(game, state, Betting::Shown).expect("a seat is to act");
                Ok(player.answer(&turn_view, turn_draw(seed, mover, turn))?.action)
            }
            Side::Search(_) => Ok(searchers[side].as_mut().expect("made above").step(state)),
        }
    })?;
    Ok(returns[seat])
}

/// Plays the deal or the opening of `seed` to the end; `decide` is asked for the action of a seat at a turn.
///
/// A knock in gin rummy can leave a hand without a legal discard; the game then ends with the returns so far.
pub(crate) fn play_out(
    game: &dyn Game,
    seed: u32,
    decide: impl FnMut(&dyn State, usize, usize) -> Result<Action, Error>,
) -> Result<[f64; 2], Error> {
    let mut state = game.new_initial_state();
    match_play::play_opening(game.name(), state.as_mut(), seed.into());
    play_on(state.as_mut(), &mut RandomState::new(seed), decide)
}

/// Plays a position to the end with the outcomes that `chance` draws.
pub(crate) fn play_on(
    state: &mut dyn State,
    chance: &mut RandomState,
    mut decide: impl FnMut(&dyn State, usize, usize) -> Result<Action, Error>,
) -> Result<[f64; 2], Error> {
    let (mut legal, mut outcomes) = (Vec::new(), Vec::new());
    let mut turn = 0;
    loop {
        match state.current_player() {
            games::Player::Terminal => break,
            games::Player::Chance => {
                state.chance_outcomes(&mut outcomes);
                let drawn = chance.choice_weighted_by(outcomes.iter().map(|outcome| outcome.1));
                state.apply(outcomes[drawn].0);
            }
            games::Player::Seat(seat) => {
                state.legal_actions(&mut legal);
                if legal.is_empty() {
                    break;
                }
                let action = decide(state, seat, turn)?;
                state.apply(action);
                turn += 1;
            }
        }
    }
    Ok(state.returns())
}

#[cfg(test)]
mod tests;
