//! What a player of match play is, and the simplest one.

use games::Action;
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

/// The only legal action, or the legal one that `choose` finds; it is asked only where there is a choice.
///
/// # Errors
/// If nothing is legal, or what is found is not: then the state's text is another position's.
pub(crate) fn answer_legal(
    game: &'static str,
    view: &MatchView,
    choose: impl FnOnce() -> Result<Option<Action>, Error>,
) -> Result<MatchMove, Error> {
    match view.legal.as_slice() {
        [] => Err(Error::NothingLegal { game: view.game.clone() }),
        [(only, _)] => Ok(MatchMove::plain(*only)),
        legal => {
            let chosen = choose()?.filter(|action| legal.iter().any(|(id, _)| id == action));
            chosen.map(MatchMove::plain).ok_or_else(|| Error::Unreadable {
                game,
                what: "a position with the legal moves",
                text: view.state.clone(),
            })
        }
    }
}

/// A seed that depends on what a turn shows and on nothing else: a player that draws from it always answers the same.
///
/// # Source
/// FNV-1a, 64 bits.
pub(crate) fn text_seed(text: &str) -> u64 {
    let mixed = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mixed)
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
