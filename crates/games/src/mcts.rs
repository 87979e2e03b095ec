//! Monte-Carlo tree search as the sidecar's opponent plays it, random draw by random draw.
//!
//! It searches from the true state, so it sees what is hidden from its seat; only future chance is sampled. A tree
//! is made for each move and forgotten; the two random streams go on through the game. A knock in gin rummy can leave
//! a hand without a legal discard (all cards melded, none to spare); there a playout ends with the returns so far.
//!
//! # Source
//! OpenSpiel 2.0.2 `python/algorithms/mcts.py` (`MCTSBot`) with affinetes' rollout evaluator, which draws chance
//! outcomes in playouts as it draws actions: uniformly, one bounded integer each.

mod tree;

use crate::rng::RandomState;
use crate::{Action, Game, Player, State};
use tree::{NodeId, Tree};

/// Settings of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MctsConfig {
    /// Weight of exploration.
    pub uct_c: f64,
    /// Simulations a move; fewer than two try no action, and the first legal one is played.
    pub max_simulations: usize,
    /// Playouts that evaluate a new node.
    pub n_rollouts: usize,
    /// Whether results of finished games are proven up the tree.
    pub solve: bool,
}

/// A player that searches.
#[derive(Clone, Debug)]
pub struct MctsBot {
    config: MctsConfig,
    max_utility: f64,
    rollout_rng: RandomState,
    tree_rng: RandomState,
    tree: Tree,
    path: Vec<NodeId>,
    actions: Vec<Action>,
    outcomes: Vec<(Action, f64)>,
}

impl MctsBot {
    /// A bot for one seat of one game.
    ///
    /// # Panics
    /// If `config` has no rollouts.
    pub fn new(game: &dyn Game, config: MctsConfig, rollout_rng: RandomState, tree_rng: RandomState) -> Self {
        assert!(config.n_rollouts > 0, "a node is evaluated by at least one rollout");
        Self {
            config,
            max_utility: game.max_utility(),
            rollout_rng,
            tree_rng,
            tree: Tree::default(),
            path: Vec::new(),
            actions: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    /// The move of the seat that is to act in `state`.
    ///
    /// # Panics
    /// If nobody is to act there.
    pub fn step(&mut self, state: &dyn State) -> Action {
        let mover = state.current_player();
        assert!(matches!(mover, Player::Seat(_)), "no seat is to act at {state}");
        let root = self.tree.reset(mover);
        let (mut leaf, mut playout) = (state.clone_box(), state.clone_box());
        for _ in 0..self.config.max_simulations {
            leaf.copy_from(state);
            self.descend(root, leaf.as_mut());
            let (returns, solved) = if leaf.is_terminal() {
                let returns = leaf.returns();
                self.tree.prove(self.leaf(), returns);
                (returns, self.config.solve)
            } else {
                (self.evaluate(leaf.as_ref(), playout.as_mut()), false)
            };
            self.tree.back_up(&self.path, returns, solved, self.max_utility);
            if self.tree.is_proven(root) {
                break;
            }
        }
        self.tree.best_action(root).unwrap_or_else(|| {
            state.legal_actions(&mut self.actions);
            self.actions[0]
        })
    }

    fn leaf(&self) -> NodeId {
        *self.path.last().expect("a path begins at the root")
    }

    /// Walks down to a node that is terminal or not yet visited; leaves the way in `path` and the position in `state`.
    fn descend(&mut self, root: NodeId, state: &mut dyn State) {
        self.path.clear();
        self.path.push(root);
        let mut node = root;
        while !state.is_terminal() && self.tree.is_visited(node) {
            let player = state.current_player();
            if !self.tree.is_expanded(node) {
                self.expand(node, player, state);
            }
            if !self.tree.is_expanded(node) {
                break;
            }
            node = if player == Player::Chance {
                state.chance_outcomes(&mut self.outcomes);
                let drawn = self.tree_rng.choice_weighted_by(self.outcomes.iter().map(|outcome| outcome.1));
                self.tree.child_of(node, self.outcomes[drawn].0)
            } else {
                self.tree.best_by_uct(node, self.config.uct_c)
            };
            state.apply(self.tree.action(node));
            self.path.push(node);
        }
    }

    /// Adds a child for each action or outcome, in shuffled order.
    fn expand(&mut self, node: NodeId, player: Player, state: &dyn State) {
        self.list_actions(state);
        self.tree_rng.shuffle(&mut self.actions);
        self.tree.expand(node, player, &self.actions);
    }

    /// Mean returns of random playouts.
    fn evaluate(&mut self, state: &dyn State, playout: &mut dyn State) -> [f64; 2] {
        let mut sum = [0.0; 2];
        for _ in 0..self.config.n_rollouts {
            playout.copy_from(state);
            while !playout.is_terminal() {
                self.list_actions(playout);
                if self.actions.is_empty() {
                    break;
                }
                let drawn = self.rollout_rng.choice(self.actions.len());
                playout.apply(self.actions[drawn]);
            }
            let returns = playout.returns();
            sum = [sum[0] + returns[0], sum[1] + returns[1]];
        }
        sum.map(|sum| sum / self.config.n_rollouts as f64)
    }

    /// Legal actions, or at a chance state its outcomes.
    fn list_actions(&mut self, state: &dyn State) {
        if state.current_player() == Player::Chance {
            state.chance_outcomes(&mut self.outcomes);
            self.actions.clear();
            self.actions.extend(self.outcomes.iter().map(|outcome| outcome.0));
        } else {
            state.legal_actions(&mut self.actions);
        }
    }
}

#[cfg(test)]
mod tests;
