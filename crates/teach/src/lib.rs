//! Teachers that solve the games from their rules when a run starts, and the scripted bots they are measured against.
//!
//! A teacher answers a turn of match play from what the model sees there, and from nothing else: the state's text, its
//! seat, the legal actions, its notes. So every row that it labels is a function of the prompt. Nothing here is learnt
//! from files; what is solved is solved by [`teacher`], in seconds.
//!
//! Not here: how a turn becomes a prompt, and anything with a model in it.

mod alpha_beta;
mod arena;
pub mod clobber;
mod error;
pub mod gin_rummy;
pub mod goofspiel;
pub mod leduc_poker;
pub mod liars_dice;
pub mod match_text;
pub mod othello;
mod outcome;
mod player;
mod rows;

use std::sync::Arc;

pub use alpha_beta::SearchBudget;
pub use arena::{Duel, Score, Side, duel, match_game, turn_draw, wilson};
pub use error::Error;
pub use outcome::OutcomeGame;
pub use player::{Player, random};
use player::{answer_legal, text_seed};
pub use rows::{Mix, Row, games, opponents, relabel, rows_per_second};

/// What a game is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Utility {
    /// Win, draw or loss: match play.
    Outcome,
    /// The game's own returns, e.g. chips: sidecars.
    Returns,
}

/// Games that have a teacher.
pub const GAMES: [&str; 6] = ["clobber", "gin_rummy", "goofspiel", "leduc_poker", "liars_dice", "othello"];

/// Names that [`bot`] takes.
pub const BOTS: [&str; 13] = [
    "clobber/greedy",
    "gin_rummy/public",
    "gin_rummy/simple",
    "goofspiel/match-prize",
    "goofspiel/over-prize",
    "leduc_poker/always-raise",
    "leduc_poker/card-rule",
    "leduc_poker/random-nofold",
    "leduc_poker/tight",
    "liars_dice/public",
    "liars_dice/threshold",
    "othello/greedy",
    "random",
];

/// The strongest player of `game` that is known here, solved now.
///
/// leduc_poker takes a second, liars_dice about [`liars_dice::Budget::default`]'s 20 s on one core; the others solve
/// nothing in advance and take milliseconds a turn. Only leduc_poker tells the utilities apart: the other games are won
/// or lost, and in gin rummy one plays for the knock.
///
/// # Errors
/// [`Error::NoTeacher`] for other games.
pub fn teacher(game: &str, utility: Utility) -> Result<Arc<dyn Player>, Error> {
    match game {
        "clobber" => Ok(Arc::new(clobber::Teacher::default())),
        "gin_rummy" => Ok(Arc::new(gin_rummy::Teacher::default())),
        "goofspiel" => Ok(Arc::new(goofspiel::Teacher::default())),
        "leduc_poker" => Ok(Arc::new(leduc_poker::Teacher::solve(utility)?)),
        "liars_dice" => Ok(Arc::new(liars_dice::Teacher::solve(liars_dice::Budget::default()))),
        "othello" => Ok(Arc::new(othello::Teacher::default())),
        _ => Err(Error::NoTeacher { name: game.to_owned(), known: GAMES.join(", ") }),
    }
}

/// A scripted opponent, by one of the names in [`BOTS`].
///
/// # Errors
/// [`Error::NoBot`] for other names.
pub fn bot(name: &str) -> Result<Arc<dyn Player>, Error> {
    if name == "random" {
        return Ok(Arc::new(player::Uniform));
    }
    let found = match name.split_once('/') {
        Some(("clobber", bot)) => clobber::bot(bot),
        Some(("gin_rummy", bot)) => gin_rummy::bot(bot),
        Some(("goofspiel", bot)) => goofspiel::bot(bot),
        Some(("leduc_poker", bot)) => leduc_poker::bot(bot),
        Some(("liars_dice", bot)) => liars_dice::bot(bot),
        Some(("othello", bot)) => othello::bot(bot),
        _ => None,
    };
    found.ok_or_else(|| Error::NoBot { name: name.to_owned(), known: BOTS.join(", ") })
}

#[cfg(test)]
mod tests;
