//! Clobber: a stone moves onto a neighbouring stone of the other seat and takes it; who cannot move loses.
//!
//! Seat 0 plays white (`o`), has the lower left corner and begins. An action is `4 · cell + direction`: cells along
//! the rows from the top, directions up, right, down, left. Boards of up to 64 cells, so that a colour fits one word.
//!
//! # Source
//! Ids, order and strings as OpenSpiel 2.0.2's `clobber`. One deviation: [`State::returns`] is zero before the end,
//! as for every game here, where OpenSpiel's says −1 and 1.

use std::any::Any;
use std::fmt;

use crate::game::same_kind;
use crate::history::History;
use crate::spec::Parameters;
use crate::{Action, Error, Game, Player, State};

const MAX_SIDE: i32 = 8;
/// Each move takes a stone, and the last stone stays.
const MAX_ACTIONS: usize = 64;
/// Directions of a move: up, right, down, left.
pub const DIRECTIONS: usize = 4;

/// `clobber(columns=…,rows=…)`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clobber {
    board: Board,
}

/// Size of a variant, and which cells are neighbours. Cells go along the rows from the top, one bit each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Board {
    rows: u32,
    columns: u32,
    /// All cells but those of the first column.
    has_left: u64,
    /// All cells but those of the last column.
    has_right: u64,
}

impl Board {
    /// A board of at most 64 cells.
    pub fn new(rows: u32, columns: u32) -> Self {
        let column = (0..rows).fold(0, |cells, row| cells | 1_u64 << (row * columns));
        Self { rows, columns, has_left: !column, has_right: !(column << (columns - 1)) }
    }

    /// For each direction the stones of `own` that have one of `other` next to them.
    pub fn movable(self, own: u64, other: u64) -> [u64; DIRECTIONS] {
        [
            own & (other << self.columns),
            own & (other >> 1) & self.has_right,
            own & (other >> self.columns),
            own & (other << 1) & self.has_left,
        ]
    }

    /// The cell next to `cell`, which must have one in that direction.
    pub fn neighbour(self, cell: u32, direction: usize) -> u32 {
        match direction {
            0 => cell - self.columns,
            1 => cell + 1,
            2 => cell + self.columns,
            _ => cell - 1,
        }
    }

    /// Cells next to one of `cells`.
    pub fn neighbours(self, cells: u64) -> u64 {
        let beside = (cells >> 1) & self.has_right | (cells << 1) & self.has_left;
        beside | cells >> self.columns | cells << self.columns
    }

    /// A letter for the column, then the row counted from below.
    fn cell_name(self, cell: u32) -> String {
        let column = char::from(b'a' + (cell % self.columns) as u8);
        format!("{column}{}", self.rows - cell / self.columns)
    }
}

impl Clobber {
    pub(crate) const NAME: &'static str = "clobber";

    pub(crate) fn from_parameters(mut parameters: Parameters<'_>) -> Result<Self, Error> {
        let columns = parameters.int("columns", 6, 2..=MAX_SIDE)? as u32;
        let rows = parameters.int("rows", 5, 2..=MAX_SIDE)? as u32;
        parameters.finish()?;
        Ok(Self { board: Board::new(rows, columns) })
    }
}

impl Game for Clobber {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn spec(&self) -> String {
        format!("{}(columns={},rows={})", Self::NAME, self.board.columns, self.board.rows)
    }

    fn num_distinct_actions(&self) -> usize {
        (self.board.rows * self.board.columns) as usize * DIRECTIONS
    }

    fn max_utility(&self) -> f64 {
        1.0
    }

    fn new_initial_state(&self) -> Box<dyn State> {
        Box::new(ClobberState::new(self.board))
    }
}

/// A position.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ClobberState {
    board: Board,
    /// Of seat 0 and of seat 1.
    stones: [u64; 2],
    /// At the end the seat that cannot move.
    mover: usize,
    /// Stones of the mover that can take another, by direction.
    movable: [u64; DIRECTIONS],
    history: History<MAX_ACTIONS>,
}

impl ClobberState {
    /// Both colours in turn, white in the lower left corner.
    fn new(board: Board) -> Self {
        let mut stones = [0; 2];
        for cell in 0..board.rows * board.columns {
            let (row, column) = (cell / board.columns, cell % board.columns);
            stones[((board.rows - 1 - row + column) % 2) as usize] |= 1 << cell;
        }
        let movable = board.movable(stones[0], stones[1]);
        Self { board, stones, mover: 0, movable, history: History::EMPTY }
    }

    fn is_over(&self) -> bool {
        self.movable == [0; DIRECTIONS]
    }

    fn is_legal(&self, action: Action) -> bool {
        let (cell, direction) = (action / DIRECTIONS as Action, usize::from(action) % DIRECTIONS);
        u32::from(cell) < u64::BITS && self.movable[direction] >> cell & 1 == 1
    }
}

impl State for ClobberState {
    fn current_player(&self) -> Player {
        if self.is_over() { Player::Terminal } else { Player::Seat(self.mover) }
    }

    fn legal_actions(&self, into: &mut Vec<Action>) {
        into.clear();
        let mut stones = self.movable.iter().fold(0, |stones, movable| stones | movable);
        while stones != 0 {
            let cell = stones.trailing_zeros();
            let first = cell as Action * DIRECTIONS as Action;
            for (direction, movable) in self.movable.iter().enumerate() {
                if movable >> cell & 1 == 1 {
                    into.push(first + direction as Action);
                }
            }
            stones &= stones - 1;
        }
    }

    fn chance_outcomes(&self, into: &mut Vec<(Action, f64)>) {
        into.clear();
    }

    fn apply(&mut self, action: Action) {
        assert!(self.is_legal(action), "action {action} is not legal at\n{self}");
        let from = u32::from(action) / DIRECTIONS as u32;
        let to = self.board.neighbour(from, usize::from(action) % DIRECTIONS);
        let next = 1 - self.mover;
        self.stones[self.mover] ^= 1 << from | 1 << to;
        self.stones[next] ^= 1 << to;
        self.history.push(action);
        self.mover = next;
        // Two neighbours of different colours can take each other, so if one seat cannot move neither can the other.
        self.movable = self.board.movable(self.stones[next], self.stones[1 - next]);
    }

    fn action_string(&self, _player: Player, action: Action) -> String {
        let (cell, direction) = (u32::from(action) / DIRECTIONS as u32, usize::from(action) % DIRECTIONS);
        format!(
            "{}{}",
            self.board.cell_name(cell),
            self.board.cell_name(self.board.neighbour(cell, direction))
        )
    }

    fn information_state_string(&self, _seat: usize) -> Option<String> {
        Some(self.history.to_string())
    }

    fn observation_string(&self, _seat: usize) -> Option<String> {
        Some(self.to_string())
    }

    fn returns(&self) -> [f64; 2] {
        match (self.is_over(), self.mover) {
            (false, _) => [0.0; 2],
            (true, 0) => [-1.0, 1.0],
            (true, _) => [1.0, -1.0],
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

impl fmt::Display for ClobberState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Board { rows, columns, .. } = self.board;
        for row in 0..rows {
            write!(f, "{}", rows - row)?;
            for cell in row * columns..(row + 1) * columns {
                f.write_str(match self.stones.map(|stones| stones >> cell & 1) {
                    [0, 0] => ".",
                    [_, 0] => "o",
                    _ => "x",
                })?;
            }
            writeln!(f)?;
        }
        let letters: String = ('a'..).take(columns as usize).collect();
        writeln!(f, " {letters}")
    }
}

#[cfg(test)]
mod tests;
