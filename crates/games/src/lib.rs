//! Rules of the games, pure and deterministic, in OpenSpiel's terms and conformant with open_spiel 2.0.2.
//!
//! Also what is computed from the rules alone: the numpy-legacy random generator, MCTS as the sidecar's opponent
//! plays it, CFR+, best response, exploitability, and how a game of match play starts and shows itself. No I/O, no
//! clocks, no global state.

pub mod best_response;
pub mod cfr;
pub mod clobber;
mod error;
mod game;
pub mod gin_rummy;
mod goofspiel;
mod history;
mod kuhn;
mod leduc;
mod liars_dice;
pub mod match_play;
pub mod mcts;
mod number;
pub mod othello;
mod playouts;
mod policy;
pub mod rng;
mod spec;
mod tree;

pub use error::Error;
pub use game::{Action, Game, Player, State};
pub use playouts::{Playouts, playouts};
pub use policy::TabularPolicy;
pub use spec::{GAME_NAMES, load_game};
pub use tree::{GameTree, Infoset};
