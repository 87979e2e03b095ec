//! A whole game, enumerated once into flat arrays: for games small enough to be solved.
//!
//! Nodes are in preorder (a parent before its children), so that a pass forwards carries reach probabilities down and
//! a pass backwards carries values up. What is solved with it is in [`crate::cfr`] and [`crate::best_response`].

use std::collections::HashMap;
use std::ops::Range;

use crate::{Action, Error, Game, Player, State};

/// Everything a seat can tell apart: one decision of one player.
#[derive(Clone, Debug)]
pub struct Infoset {
    /// The information-state string.
    pub key: String,
    /// Who decides.
    pub seat: usize,
    /// Legal actions, ascending.
    pub legal: Vec<Action>,
    /// One of the states that belong to it.
    pub state: Box<dyn State>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NodeKind {
    /// The end, with the return of seat 0.
    Terminal(f64),
    /// Children have probabilities.
    Chance,
    /// The seat of this infoset decides.
    Decision(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    /// Into [`GameTree::children`].
    children: Range<u32>,
}

/// A child and, after a chance node, its probability (else 1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child {
    pub(crate) node: usize,
    pub(crate) probability: f64,
}

/// A game's tree.
#[derive(Clone, Debug)]
pub struct GameTree {
    nodes: Vec<Node>,
    children: Vec<Child>,
    infosets: Vec<Infoset>,
    /// Where an infoset's actions begin in a flat table of all actions of all infosets.
    offsets: Vec<usize>,
    by_key: HashMap<String, usize>,
}

impl GameTree {
    /// Enough for leduc_poker (9,457 nodes) and liar's dice with one die of six sides (295,000) or two of three.
    pub const MAX_NODES: usize = 2_000_000;

    /// Enumerates `game`.
    ///
    /// # Errors
    /// [`Error::TreeTooLarge`] above [`GameTree::MAX_NODES`]; [`Error::NoInformationStates`] for gin_rummy.
    pub fn new(game: &dyn Game) -> Result<Self, Error> {
        let initial = game.new_initial_state();
        if initial.information_state_string(0).is_none() {
            return Err(Error::NoInformationStates { game: game.spec() });
        }
        // Counting is much cheaper than keeping, so a game that is too large is refused before it fills the memory.
        let mut left = Self::MAX_NODES;
        if !fits(initial.as_ref(), &mut left) {
            return Err(Error::TreeTooLarge { game: game.spec(), max_nodes: Self::MAX_NODES });
        }
        let mut tree = Self {
            nodes: Vec::new(),
            children: Vec::new(),
            infosets: Vec::new(),
            offsets: vec![0],
            by_key: HashMap::new(),
        };
        tree.add(initial.as_ref());
        Ok(tree)
    }

    /// All information sets, in the order of a depth-first walk.
    pub fn infosets(&self) -> &[Infoset] {
        &self.infosets
    }

    /// Index of the information set with this string.
    pub fn find(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    /// Number of nodes: chance, decisions and ends.
    pub fn num_nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Sum of the legal actions of all infosets.
    pub(crate) fn num_entries(&self) -> usize {
        self.offsets[self.infosets.len()]
    }

    /// Where the infoset's actions are in a flat table.
    pub(crate) fn entries(&self, infoset: usize) -> Range<usize> {
        self.offsets[infoset]..self.offsets[infoset + 1]
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn children(&self, node: usize) -> &[Child] {
        let Range { start, end } = self.nodes[node].children;
        &self.children[start as usize..end as usize]
    }

    /// Adds the subtree of `state` and returns its root.
    fn add(&mut self, state: &dyn State) -> usize {
        let mut branches = Vec::new();
        let kind = match state.current_player() {
            Player::Terminal => NodeKind::Terminal(state.returns()[0]),
            Player::Chance => {
                state.chance_outcomes(&mut branches);
                NodeKind::Chance
            }
            Player::Seat(seat) => {
                let infoset = self.infoset(state, seat);
                branches.extend(self.infosets[infoset].legal.iter().map(|&action| (action, 1.0)));
                NodeKind::Decision(infoset)
            }
        };
        let id = self.nodes.len();
        let first = self.children.len();
        self.children.extend(branches.iter().map(|&(_, probability)| Child { node: 0, probability }));
        let children = first as u32..self.children.len() as u32;
        self.nodes.push(Node { kind, children });
        for (i, (action, _)) in branches.into_iter().enumerate() {
            let mut child = state.clone_box();
            child.apply(action);
            self.children[first + i].node = self.add(child.as_ref());
        }
        id
    }

    fn infoset(&mut self, state: &dyn State, seat: usize) -> usize {
        let key = state.information_state_string(seat).expect("asked for at the root");
        if let Some(&index) = self.by_key.get(&key) {
            return index;
        }
        let mut legal = Vec::new();
        state.legal_actions(&mut legal);
        let index = self.infosets.len();
        self.offsets.push(self.offsets[index] + legal.len());
        self.by_key.insert(key.clone(), index);
        self.infosets.push(Infoset { key, seat, legal, state: state.clone_box() });
        index
    }
}

/// Counts the nodes below `state` down from `left`; false once there are more.
fn fits(state: &dyn State, left: &mut usize) -> bool {
    if *left == 0 {
        return false;
    }
    *left -= 1;
    let (mut actions, mut outcomes) = (Vec::new(), Vec::new());
    state.legal_actions(&mut actions);
    state.chance_outcomes(&mut outcomes);
    actions.extend(outcomes.iter().map(|outcome| outcome.0));
    let mut child = state.clone_box();
    actions.into_iter().all(|action| {
        child.copy_from(state);
        child.apply(action);
        fits(child.as_ref(), left)
    })
}

#[cfg(test)]
mod tests;
