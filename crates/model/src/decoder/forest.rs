//! Sequences that begin alike, put together so that their beginning is computed once.
//!
//! Turns of a game show the same rules and tools, completions of a group the same prompt, a pair of answers the same
//! question. Attention is causal: what stands at the beginning is the same whatever follows, and gradients are sums.

/// Whether sequences may share what they begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginnings {
    /// Each token of a beginning is there once.
    Shared,
    /// Every sequence stands for itself.
    Apart,
}

/// Columns that a tree of several sequences may take: where attention writes all scores of a row, longer ones would cost
/// more than they save.
const TREE_COLUMNS: usize = 4096;
/// A beginning of fewer tokens is not worth a tree.
const WORTH: usize = 8;

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
    fn of_one(member: usize, length: usize) -> Self {
        Self { members: vec![member], trunk: 0, n_tokens: length }
    }

    /// Slots that the tree takes.
    pub(super) fn n_tokens(&self) -> usize {
        self.n_tokens
    }

    /// Slots with one more sequence of `length` tokens, all of which begin with `trunk` tokens.
    fn n_tokens_with(&self, length: usize, trunk: usize) -> usize {
        let n = self.members.len();
        self.n_tokens + (n - 1) * self.trunk + length - n * trunk
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
    forest(sequences, Beginnings::Shared).iter().map(Tree::n_tokens).sum()
}

/// For each sequence which of them share a beginning (those with the same number), and its length.
pub fn families<R: AsRef<[u32]>>(sequences: &[R]) -> Vec<(usize, usize)> {
    let mut found = vec![(0, 0); sequences.len()];
    for (family, tree) in forest(sequences, Beginnings::Shared).into_iter().enumerate() {
        tree.members.into_iter().for_each(|member| found[member] = (family, tree.trunk));
    }
    found
}

/// Every sequence in one tree; the order of trees is that of their first members where nothing is shared.
pub(super) fn forest<R: AsRef<[u32]>>(sequences: &[R], beginnings: Beginnings) -> Vec<Tree> {
    let length = |idx: usize| sequences[idx].as_ref().len();
    if beginnings == Beginnings::Apart {
        return (0..sequences.len()).map(|idx| Tree::of_one(idx, length(idx))).collect();
    }
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by(|a, b| sequences[*a].as_ref().cmp(sequences[*b].as_ref()));
    let mut trees: Vec<Tree> = Vec::new();
    for idx in order {
        let tokens = sequences[idx].as_ref();
        let Some(tree) = trees.last_mut() else {
            trees.push(Tree::of_one(idx, tokens.len()));
            continue;
        };
        let first = sequences[tree.members[0]].as_ref();
        let last = sequences[tree.members[tree.members.len() - 1]].as_ref();
        let shared = common(last, tokens);
        // Every branch has a token of its own, and sorted neighbours are those that are most alike.
        let bound = if tree.members.len() == 1 { first.len().saturating_sub(1) } else { tree.trunk };
        let trunk = shared.min(bound).min(tokens.len().saturating_sub(1));
        let saved = (tree.members.len() - 1) * tree.trunk;
        let n_tokens = tree.n_tokens_with(tokens.len(), trunk);
        let is_worth = trunk >= WORTH && tree.members.len() * trunk > saved;
        if is_worth && n_tokens <= TREE_COLUMNS.max(first.len()) {
            *tree = Tree { members: [tree.members.as_slice(), &[idx]].concat(), trunk, n_tokens };
        } else {
            trees.push(Tree::of_one(idx, tokens.len()));
        }
    }
    trees.sort_by_key(|tree| tree.members[0]);
    trees
}

fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests;
