//! The search tree: nodes in one vector, children of a node side by side.

use std::cmp::Ordering;
use std::ops::Range;

use crate::{Action, Player};

/// Index of a node.
pub(super) type NodeId = usize;

/// A state, named by the action that leads to it.
#[derive(Clone, Debug)]
struct Node {
    /// Meaningless at the root.
    action: Action,
    /// Who played it; at the root, who is to move.
    player: Player,
    explore_count: u32,
    /// Sum of returns to the player who decided to come here.
    total_reward: f64,
    /// Returns, once they are certain.
    outcome: Option<[f64; 2]>,
    children: Range<NodeId>,
}

impl Node {
    fn new(action: Action, player: Player) -> Self {
        Self { action, player, explore_count: 0, total_reward: 0.0, outcome: None, children: 0..0 }
    }

    /// The proven return to the player of this node's action.
    fn proven(&self) -> Option<f64> {
        self.outcome.map(|returns| returns[seat(self.player)])
    }
}

/// All nodes of one search; node 0 is the root.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// Forgets everything but a new root.
    pub(super) fn reset(&mut self, mover: Player) -> NodeId {
        self.nodes.clear();
        self.nodes.push(Node::new(0, mover));
        0
    }

    pub(super) fn action(&self, node: NodeId) -> Action {
        self.nodes[node].action
    }

    pub(super) fn is_visited(&self, node: NodeId) -> bool {
        self.nodes[node].explore_count > 0
    }

    pub(super) fn is_expanded(&self, node: NodeId) -> bool {
        !self.nodes[node].children.is_empty()
    }

    pub(super) fn is_proven(&self, node: NodeId) -> bool {
        self.nodes[node].outcome.is_some()
    }

    /// Makes the returns of a node certain.
    pub(super) fn prove(&mut self, node: NodeId, returns: [f64; 2]) {
        self.nodes[node].outcome = Some(returns);
    }

    /// Gives `node` a child for each action of `player`.
    pub(super) fn expand(&mut self, node: NodeId, player: Player, actions: &[Action]) {
        let first = self.nodes.len();
        self.nodes.extend(actions.iter().map(|&action| Node::new(action, player)));
        self.nodes[node].children = first..self.nodes.len();
    }

    /// The child that `action` leads to.
    pub(super) fn child_of(&self, node: NodeId, action: Action) -> NodeId {
        let mut children = self.nodes[node].children.clone();
        children.find(|&child| self.nodes[child].action == action).expect("every outcome has a child")
    }

    /// The first child with the highest upper confidence bound; one never tried is above all.
    pub(super) fn best_by_uct(&self, node: NodeId, uct_c: f64) -> NodeId {
        let Node { explore_count, children, .. } = &self.nodes[node];
        let log_parent = f64::from(*explore_count).ln();
        let uct = |child: &Node| match (child.proven(), child.explore_count) {
            (Some(value), _) => value,
            (None, 0) => f64::INFINITY,
            (None, n) => {
                let n = f64::from(n);
                child.total_reward / n + uct_c * (log_parent / n).sqrt()
            }
        };
        let mut best = (f64::NEG_INFINITY, children.start);
        for child in children.clone() {
            let value = uct(&self.nodes[child]);
            if value > best.0 {
                best = (value, child);
            }
        }
        best.1
    }

    /// The move to play: the highest proven value (0 where none is), then visits, then reward; the first of equals.
    pub(super) fn best_action(&self, node: NodeId) -> Option<Action> {
        let mut children = self.nodes[node].children.clone().map(|child| &self.nodes[child]);
        let first = children.next()?;
        let best =
            children.fold(first, |best, child| if preference(child, best).is_gt() { child } else { best });
        Some(best.action)
    }

    /// Adds the returns of one simulation along its path, and proves what follows from a proven leaf.
    pub(super) fn back_up(&mut self, path: &[NodeId], returns: [f64; 2], mut solved: bool, max_utility: f64) {
        for i in (0..path.len()).rev() {
            // An outcome counts for whoever decided last before it.
            let decided = path[..=i].iter().rev().map(|&node| self.nodes[node].player);
            let decider = decided.into_iter().find(|&player| player != Player::Chance);
            let node = &mut self.nodes[path[i]];
            node.total_reward += returns[seat(decider.expect("a seat moves at the root"))];
            node.explore_count += 1;
            if solved && !node.children.is_empty() {
                let outcome = self.outcome_from_children(path[i], max_utility);
                solved = outcome.is_some();
                if solved {
                    self.nodes[path[i]].outcome = outcome;
                }
            }
        }
    }

    /// What the children prove: a win if one is a win, the best if all are proven; at chance only if all are equal.
    fn outcome_from_children(&self, node: NodeId, max_utility: f64) -> Option<[f64; 2]> {
        let children = &self.nodes[self.nodes[node].children.clone()];
        if children[0].player == Player::Chance {
            return children[0]
                .outcome
                .filter(|_| children.iter().all(|child| child.outcome == children[0].outcome));
        }
        let mover = seat(children[0].player);
        let mut best: Option<[f64; 2]> = None;
        for outcome in children.iter().filter_map(|child| child.outcome) {
            if best.is_none_or(|best| outcome[mover] > best[mover]) {
                best = Some(outcome);
            }
        }
        let all_proven = children.iter().all(|child| child.outcome.is_some());
        best.filter(|best| all_proven || best[mover] == max_utility)
    }
}

fn preference(a: &Node, b: &Node) -> Ordering {
    // Returns are never NaN; 0 and -0 are equal, as in Python.
    let compare = |a: f64, b: f64| a.partial_cmp(&b).unwrap_or(Ordering::Equal);
    let value = |node: &Node| node.proven().unwrap_or(0.0);
    compare(value(a), value(b))
        .then(a.explore_count.cmp(&b.explore_count))
        .then(compare(a.total_reward, b.total_reward))
}

fn seat(player: Player) -> usize {
    match player {
        Player::Seat(seat) => seat,
        other => unreachable!("only seats have returns, not {other:?}"),
    }
}
