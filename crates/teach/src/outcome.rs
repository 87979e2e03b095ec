//! A game with its returns replaced by their sign: what match play counts.
//!
//! Everything that solves or measures games in `games` then works on wins, draws and losses.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use games::{Action, Game, Player, State};

/// `game`, worth 1 if it is won, 0 if drawn and −1 if lost.
#[derive(Clone, Debug)]
pub struct OutcomeGame(pub Arc<dyn Game>);

impl Game for OutcomeGame {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn spec(&self) -> String {
        self.0.spec()
    }

    fn num_distinct_actions(&self) -> usize {
        self.0.num_distinct_actions()
    }

    fn max_utility(&self) -> f64 {
        1.0
    }

    fn new_initial_state(&self) -> Box<dyn State> {
        Box::new(OutcomeState(self.0.new_initial_state()))
    }
}

#[derive(Clone, Debug)]
struct OutcomeState(Box<dyn State>);

impl fmt::Display for OutcomeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl State for OutcomeState {
    fn current_player(&self) -> Player {
        self.0.current_player()
    }

    fn legal_actions(&self, into: &mut Vec<Action>) {
        self.0.legal_actions(into);
    }

    fn chance_outcomes(&self, into: &mut Vec<(Action, f64)>) {
        self.0.chance_outcomes(into);
    }

    fn apply(&mut self, action: Action) {
        self.0.apply(action);
    }

    fn action_string(&self, player: Player, action: Action) -> String {
        self.0.action_string(player, action)
    }

    fn information_state_string(&self, seat: usize) -> Option<String> {
        self.0.information_state_string(seat)
    }

    fn observation_string(&self, seat: usize) -> Option<String> {
        self.0.observation_string(seat)
    }

    fn returns(&self) -> [f64; 2] {
        self.0.returns().map(sign)
    }

    fn clone_box(&self) -> Box<dyn State> {
        Box::new(self.clone())
    }

    fn copy_from(&mut self, other: &dyn State) {
        let other: &Self = other.as_any().downcast_ref().expect("both states are of the same game");
        self.0.copy_from(other.0.as_ref());
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// −1, 0 or 1.
pub(crate) fn sign(value: f64) -> f64 {
    if value > 0.0 {
        1.0
    } else if value < 0.0 {
        -1.0
    } else {
        0.0
    }
}
