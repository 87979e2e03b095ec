//! Alpha-beta for games in which everything is seen and nothing is drawn by chance.
//!
//! Iterative deepening, a table of positions, the best known move first and the others by a quick guess. It counts
//! positions and never looks at a clock, so the position and the budget alone decide what it finds. Not here: what a
//! position is worth; the games say that.
//!
//! # Source
//! Principal variation search as in Marsland & Campbell, "Parallel search of strongly ordered game trees", 1982.

use std::cmp::Reverse;

use games::Action;

/// Values at least this far from 0 are certain.
pub(crate) const WON: i32 = 1_000_000;
/// Beyond every value.
const INFINITY: i32 = 2 * WON;

/// How much is searched for a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchBudget {
    /// Positions that are looked at.
    pub positions: u64,
    /// Positions that are remembered; a power of two, 16 bytes each, made anew for each move.
    pub table: usize,
}

/// A position as its mover sees it.
pub(crate) trait Position: Copy {
    /// Replaces `into` by all moves; none at the end.
    fn moves(&self, into: &mut Vec<Step<Self>>);
    /// Worth to the mover at the end, after `ply` moves of the search: 0, or at least [`WON`] away from it.
    fn end(&self, ply: usize) -> i32;
    /// Worth to the mover as it looks, nearer to 0 than [`WON`]; `None` at the end.
    fn guess(&self) -> Option<i32>;
    /// 64 bits by which positions are told apart.
    fn key(&self) -> u64;
}

/// A move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<P> {
    /// Its id.
    pub(crate) action: Action,
    /// The position that it leads to, as the other sees it.
    pub(crate) after: P,
    /// Moves with more of it are tried first.
    pub(crate) promise: i32,
}

/// What a search has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The best move.
    pub(crate) action: Action,
    /// Worth to the mover.
    pub(crate) value: i32,
    /// Moves that were looked ahead; 0 if the budget was too small for one.
    pub(crate) depth: usize,
}

/// The best move within `budget`; `None` where there is none.
///
/// # Panics
/// If the table's size is not a power of two.
pub(crate) fn best<P: Position>(position: &P, budget: SearchBudget) -> Option<Found> {
    assert!(budget.table.is_power_of_two(), "a table of {} positions", budget.table);
    let mut search = Search {
        table: vec![Entry::EMPTY; budget.table],
        steps: Vec::new(),
        left: budget.positions,
        is_cut: false,
    };
    let mut steps = Vec::new();
    position.moves(&mut steps);
    let first = steps.iter().max_by_key(|step| (step.promise, Reverse(step.action)))?;
    let mut found = Found { action: first.action, value: 0, depth: 0 };
    for depth in 1.. {
        search.is_cut = false;
        let Some(value) = search.value(position, depth, 0, -INFINITY, INFINITY) else { break };
        found = Found { action: search.at(position.key()).best, value, depth };
        if value.abs() >= WON || !search.is_cut {
            break;
        }
    }
    Some(found)
}

/// In a lost position, the move after which the smallest share of the replies wins: who errs there loses after all.
/// Each reply is searched within `budget`; one that is not decided then counts as half a win. The first of equals.
pub(crate) fn hardest<P: Position>(position: &P, budget: SearchBudget) -> Option<Action> {
    let (mut steps, mut replies) = (Vec::new(), Vec::new());
    position.moves(&mut steps);
    steps.sort_unstable_by_key(|step| (Reverse(step.promise), step.action));
    let mut easiness = |step: &Step<P>| {
        step.after.moves(&mut replies);
        let wins = replies.iter().map(|reply| match best(&reply.after, budget).map(|found| found.value) {
            Some(value) if value >= WON => 0.0,
            Some(value) if value > -WON => 0.5,
            _ => 1.0,
        });
        wins.sum::<f64>() / replies.len().max(1) as f64
    };
    let easiest = steps.iter().map(|step| (easiness(step), step.action));
    easiest.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, action)| action)
}

/// 64 bits of two boards.
pub(crate) fn mixed(own: u64, other: u64) -> u64 {
    let mut bits =
        own.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ other.wrapping_mul(0xd1b5_4a32_d192_ed03).rotate_left(32);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits ^ (bits >> 29)
}

/// Which side of its value a search has proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Exact,
    AtLeast,
    AtMost,
}

/// A remembered position.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u64,
    value: i32,
    best: Action,
    depth: u8,
    bound: Bound,
}

impl Entry {
    /// Proves nothing: every search is deeper.
    const EMPTY: Self = Self { key: 0, value: 0, best: Action::MAX, depth: 0, bound: Bound::Exact };

    fn proves(&self, depth: usize, alpha: i32, beta: i32) -> bool {
        usize::from(self.depth) >= depth
            && match self.bound {
                Bound::Exact => true,
                Bound::AtLeast => self.value >= beta,
                Bound::AtMost => self.value <= alpha,
            }
    }
}

struct Search<P> {
    table: Vec<Entry>,
    /// A list of moves for each ply, kept so that it is not allocated again.
    steps: Vec<Vec<Step<P>>>,
    left: u64,
    /// Whether some value is only a guess, because the search went no deeper.
    is_cut: bool,
}

impl<P: Position> Search<P> {
    fn at(&mut self, key: u64) -> &mut Entry {
        let slot = key as usize & (self.table.len() - 1);
        &mut self.table[slot]
    }

    /// Worth of a position `depth` moves deep; a bound where it lies outside `alpha..beta`. `None` without budget.
    fn value(&mut self, position: &P, depth: usize, ply: usize, mut alpha: i32, beta: i32) -> Option<i32> {
        self.left = self.left.checked_sub(1)?;
        if depth == 0 {
            let Some(guess) = position.guess() else { return Some(position.end(ply)) };
            self.is_cut = true;
            return Some(guess);
        }
        let key = position.key();
        let known = *self.at(key);
        let is_known = known.key == key;
        if is_known && known.proves(depth, alpha, beta) && ply > 0 {
            self.is_cut |= known.value.abs() < WON;
            return Some(known.value);
        }
        if self.steps.len() <= ply {
            self.steps.push(Vec::new());
        }
        // A search that runs out of budget drops the list, and with it everything else.
        let mut steps = std::mem::take(&mut self.steps[ply]);
        position.moves(&mut steps);
        if steps.is_empty() {
            self.steps[ply] = steps;
            return Some(position.end(ply));
        }
        if let Some(step) = steps.iter_mut().find(|step| is_known && step.action == known.best) {
            step.promise = i32::MAX;
        }
        steps.sort_unstable_by_key(|step| (Reverse(step.promise), step.action));
        let (low, mut best, mut best_action) = (alpha, -INFINITY, steps[0].action);
        for (tried, step) in steps.iter().enumerate() {
            let value = self.step_value(&step.after, depth - 1, ply + 1, (alpha, beta), tried > 0)?;
            if value > best {
                (best, best_action) = (value, step.action);
                alpha = alpha.max(value);
            }
            if alpha >= beta {
                break;
            }
        }
        self.steps[ply] = steps;
        let bound = match best {
            best if best >= beta => Bound::AtLeast,
            best if best <= low => Bound::AtMost,
            _ => Bound::Exact,
        };
        let depth = u8::try_from(depth).unwrap_or(u8::MAX);
        *self.at(key) = Entry { key, value: best, best: best_action, depth, bound };
        Some(best)
    }

    /// Worth of the position after a move to who made it. After the first move it is only asked whether it is more
    /// than what is known, and how much only if it is.
    fn step_value(
        &mut self,
        after: &P,
        depth: usize,
        ply: usize,
        (alpha, beta): (i32, i32),
        is_scouted: bool,
    ) -> Option<i32> {
        if is_scouted {
            let scout = -self.value(after, depth, ply, -alpha - 1, -alpha)?;
            if scout <= alpha || scout >= beta {
                return Some(scout);
            }
        }
        Some(-self.value(after, depth, ply, -beta, -alpha)?)
    }
}

#[cfg(test)]
mod tests;
