//! The two traits every game implements.

use std::fmt::{Debug, Display};

/// Id of an action or of a chance outcome, as OpenSpiel numbers them.
pub type Action = u16;

/// Who acts next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Player {
    /// The rules draw an outcome.
    Chance,
    /// Seat 0 or 1.
    Seat(usize),
    /// Nobody: the game is over.
    Terminal,
}

impl Player {
    /// OpenSpiel's number: −1 chance, −4 terminal.
    pub fn id(self) -> i32 {
        match self {
            Self::Chance => -1,
            Self::Seat(seat) => seat as i32,
            Self::Terminal => -4,
        }
    }
}

/// A game with fixed parameters: makes initial states.
pub trait Game: Debug + Send + Sync {
    /// OpenSpiel's short name, e.g. `leduc_poker`.
    fn name(&self) -> &'static str;

    /// Name with parameters, as OpenSpiel loads it, e.g. `gin_rummy(hand_size=7,knock_card=10)`.
    fn spec(&self) -> String;

    /// Action ids are below this.
    fn num_distinct_actions(&self) -> usize;

    /// Largest return of a player; the smallest is its negative (all games here are zero-sum).
    fn max_utility(&self) -> f64;

    /// True where OpenSpiel has both seats move at once. The states here ask seat 0 first and seat 1 second, and show
    /// neither what the other has chosen.
    fn is_simultaneous(&self) -> bool {
        false
    }

    /// A state before anything has happened.
    fn new_initial_state(&self) -> Box<dyn State>;
}

/// A position. Prints as OpenSpiel's `str(state)`.
pub trait State: Debug + Display + Send + Sync {
    /// Who acts next.
    fn current_player(&self) -> Player;

    /// Replaces `into` by the ids that the current player may play, ascending; empty at chance and terminal states.
    ///
    /// gin_rummy has rare states that are not terminal and yet have no legal action, as OpenSpiel's has: a knock with
    /// three sets of three and no card to spare, after which no discard keeps the deadwood low enough.
    fn legal_actions(&self, into: &mut Vec<Action>);

    /// Replaces `into` by outcomes and probabilities; empty unless at a chance state.
    fn chance_outcomes(&self, into: &mut Vec<(Action, f64)>);

    /// Plays an action or a chance outcome.
    ///
    /// # Panics
    /// If it is not legal here.
    fn apply(&mut self, action: Action);

    /// What `action` means when `player` plays it.
    fn action_string(&self, player: Player, action: Action) -> String;

    /// Appends [`State::action_string`] to `into`; games whose turns are shown by the million do not allocate for it.
    fn write_action(&self, player: Player, action: Action, into: &mut String) {
        into.push_str(&self.action_string(player, action));
    }

    /// Perfect-recall text of what `seat` knows; `None` where OpenSpiel has none for the game (gin_rummy).
    fn information_state_string(&self, seat: usize) -> Option<String>;

    /// Text of what `seat` sees now; `None` where OpenSpiel has none for the game (liars_dice).
    fn observation_string(&self, seat: usize) -> Option<String>;

    /// Returns of both seats so far; zero before the end in all games here.
    fn returns(&self) -> [f64; 2];

    /// A copy.
    fn clone_box(&self) -> Box<dyn State>;

    /// Makes this a copy of `other` without allocating. Both must be of the same game.
    fn copy_from(&mut self, other: &dyn State);

    /// For [`State::copy_from`].
    fn as_any(&self) -> &dyn std::any::Any;

    /// True after the last action.
    fn is_terminal(&self) -> bool {
        self.current_player() == Player::Terminal
    }
}

impl Clone for Box<dyn State> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// `other` as a state of the same game, for implementations of [`State::copy_from`].
///
/// # Panics
/// If it is one of another game.
pub(crate) fn same_kind<S: State + 'static>(other: &dyn State) -> &S {
    other.as_any().downcast_ref().expect("both states are of the same game")
}
