//! Moves and flips of othello on bit boards: bit `8 · row + column`, row 0 on top.
//!
//! A line of discs is followed by shifting all of them at once, six steps for the eight columns of the board.

/// Columns b to g: a line that is followed sideways cannot turn the corner through them.
const INNER: u64 = 0x7e7e_7e7e_7e7e_7e7e;
/// Distances of neighbours in the four lines, and the squares through which a line may go on.
const LINES: [(u32, u64); 4] = [(1, INNER), (7, INNER), (8, u64::MAX), (9, INNER)];
/// A line holds at most six discs between two others.
const LONGEST: usize = 6;

/// Empty squares on which a disc of `own` brackets discs of `other`.
pub fn moves(own: u64, other: u64) -> u64 {
    let mut found = 0;
    for (by, inner) in LINES {
        let through = other & inner;
        let (mut up, mut down) = ((own << by) & through, (own >> by) & through);
        for _ in 1..LONGEST {
            up |= (up << by) & through;
            down |= (down >> by) & through;
        }
        found |= (up << by) | (down >> by);
    }
    found & !(own | other)
}

/// Discs of `other` that a new disc of `own` on `square` turns over.
pub fn flips(own: u64, other: u64, square: u32) -> u64 {
    let placed = 1_u64 << square;
    let mut found = 0;
    for (by, inner) in LINES {
        let through = other & inner;
        let (mut up, mut down) = ((placed << by) & through, (placed >> by) & through);
        for _ in 1..LONGEST {
            up |= (up << by) & through;
            down |= (down >> by) & through;
        }
        if (up << by) & own != 0 {
            found |= up;
        }
        if (down >> by) & own != 0 {
            found |= down;
        }
    }
    found
}
