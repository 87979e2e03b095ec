//! A turn as match play shows it, as teachers and bots read it.

use games::{Player, State, match_play};
use schema::{MatchView, Memory};

pub use games::match_play::Betting;

/// The turn of the seat that is to act in `state`, with empty notes; `None` if no seat is.
pub fn view(game: &str, state: &dyn State, betting: Betting) -> Option<MatchView> {
    let Player::Seat(seat) = state.current_player() else { return None };
    Some(MatchView {
        game: game.to_owned(),
        seat,
        state: match_play::state_text_with(game, state, seat, betting),
        legal: match_play::legal(state),
        memory: Memory::default(),
    })
}

#[cfg(test)]
mod tests;
