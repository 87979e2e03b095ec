//! What a player of match play is, and the simplest one.

use schema::{MatchMove, MatchView};

use crate::Error;

/// A scripted player of match play: a teacher or a bot. It sees what a model would see, and no more.
pub trait Player: Send + Sync {
    /// What reports call it, e.g. `liars_dice/threshold`.
    fn name(&self) -> String;

    /// The answer to a turn. `draw` is a number in [0, 1) that depends on the game's seed and the turn alone, for
    /// players that mix; given it, the answer is determined.
    ///
    /// # Errors
    /// If the turn is not one of the player's game.
    fn answer(&self, view: &MatchView, draw: f64) -> Result<MatchMove, Error>;
}

/// A uniformly random legal action.
///
/// # Errors
/// [`Error::NothingLegal`] if there is none.
pub fn random(view: &MatchView, draw: f64) -> Result<MatchMove, Error> {
    let last = view.legal.len().checked_sub(1);
    let last = last.ok_or_else(|| Error::NothingLegal { game: view.game.clone() })?;
    let drawn = (draw * view.legal.len() as f64) as usize;
    Ok(MatchMove::plain(view.legal[drawn.min(last)].0))
}

/// Plays [`random`] actions, in any game.
pub(crate) struct Uniform;

impl Player for Uniform {
    fn name(&self) -> String {
        "random".to_owned()
    }

    fn answer(&self, view: &MatchView, draw: f64) -> Result<MatchMove, Error> {
        random(view, draw)
    }
}
