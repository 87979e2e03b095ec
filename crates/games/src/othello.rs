//! Othello on 8 × 8 squares. `discs` knows moves and flips; this is the course of a game and how it shows.
//!
//! Seat 0 plays black (`x`) and begins. Squares are ids 0 to 63 from a1 along the rows; 64 passes, and is the only
//! legal action of a seat that cannot place a disc.
//!
//! # Source
//! Ids, order and strings as OpenSpiel 2.0.2's `othello`.

pub mod discs;

use std::any::Any;
use std::fmt;

use crate::game::same_kind;
use crate::history::History;
use crate::spec::Parameters;
use crate::{Action, Error, Game, Player, State};

const SIZE: u32 = 8;
const PASS: Action = 64;
/// Sixty discs are placed, and no two passes follow each other.
const MAX_ACTIONS: usize = 120;
const COLUMNS: &str = "  a b c d e f g h  ";

/// `othello()`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Othello;

impl Othello {
    pub(crate) const NAME: &'static str = "othello";

    pub(crate) fn from_parameters(parameters: Parameters<'_>) -> Result<Self, Error> {
        parameters.finish()?;
        Ok(Self)
    }
}

impl Game for Othello {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn spec(&self) -> String {
        format!("{}()", Self::NAME)
    }

    fn num_distinct_actions(&self) -> usize {
        usize::from(PASS) + 1
    }

    fn max_utility(&self) -> f64 {
        1.0
    }

    fn new_initial_state(&self) -> Box<dyn State> {
        Box::new(OthelloState::new())
    }
}

/// A position.
#[derive(Clone, Copy, Debug, PartialEq)]
struct OthelloState {
    /// Of seat 0 and of seat 1.
    discs: [u64; 2],
    mover: usize,
    /// Squares on which the mover may place a disc; none means a pass.
    squares: u64,
    over: bool,
    history: History<MAX_ACTIONS>,
}

impl OthelloState {
    /// Two discs each in the middle.
    fn new() -> Self {
        let discs = [1 << 28 | 1 << 35, 1 << 27 | 1 << 36];
        let squares = discs::moves(discs[0], discs[1]);
        Self { discs, mover: 0, squares, over: false, history: History::EMPTY }
    }

    /// Squares open to a seat.
    fn squares_of(&self, seat: usize) -> u64 {
        discs::moves(self.discs[seat], self.discs[1 - seat])
    }

    fn is_legal(&self, action: Action) -> bool {
        !self.over
            && if action < PASS {
                self.squares >> action & 1 == 1
            } else {
                action == PASS && self.squares == 0
            }
    }

    fn place(&mut self, square: u32) {
        let (own, other) = (self.discs[self.mover], self.discs[1 - self.mover]);
        let flips = discs::flips(own, other, square);
        self.discs[self.mover] = own | flips | 1 << square;
        self.discs[1 - self.mover] = other & !flips;
    }

    fn symbol(&self, square: u32) -> char {
        match self.discs.map(|discs| discs >> square & 1) {
            [0, 0] => '-',
            [_, 0] => 'x',
            _ => 'o',
        }
    }
}

impl State for OthelloState {
    fn current_player(&self) -> Player {
        if self.over { Player::Terminal } else { Player::Seat(self.mover) }
    }

    fn legal_actions(&self, into: &mut Vec<Action>) {
        into.clear();
        if self.over {
            return;
        }
        let mut squares = self.squares;
        while squares != 0 {
            into.push(squares.trailing_zeros() as Action);
            squares &= squares - 1;
        }
        if into.is_empty() {
            into.push(PASS);
        }
    }

    fn chance_outcomes(&self, into: &mut Vec<(Action, f64)>) {
        into.clear();
    }

    fn apply(&mut self, action: Action) {
        assert!(self.is_legal(action), "action {action} is not legal at\n{self}");
        if action != PASS {
            self.place(u32::from(action));
        }
        self.history.push(action);
        let next = 1 - self.mover;
        self.squares = self.squares_of(next);
        // A seat passes only where the other can move, so after a pass the game goes on.
        self.over = self.squares == 0 && self.squares_of(self.mover) == 0;
        self.mover = next;
    }

    fn action_string(&self, _player: Player, action: Action) -> String {
        if action == PASS {
            return "pass".to_owned();
        }
        let (row, column) = (action / SIZE as Action, action % SIZE as Action);
        format!("{}{}", char::from(b'a' + column as u8), row + 1)
    }

    fn information_state_string(&self, _seat: usize) -> Option<String> {
        Some(self.history.to_string())
    }

    fn observation_string(&self, _seat: usize) -> Option<String> {
        Some(self.to_string())
    }

    fn returns(&self) -> [f64; 2] {
        let [black, white] = self.discs.map(u64::count_ones);
        match black.cmp(&white) {
            std::cmp::Ordering::Greater if self.over => [1.0, -1.0],
            std::cmp::Ordering::Less if self.over => [-1.0, 1.0],
            _ => [0.0; 2],
        }
    }

    fn clone_box(&self) -> Box<dyn State> {
        Box::new(*self)
    }

    fn copy_from(&mut self, other: &dyn State) {
        *self = *same_kind(other);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl fmt::Display for OthelloState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = match (self.over, self.mover) {
            (true, _) => "Terminal State:",
            (_, 0) => "Black (x) to play:",
            _ => "White (o) to play:",
        };
        writeln!(f, "{heading}\n{COLUMNS}")?;
        for row in 0..SIZE {
            write!(f, "{} ", row + 1)?;
            for column in 0..SIZE {
                write!(f, "{} ", self.symbol(row * SIZE + column))?;
            }
            writeln!(f, "{}", row + 1)?;
        }
        f.write_str(COLUMNS)
    }
}

#[cfg(test)]
mod tests;
