//! Sequences that begin alike, put together so that their beginning is computed once.
//!
//! Turns of a game show the same rules and tools, completions of a group the same prompt, a pair of answers the same
//! question. Attention is causal: what stands at the beginning is the same whatever follows, and gradients are sums.

/// Whether sequences may share what they begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginnings {
    /// Each token of a beginning is there once, in trees of at most so many columns.
    Shared {
        /// Where attention writes all scores of a row, long ones would cost more than they save.
        columns: usize,
    },
    /// Every sequence stands for itself.
    Apart,
}

impl Beginnings {
    /// Whether rows must stay short.
    pub(super) fn is_bounded(self) -> bool {
        self != UNBOUNDED
    }
}

/// For those who only count, and for attention that never writes a row of scores.
pub(super) const UNBOUNDED: Beginnings = Beginnings::Shared { columns: usize::MAX };
/// A beginning of fewer tokens is not worth a tree.
const WORTH: usize = 8;
/// Sequences of one tree, at most: keeps the search for the best trees short.
const MEMBERS: usize = 256;

/// Sequences with a common beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    /// Indices of the sequences.
    pub(super) members: Vec<usize>,
    /// Tokens that all of them begin with, of which none is a whole sequence.
    pub(super) trunk: usize,
    n_tokens: usize,
}

impl Tree {
    /// Slots that the tree takes.
    pub(super) fn n_tokens(&self) -> usize {
        self.n_tokens
    }
}

/// Where the tokens of packed sequences are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// For each sequence the slot of its first token, the length of its trunk, and the slot of the token behind that.
    starts: Vec<(usize, usize, usize)>,
}

impl Slots {
    pub(super) fn new(starts: Vec<(usize, usize, usize)>) -> Self {
        Self { starts }
    }

    /// Index among all slots, `[B·T]`, of the token at `position` of a sequence.
    pub fn slot(&self, sequence: usize, position: usize) -> usize {
        let (root, trunk, branch) = self.starts[sequence];
        if position < trunk { root + position } else { branch + position - trunk }
    }
}

/// Slots that sequences take together, if beginnings are shared.
pub fn n_shared_slots<R: AsRef<[u32]>>(sequences: &[R]) -> usize {
    forest(sequences, UNBOUNDED).iter().map(Tree::n_tokens).sum()
}

/// For each sequence which of them share a beginning (those with the same number), and its length.
pub fn families<R: AsRef<[u32]>>(sequences: &[R]) -> Vec<(usize, usize)> {
    let mut found = vec![(0, 0); sequences.len()];
    for (family, tree) in forest(sequences, UNBOUNDED).into_iter().enumerate() {
        tree.members.into_iter().for_each(|member| found[member] = (family, tree.trunk));
    }
    found
}

/// Every sequence in one tree, so that they take the fewest slots; in the order of their first members.
pub(super) fn forest<R: AsRef<[u32]>>(sequences: &[R], beginnings: Beginnings) -> Vec<Tree> {
    let of_one = |idx: usize| Tree { members: vec![idx], trunk: 0, n_tokens: sequences[idx].as_ref().len() };
    let Beginnings::Shared { columns } = beginnings else {
        return (0..sequences.len()).map(of_one).collect();
    };
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by(|a, b| sequences[*a].as_ref().cmp(sequences[*b].as_ref()));
    let sorted: Vec<&[u32]> = order.iter().map(|idx| sequences[*idx].as_ref()).collect();
    let mut trees: Vec<Tree> = best_runs(&sorted, columns)
        .into_iter()
        .map(|(run, trunk)| match &order[run] {
            [one] => of_one(*one),
            members => {
                let n_tokens: usize = members.iter().map(|idx| sequences[*idx].as_ref().len() - trunk).sum();
                Tree { members: members.to_vec(), trunk, n_tokens: n_tokens + trunk }
            }
        })
        .collect();
    // Where nothing is shared, the caller's order.
    trees.iter_mut().for_each(|tree| tree.members.sort_unstable());
    trees.sort_by_key(|tree| tree.members[0]);
    trees
}

/// Sorted sequences cut into runs, each with the beginning that it shares, so that most is shared. Sorted neighbours are
/// those that are most alike, so the best trees are runs.
fn best_runs(sorted: &[&[u32]], columns: usize) -> Vec<(std::ops::Range<usize>, usize)> {
    let n = sorted.len();
    // For each end the most that can be shared before it, and the run that ends there.
    let mut best = vec![(0, 0, 0); n + 1];
    for end in 1..=n {
        let mut found = (best[end - 1].0, end - 1, 0);
        let (mut trunk, mut n_tokens) = (usize::MAX, sorted[end - 1].len());
        for start in (end.saturating_sub(MEMBERS)..end - 1).rev() {
            // Every branch has a token of its own.
            let own = sorted[start].len().min(sorted[start + 1].len()).saturating_sub(1);
            trunk = trunk.min(common(sorted[start], sorted[start + 1])).min(own);
            n_tokens += sorted[start].len();
            let shared = (end - start - 1) * trunk;
            if trunk < WORTH || n_tokens - shared > columns {
                break;
            }
            if best[start].0 + shared > found.0 {
                found = (best[start].0 + shared, start, trunk);
            }
        }
        best[end] = found;
    }
    let (mut runs, mut end) = (Vec::new(), n);
    while end > 0 {
        let (_, start, trunk) = best[end];
        runs.push((start..end, trunk));
        end = start;
    }
    runs
}

fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests;
