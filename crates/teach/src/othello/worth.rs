//! What a position of othello looks like to its mover: moves, squares next to corners, discs that cannot be turned.
//!
//! Weights are round figures from common knowledge of the game: few discs and many moves early, corners always, the
//! squares that give a corner away never.

use super::board::Board;

const CORNERS: u64 = 0x8100_0000_0000_0081;
const LEFT: u64 = 0x0101_0101_0101_0101;
const RIGHT: u64 = LEFT << 7;
const TOP: u64 = 0xff;
const BOTTOM: u64 = TOP << 56;
/// Each corner with the square next to it on the diagonal and the two on the edges.
const REGIONS: [(u64, u64, u64); 4] = [
    (1, 1 << 9, 1 << 1 | 1 << 8),
    (1 << 7, 1 << 14, 1 << 6 | 1 << 15),
    (1 << 56, 1 << 49, 1 << 48 | 1 << 57),
    (1 << 63, 1 << 54, 1 << 55 | 1 << 62),
];

/// A move more than the other has.
const MOVE: i32 = 8;
/// An empty square next to a disc of the other's: where one may move later.
const FRONTIER: i32 = 3;
const CORNER: i32 = 70;
/// A disc that can never be turned.
const STABLE: i32 = 14;
/// A disc diagonally next to an empty corner, and one beside it.
const GIVES_CORNER: i32 = 40;
const NEAR_CORNER: i32 = 14;

/// Worth to the mover; `None` if nobody can move.
pub(super) fn of_board(board: Board) -> Option<i32> {
    let (own_moves, other_moves) = (board.squares(), board.passed().squares());
    if own_moves | other_moves == 0 {
        return None;
    }
    let Board { own, other } = board;
    let filled = own | other;
    let more = |own: u64, other: u64| own.count_ones() as i32 - other.count_ones() as i32;
    let frontier = more(around(other) & !filled, around(own) & !filled);
    let mut worth = MOVE * more(own_moves, other_moves) + FRONTIER * frontier;
    worth += CORNER * more(own & CORNERS, other & CORNERS);
    for (corner, diagonal, beside) in REGIONS {
        if filled & corner == 0 {
            worth -= GIVES_CORNER * more(own & diagonal, other & diagonal);
            worth -= NEAR_CORNER * more(own & beside, other & beside);
        }
    }
    Some(worth + STABLE * more(stable(own, filled), stable(other, filled)))
}

/// How soon a move there is looked at.
pub(super) fn of_square(square: u32) -> i32 {
    let placed = 1_u64 << square;
    if placed & CORNERS != 0 {
        return 40;
    }
    let gives = REGIONS.iter().any(|(_, diagonal, _)| placed & diagonal != 0);
    let is_near = REGIONS.iter().any(|(_, _, beside)| placed & beside != 0);
    if gives {
        -20
    } else if is_near {
        -8
    } else {
        0
    }
}

/// One step to the sides.
fn beside(discs: u64) -> u64 {
    (discs << 1) & !LEFT | (discs >> 1) & !RIGHT
}

/// The discs and all squares next to them.
fn around(discs: u64) -> u64 {
    let row = discs | beside(discs);
    row | row << 8 | row >> 8
}

/// Discs that can never be turned, as far as corners and full rows and columns prove it: in each of the four lines
/// through such a disc there is no square beyond it, or the next disc is one like it, or the line is full.
fn stable(own: u64, filled: u64) -> u64 {
    if own & CORNERS == 0 {
        return 0;
    }
    let (mut rows, mut columns) = (0, 0);
    for i in 0..8 {
        let (row, column) = (TOP << (8 * i), LEFT << i);
        rows |= if filled & row == row { row } else { 0 };
        columns |= if filled & column == column { column } else { 0 };
    }
    let (sides, ends) = (LEFT | RIGHT, TOP | BOTTOM);
    let mut stable = own & CORNERS;
    loop {
        let across = sides | rows | beside(stable);
        let down = ends | columns | stable << 8 | stable >> 8;
        let falling = sides | ends | (stable << 9) & !LEFT | (stable >> 9) & !RIGHT;
        let rising = sides | ends | (stable << 7) & !RIGHT | (stable >> 7) & !LEFT;
        let next = own & across & down & falling & rising;
        if next == stable {
            return stable;
        }
        stable = next;
    }
}
