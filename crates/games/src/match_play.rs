//! How a game of match play starts, shows itself and ends.
//!
//! A match is a row of games between the same two players. A seed decides each: the variant, the opening moves where
//! the rules know no chance, and chance where they do. It is played twice with the seats swapped; who plays, what is
//! remembered and who has won the match are for others. Drawn with Python's and numpy's generators, so that a seed
//! gives the evaluator's game.
//!
//! # Source
//! Seeds, ranges, variants, opening plies and texts of the evaluator's match play (spec/contract.md §5.4).

mod text;

use std::sync::Arc;

use crate::rng::{PythonRandom, RandomState};
use crate::{Action, Error, Game, Player, State, load_game};

pub use text::{Betting, state_text, state_text_with, write_state_text};

/// Games of match play, by the names that it gives them.
pub const NAMES: [&str; 6] = ["clobber", "gin_rummy", "goofspiel", "leduc_poker", "liars_dice", "othello"];

/// Task ids of one game.
const SPAN: u64 = 100_000_000;
/// A match draws the seeds of its games from 1 to this.
const MAX_GAME_SEED: u64 = 1_000_000;
/// Fewest and most random moves before the players of a game without chance take over.
const OPENING_PLIES: (u64, u64) = (2, 6);
/// Rows and columns.
const CLOBBER_BOARDS: [(u32, u32); 3] = [(4, 5), (5, 5), (5, 6)];
const GOOFSPIEL_CARDS: [u32; 4] = [5, 8, 10, 13];

/// A game that is about to be played.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its name in match play; that of the rules may differ (goofspiel is wrapped into turns).
    pub name: &'static str,
    /// The rules of its variant.
    pub game: Arc<dyn Game>,
    /// The position after the opening moves; a chance state in the games with cards or dice.
    pub state: Box<dyn State>,
    /// The opening moves, none where chance makes games differ.
    pub opening: Vec<Action>,
    /// Draws the outcomes of chance from here on; see [`play_chance`].
    pub chance: RandomState,
}

/// How a game ended for a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Better than the other.
    Win,
    /// As good as the other.
    Draw,
    /// Worse than the other.
    Loss,
}

/// Seeds of the games of a match, without end: `randint(1, 1000000)` of `random.Random(match_seed)`.
pub fn game_seeds(match_seed: u64) -> impl Iterator<Item = u64> {
    let mut random = PythonRandom::new(match_seed);
    std::iter::repeat_with(move || random.randint(1, MAX_GAME_SEED))
}

/// What selects the variant: `random.Random(seed).randint(task_min, task_max) % 10**8`, of the game's task ids.
///
/// # Errors
/// [`Error::UnknownGame`] if match play has no such game.
pub fn config_id(name: &str, seed: u64) -> Result<u64, Error> {
    let index = match name {
        "goofspiel" => 0,
        "liars_dice" => 1,
        "leduc_poker" => 2,
        "gin_rummy" => 3,
        "othello" => 4,
        "clobber" => 7,
        _ => return Err(unknown(name)),
    };
    Ok(PythonRandom::new(seed).randint(index * SPAN, (index + 1) * SPAN - 1) % SPAN)
}

/// The variant of a game, for [`load_game`].
///
/// # Errors
/// [`Error::UnknownGame`] if match play has no such game.
pub fn variant(name: &str, config_id: u64) -> Result<String, Error> {
    let of = |n: usize| (config_id % n as u64) as usize;
    Ok(match name {
        "leduc_poker" => "leduc_poker(players=2)".to_owned(),
        "liars_dice" => "liars_dice(numdice=5,players=2)".to_owned(),
        "othello" => "othello()".to_owned(),
        "gin_rummy" => {
            let (hand_size, knock_card) = (7 + config_id / 3 % 3, 10 - config_id % 3);
            format!("gin_rummy(hand_size={hand_size},knock_card={knock_card})")
        }
        "clobber" => {
            let (rows, columns) = CLOBBER_BOARDS[of(CLOBBER_BOARDS.len())];
            format!("clobber(columns={columns},rows={rows})")
        }
        "goofspiel" => {
            let cards = GOOFSPIEL_CARDS[of(GOOFSPIEL_CARDS.len())];
            format!("turn_based_simultaneous_game(game=goofspiel(imp_info=True,num_cards={cards}))")
        }
        _ => return Err(unknown(name)),
    })
}

/// The game of a seed, before the first decision of a player.
///
/// Three generators of the same seed, none of which goes on in another: Python's for the variant, Python's anew for
/// the opening (how many moves, then each with `choice`), numpy's for chance.
///
/// # Errors
/// [`Error::UnknownGame`] if match play has no such game, [`Error::SeedRange`] for a seed that numpy would refuse.
pub fn start(name: &str, seed: u64) -> Result<Start, Error> {
    let name = NAMES.into_iter().find(|known| *known == name).ok_or_else(|| unknown(name))?;
    let chance = RandomState::new(u32::try_from(seed).map_err(|_| Error::SeedRange { seed })?);
    let game = load_game(&variant(name, config_id(name, seed)?)?)?;
    let mut state = game.new_initial_state();
    let opening = play_opening(name, state.as_mut(), seed);
    Ok(Start { name, game, state, opening, chance })
}

/// Draws outcomes until a player has to decide or the game is over.
pub fn play_chance(state: &mut dyn State, chance: &mut RandomState) {
    let mut outcomes = Vec::new();
    while state.current_player() == Player::Chance {
        state.chance_outcomes(&mut outcomes);
        let drawn = chance.choice_weighted_by(outcomes.iter().map(|&(_, probability)| probability));
        state.apply(outcomes[drawn].0);
    }
}

/// Legal ids of the player to move with their action strings, ascending; empty where no player is to move.
pub fn legal(state: &dyn State) -> Vec<(Action, String)> {
    let mut ids = Vec::new();
    state.legal_actions(&mut ids);
    let player = state.current_player();
    ids.into_iter().map(|id| (id, state.action_string(player, id))).collect()
}

/// What the returns of a finished game are for `seat`: by their sign, whatever their size.
pub fn outcome(returns: [f64; 2], seat: usize) -> Outcome {
    if returns[seat] > 0.0 {
        Outcome::Win
    } else if returns[seat] < 0.0 {
        Outcome::Loss
    } else {
        Outcome::Draw
    }
}

/// Plays the seeded opening moves of a game without chance, and returns them; none in other games.
pub fn play_opening(name: &str, state: &mut dyn State, seed: u64) -> Vec<Action> {
    if !matches!(name, "clobber" | "othello") {
        return Vec::new();
    }
    let mut random = PythonRandom::new(seed);
    let n_plies = random.randint(OPENING_PLIES.0, OPENING_PLIES.1);
    let (mut legal, mut opening) = (Vec::new(), Vec::new());
    for _ in 0..n_plies {
        state.legal_actions(&mut legal);
        if legal.is_empty() {
            break;
        }
        let action = legal[random.choice(legal.len())];
        state.apply(action);
        opening.push(action);
    }
    opening
}

fn unknown(name: &str) -> Error {
    Error::UnknownGame { name: name.to_owned(), known: NAMES.join(", ") }
}

#[cfg(test)]
mod tests;
