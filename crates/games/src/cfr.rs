//! CFR+: equilibria of small games.
//!
//! # Source
//! Tammelin et al., "Solving heads-up limit Texas hold'em", IJCAI 2015. As OpenSpiel's `CFRPlusSolver`: alternating
//! updates, regrets cut at 0 after each, average weighted by the iteration.

use crate::policy::{TabularPolicy, normalise};
use crate::tree::{GameTree, NodeKind};
use crate::{Error, Game};

/// The average policy of CFR+ after `iterations`.
///
/// # Errors
/// As [`GameTree::new`].
pub fn solve(game: &dyn Game, iterations: usize) -> Result<TabularPolicy, Error> {
    let tree = GameTree::new(game)?;
    let mut solver = CfrPlus::new(&tree);
    solver.run(iterations);
    Ok(solver.average_policy())
}

/// A solver that can be asked for its policy between iterations.
#[derive(Clone, Debug)]
pub struct CfrPlus<'t> {
    tree: &'t GameTree,
    iteration: usize,
    /// One entry for each action of each infoset, as in the four below.
    regrets: Vec<f64>,
    current: Vec<f64>,
    average: Vec<f64>,
    /// Probability that a seat's own moves lead to a node.
    own_reach: [Vec<f64>; 2],
    chance_reach: Vec<f64>,
    /// Value of a node to seat 0.
    values: Vec<f64>,
}

impl<'t> CfrPlus<'t> {
    /// A solver before its first iteration.
    pub fn new(tree: &'t GameTree) -> Self {
        let (nodes, entries) = (tree.num_nodes(), tree.num_entries());
        let mut chance_reach = vec![1.0; nodes];
        for node in 0..nodes {
            for child in tree.children(node) {
                chance_reach[child.node] = chance_reach[node] * child.probability;
            }
        }
        Self {
            tree,
            iteration: 0,
            regrets: vec![0.0; entries],
            current: TabularPolicy::uniform().flatten(tree),
            average: vec![0.0; entries],
            own_reach: [vec![1.0; nodes], vec![1.0; nodes]],
            chance_reach,
            values: vec![0.0; nodes],
        }
    }

    /// Does so many more iterations.
    pub fn run(&mut self, iterations: usize) {
        for _ in 0..iterations {
            self.iteration += 1;
            for seat in 0..2 {
                self.carry_reach_down();
                self.carry_values_up();
                self.update_regrets(seat);
                self.match_regrets(seat);
            }
        }
    }

    /// The policy that approaches equilibrium.
    pub fn average_policy(&self) -> TabularPolicy {
        TabularPolicy::from_flat(self.tree, &self.average)
    }

    fn carry_reach_down(&mut self) {
        for (node, kind) in self.tree.nodes().iter().map(|node| node.kind).enumerate() {
            let reach = [self.own_reach[0][node], self.own_reach[1][node]];
            for (i, child) in self.tree.children(node).iter().enumerate() {
                let mut reach = reach;
                if let NodeKind::Decision(infoset) = kind {
                    let seat = self.tree.infosets()[infoset].seat;
                    reach[seat] *= self.current[self.tree.entries(infoset).start + i];
                }
                self.own_reach[0][child.node] = reach[0];
                self.own_reach[1][child.node] = reach[1];
            }
        }
    }

    fn carry_values_up(&mut self) {
        for (node, kind) in self.tree.nodes().iter().map(|node| node.kind).enumerate().rev() {
            let children = self.tree.children(node);
            self.values[node] = match kind {
                NodeKind::Terminal(value) => value,
                NodeKind::Chance => {
                    children.iter().map(|child| child.probability * self.values[child.node]).sum()
                }
                NodeKind::Decision(infoset) => {
                    let policy = &self.current[self.tree.entries(infoset)];
                    children.iter().zip(policy).map(|(child, p)| p * self.values[child.node]).sum()
                }
            };
        }
    }

    /// Adds the seat's counterfactual regrets, and its policy to the average.
    fn update_regrets(&mut self, seat: usize) {
        let sign = if seat == 0 { 1.0 } else { -1.0 };
        for (node, kind) in self.tree.nodes().iter().map(|node| node.kind).enumerate() {
            let NodeKind::Decision(infoset) = kind else {
                continue;
            };
            if self.tree.infosets()[infoset].seat != seat {
                continue;
            }
            let counterfactual_reach = self.chance_reach[node] * self.own_reach[1 - seat][node];
            let own_reach = self.own_reach[seat][node] * self.iteration as f64;
            for (entry, child) in self.tree.entries(infoset).zip(self.tree.children(node)) {
                let advantage = self.values[child.node] - self.values[node];
                self.regrets[entry] += sign * counterfactual_reach * advantage;
                self.average[entry] += own_reach * self.current[entry];
            }
        }
    }

    /// Cuts the seat's regrets at 0 and plays in proportion to what is left.
    fn match_regrets(&mut self, seat: usize) {
        for (index, infoset) in self.tree.infosets().iter().enumerate() {
            if infoset.seat == seat {
                let entries = self.tree.entries(index);
                self.regrets[entries.clone()].iter_mut().for_each(|regret| *regret = regret.max(0.0));
                let current = &mut self.current[entries.clone()];
                current.copy_from_slice(&self.regrets[entries]);
                normalise(current);
            }
        }
    }
}
