//! A position of othello as its mover sees it.

use games::Action;
use games::othello::discs;
use schema::MatchView;

use super::{GAME, worth};
use crate::Error;
use crate::alpha_beta::{Position, Step, WON, mixed};

const SIZE: usize = 8;
const PASS: Action = 64;

/// Discs, one bit a square, along the rows from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Board {
    pub(super) own: u64,
    pub(super) other: u64,
}

impl Board {
    /// The board in the turn's text. Seat 0 plays `x`.
    pub(super) fn read(view: &MatchView) -> Result<Self, Error> {
        let unreadable =
            || Error::Unreadable { game: GAME, what: "eight rows of discs", text: view.state.clone() };
        let (mut discs, mut n_rows) = ([0_u64; 2], 0);
        for line in view.state.lines() {
            let mut words = line.split_ascii_whitespace();
            let row = words.next().and_then(|word| word.parse::<usize>().ok());
            let Some(row) = row.filter(|row| (1..=SIZE).contains(row)) else { continue };
            let squares: Vec<&str> = words.take(SIZE).collect();
            if squares.len() < SIZE {
                return Err(unreadable());
            }
            for (column, disc) in squares.into_iter().enumerate() {
                let square = 1 << ((row - 1) * SIZE + column);
                match disc {
                    "x" => discs[0] |= square,
                    "o" => discs[1] |= square,
                    "-" => {}
                    _ => return Err(unreadable()),
                }
            }
            n_rows += 1;
        }
        if n_rows != SIZE {
            return Err(unreadable());
        }
        let seat = view.seat.min(1);
        Ok(Self { own: discs[seat], other: discs[1 - seat] })
    }

    /// Squares open to the mover.
    pub(super) fn squares(self) -> u64 {
        discs::moves(self.own, self.other)
    }

    /// The same discs as the other sees them.
    pub(super) fn passed(self) -> Self {
        Self { own: self.other, other: self.own }
    }

    /// After a disc of the mover's, as the other sees it.
    pub(super) fn placed(self, square: u32) -> Self {
        let flips = discs::flips(self.own, self.other, square);
        Self { own: self.other & !flips, other: self.own | flips | 1 << square }
    }

    /// Discs of whoever is not to move.
    pub(super) fn discs_of_other(self) -> u32 {
        self.other.count_ones()
    }
}

impl Position for Board {
    fn moves(&self, into: &mut Vec<Step<Self>>) {
        into.clear();
        let mut squares = self.squares();
        if squares == 0 && self.passed().squares() != 0 {
            into.push(Step { action: PASS, after: self.passed(), promise: 0 });
        }
        while squares != 0 {
            let square = squares.trailing_zeros();
            squares &= squares - 1;
            let after = self.placed(square);
            // Fewer replies make a smaller tree, and are good besides.
            let replies = after.squares().count_ones() as i32;
            into.push(Step {
                action: square as Action,
                after,
                promise: worth::of_square(square) - 4 * replies,
            });
        }
    }

    fn end(&self, _ply: usize) -> i32 {
        let ahead = self.own.count_ones() as i32 - self.other.count_ones() as i32;
        // Sure of the result, it still takes all discs that it can.
        ahead.signum() * WON + ahead
    }

    fn guess(&self) -> Option<i32> {
        worth::of_board(*self)
    }

    fn key(&self) -> u64 {
        mixed(self.own, self.other)
    }
}
