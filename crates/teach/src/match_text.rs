//! A turn as match play shows it, as teachers and bots read it.

use games::{Action, Player, State, match_play};
use schema::{MatchView, Memory};

pub use games::match_play::Betting;

/// The turn of the seat that is to act in `state`, with empty notes; `None` if no seat is.
pub fn view(game: &str, state: &dyn State, betting: Betting) -> Option<MatchView> {
    let mut screen = Screen::new(game, betting);
    screen.show(state)?;
    Some(screen.view)
}

/// Shows one turn after the other in the same memory.
#[derive(Clone, Debug)]
pub struct Screen {
    view: MatchView,
    betting: Betting,
    ids: Vec<Action>,
    /// Labels that the turn has no use for.
    spare: Vec<String>,
}

impl Screen {
    /// A screen for turns of `game`.
    pub fn new(game: &str, betting: Betting) -> Self {
        let view = MatchView {
            game: game.to_owned(),
            seat: 0,
            state: String::new(),
            legal: Vec::new(),
            memory: Memory::default(),
        };
        Self { view, betting, ids: Vec::new(), spare: Vec::new() }
    }

    /// [`view`] of `state`.
    pub fn show(&mut self, state: &dyn State) -> Option<&MatchView> {
        let mover = state.current_player();
        let Player::Seat(seat) = mover else { return None };
        let Self { view, betting, ids, spare } = self;
        view.seat = seat;
        view.state.clear();
        match_play::write_state_text(&view.game, state, seat, *betting, &mut view.state);
        state.legal_actions(ids);
        if view.legal.len() > ids.len() {
            spare.extend(view.legal.drain(ids.len()..).map(|(_, label)| label));
        }
        view.legal.resize_with(ids.len(), || (0, spare.pop().unwrap_or_default()));
        for ((id, label), &action) in view.legal.iter_mut().zip(ids.iter()) {
            *id = action;
            label.clear();
            state.write_action(mover, action, label);
        }
        Some(view)
    }
}

#[cfg(test)]
mod tests;
