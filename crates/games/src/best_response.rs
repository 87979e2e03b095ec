//! Exact values on a game tree: of a pair of policies, of the best response, and how far a policy is from equilibrium.

use crate::policy::TabularPolicy;
use crate::tree::{GameTree, NodeKind};

/// Expected return of seat 0 if seat 0 plays by the first policy and seat 1 by the second.
pub fn expected_value(tree: &GameTree, policies: [&TabularPolicy; 2]) -> f64 {
    let flat = policies.map(|policy| policy.flatten(tree));
    let mut values = vec![0.0; tree.num_nodes()];
    for node in (0..tree.num_nodes()).rev() {
        let children = tree.children(node);
        values[node] = match tree.nodes()[node].kind {
            NodeKind::Terminal(value) => value,
            NodeKind::Chance => children.iter().map(|child| child.probability * values[child.node]).sum(),
            NodeKind::Decision(infoset) => {
                let probabilities = &flat[tree.infosets()[infoset].seat][tree.entries(infoset)];
                children.iter().zip(probabilities).map(|(child, p)| p * values[child.node]).sum()
            }
        };
    }
    values[0]
}

/// What a seat can get at most against a policy.
#[derive(Clone, Debug)]
pub struct BestResponse {
    /// Expected return of the responding seat.
    pub value: f64,
    /// Its moves, one action of probability 1 at each of its infosets; uniform at the other seat's.
    pub policy: TabularPolicy,
}

/// The best response of `seat` to `policy` in the other seat.
pub fn best_response(tree: &GameTree, policy: &TabularPolicy, seat: usize) -> BestResponse {
    let mut search = Search::new(tree, policy, seat);
    let value = search.value(0);
    let choices = search.choices;
    let mut infosets = choices.iter();
    let policy = TabularPolicy::from_fn(tree, |infoset| {
        let chosen = infosets.next().expect("one call for each infoset");
        (0..infoset.legal.len())
            .map(|i| if chosen.is_none_or(|chosen| chosen == i) { 1.0 } else { 0.0 })
            .collect()
    });
    BestResponse { value, policy }
}

/// Sum over both seats of what a best response gains against `policy`.
///
/// The games are zero-sum, so the policy's own value cancels.
pub fn nash_conv(tree: &GameTree, policy: &TabularPolicy) -> f64 {
    (0..2).map(|seat| Search::new(tree, policy, seat).value(0)).sum()
}

/// Half of [`nash_conv`]: what the policy loses a game, on average over seats, to the best opponent.
pub fn exploitability(tree: &GameTree, policy: &TabularPolicy) -> f64 {
    nash_conv(tree, policy) / 2.0
}

/// A best response being found: infosets are decided on first sight, from all of their nodes at once.
struct Search<'t> {
    tree: &'t GameTree,
    seat: usize,
    policy: Vec<f64>,
    /// Probability that chance and the opponent lead to a node.
    reach: Vec<f64>,
    /// Nodes of each infoset.
    members: Vec<Vec<usize>>,
    choices: Vec<Option<usize>>,
    values: Vec<Option<f64>>,
}

impl<'t> Search<'t> {
    fn new(tree: &'t GameTree, policy: &TabularPolicy, seat: usize) -> Self {
        let policy = policy.flatten(tree);
        let mut reach = vec![0.0; tree.num_nodes()];
        let mut members = vec![Vec::new(); tree.infosets().len()];
        reach[0] = 1.0;
        for node in 0..tree.num_nodes() {
            let own = match tree.nodes()[node].kind {
                NodeKind::Decision(infoset) => {
                    members[infoset].push(node);
                    (tree.infosets()[infoset].seat != seat).then(|| &policy[tree.entries(infoset)])
                }
                _ => None,
            };
            for (i, child) in tree.children(node).iter().enumerate() {
                reach[child.node] = reach[node] * child.probability * own.map_or(1.0, |policy| policy[i]);
            }
        }
        let choices = vec![None; members.len()];
        let values = vec![None; tree.num_nodes()];
        Self { tree, seat, policy, reach, members, choices, values }
    }

    /// Value of a node to the responding seat.
    fn value(&mut self, node: usize) -> f64 {
        if let Some(value) = self.values[node] {
            return value;
        }
        let tree = self.tree;
        let children = tree.children(node);
        let value = match tree.nodes()[node].kind {
            NodeKind::Terminal(value) if self.seat == 0 => value,
            NodeKind::Terminal(value) => -value,
            NodeKind::Chance => children.iter().map(|child| child.probability * self.value(child.node)).sum(),
            NodeKind::Decision(infoset) if tree.infosets()[infoset].seat == self.seat => {
                let choice = self.choice(infoset);
                self.value(children[choice].node)
            }
            NodeKind::Decision(infoset) => {
                let first = tree.entries(infoset).start;
                children
                    .iter()
                    .enumerate()
                    .map(|(i, child)| self.policy[first + i] * self.value(child.node))
                    .sum()
            }
        };
        self.values[node] = Some(value);
        value
    }

    /// Index of the best action of an infoset of the responding seat.
    fn choice(&mut self, infoset: usize) -> usize {
        if let Some(choice) = self.choices[infoset] {
            return choice;
        }
        let tree = self.tree;
        let mut totals = vec![0.0; tree.infosets()[infoset].legal.len()];
        for member in 0..self.members[infoset].len() {
            let node = self.members[infoset][member];
            for (total, child) in totals.iter_mut().zip(tree.children(node)) {
                *total += self.reach[node] * self.value(child.node);
            }
        }
        let best = (1..totals.len()).fold(0, |best, i| if totals[i] > totals[best] { i } else { best });
        self.choices[infoset] = Some(best);
        best
    }
}
