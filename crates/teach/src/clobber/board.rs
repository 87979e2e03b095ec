//! A position of clobber as its mover sees it.

use games::Action;
use games::clobber::{Board, DIRECTIONS};
use schema::MatchView;

use super::GAME;
use crate::Error;
use crate::alpha_beta::{Position, Step, WON, mixed};

/// A stone that can take another.
const ACTIVE: i32 = 2;
/// A stone next to such a stone of its own colour: it can take revenge.
const SUPPORT: i32 = 3;
/// What a reply less is worth where moves are only put in order: fewer replies make a smaller tree.
const REPLY: i32 = 2;
/// Whoever is to move has a choice more.
const TO_MOVE: i32 = 1;

/// Stones that may still take part, one bit a cell, along the rows from the top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stones {
    pub(super) board: Board,
    pub(super) own: u64,
    pub(super) other: u64,
}

impl Stones {
    /// The stones in the turn's text. Seat 0 plays `o`.
    pub(super) fn read(view: &MatchView) -> Result<Self, Error> {
        let unreadable =
            || Error::Unreadable { game: GAME, what: "rows of stones", text: view.state.clone() };
        let is_stones = |cells: &str| !cells.is_empty() && cells.bytes().all(|cell| b".ox".contains(&cell));
        let rows: Vec<&str> = view
            .state
            .lines()
            .map(|line| line.trim().trim_start_matches(|c: char| c.is_ascii_digit()))
            .filter(|cells| is_stones(cells))
            .collect();
        let columns = rows.first().map_or(0, |row| row.len());
        let is_board =
            rows.iter().all(|row| row.len() == columns) && (2..=64).contains(&(rows.len() * columns));
        if !is_board {
            return Err(unreadable());
        }
        let mut stones = [0_u64; 2];
        for (cell, stone) in rows.iter().flat_map(|row| row.bytes()).enumerate() {
            match stone {
                b'o' => stones[0] |= 1 << cell,
                b'x' => stones[1] |= 1 << cell,
                _ => {}
            }
        }
        let board = Board::new(rows.len() as u32, columns as u32);
        let seat = view.seat.min(1);
        Ok(Self { board, own: stones[seat], other: stones[1 - seat] }.alive())
    }

    /// Without the stones that no chain of stones connects to a move: nothing can happen to them any more.
    pub(super) fn alive(self) -> Self {
        let Self { board, own, other } = self;
        let all = own | other;
        let mut reached = own & board.neighbours(other) | other & board.neighbours(own);
        loop {
            let next = all & (reached | board.neighbours(reached));
            if next == reached {
                return Self { board, own: own & reached, other: other & reached };
            }
            reached = next;
        }
    }

    /// After a move, as the other sees it.
    fn taken(self, from: u32, to: u32) -> Self {
        let Self { board, own, other } = self;
        Self { board, own: other ^ 1 << to, other: own ^ (1 << from | 1 << to) }.alive()
    }
}

impl Position for Stones {
    fn moves(&self, into: &mut Vec<Step<Self>>) {
        into.clear();
        for (direction, mut stones) in self.board.movable(self.own, self.other).into_iter().enumerate() {
            while stones != 0 {
                let from = stones.trailing_zeros();
                stones &= stones - 1;
                let after = self.taken(from, self.board.neighbour(from, direction));
                let replies: u32 =
                    self.board.movable(after.own, after.other).map(u64::count_ones).iter().sum();
                let promise = after.guess().map_or(WON, |worth| -worth - REPLY * replies as i32);
                into.push(Step {
                    action: (from as usize * DIRECTIONS + direction) as Action,
                    after,
                    promise,
                });
            }
        }
    }

    /// Whoever cannot move has lost; rather late than soon.
    fn end(&self, ply: usize) -> i32 {
        const LONGEST: i32 = 64;
        ply as i32 - LONGEST - WON
    }

    fn guess(&self) -> Option<i32> {
        let Self { board, own, other } = *self;
        let active = [own & board.neighbours(other), other & board.neighbours(own)];
        let support = [own & board.neighbours(active[0]), other & board.neighbours(active[1])];
        let more = |[own, other]: [u64; 2]| own.count_ones() as i32 - other.count_ones() as i32;
        (active[0] != 0).then(|| TO_MOVE + ACTIVE * more(active) + SUPPORT * more(support))
    }

    fn key(&self) -> u64 {
        mixed(self.own, self.other)
    }
}
