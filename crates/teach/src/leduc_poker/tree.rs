//! The whole game with wins, draws and losses at its ends, and exact scores on it.

use std::collections::HashMap;

use games::{Action, GameTree, Player, State, TabularPolicy, cfr, load_game};

use super::facts::{Facts, Weights};
use crate::match_text::{Betting, view};
use crate::outcome::sign;
use crate::{Error, OutcomeGame, Utility};

/// Weights of the actions at each information set, by index.
pub(super) type Strategy = Vec<Weights>;

/// Which text a player reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FactsKind {
    /// With the betting so far.
    Shown,
    /// Without.
    Hidden,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    /// 1, 0 or −1 for seat 0.
    End(f64),
    /// Probabilities and children.
    Chance(Vec<(f64, usize)>),
    /// Actions and children.
    Decision { infoset: usize, children: Vec<(Action, usize)> },
}

#[derive(Clone, Debug)]
pub(super) struct Infoset {
    /// As OpenSpiel prints it.
    key: String,
    legal: Vec<Action>,
    pub(super) facts: Facts,
}

/// Nodes; the root is 0.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) infosets: Vec<Infoset>,
}

/// The tree, and the CFR+ average policy of the game with `utility`.
pub(super) fn with_equilibrium(utility: Utility, iterations: usize) -> Result<(Tree, TabularPolicy), Error> {
    let chips = load_game("leduc_poker(players=2)")?;
    let mut tree = Tree { nodes: Vec::new(), infosets: Vec::new() };
    tree.add(chips.new_initial_state().as_ref(), &mut HashMap::new())?;
    let flat = match utility {
        Utility::Returns => GameTree::new(chips.as_ref())?,
        Utility::Outcome => GameTree::new(&OutcomeGame(chips))?,
    };
    let mut solver = cfr::CfrPlus::new(&flat);
    solver.run(iterations);
    Ok((tree, solver.average_policy()))
}

impl Tree {
    fn add(&mut self, state: &dyn State, known: &mut HashMap<String, usize>) -> Result<usize, Error> {
        let id = self.nodes.len();
        self.nodes.push(Node::End(0.0));
        let mut after = |tree: &mut Self, action| {
            let mut child = state.clone_box();
            child.apply(action);
            tree.add(child.as_ref(), known)
        };
        self.nodes[id] = match state.current_player() {
            Player::Terminal => Node::End(sign(state.returns()[0])),
            Player::Chance => {
                let mut outcomes = Vec::new();
                state.chance_outcomes(&mut outcomes);
                let children = outcomes.into_iter().map(|(outcome, p)| Ok((p, after(self, outcome)?)));
                Node::Chance(children.collect::<Result<_, Error>>()?)
            }
            Player::Seat(seat) => {
                let mut legal = Vec::new();
                state.legal_actions(&mut legal);
                let children = legal.iter().map(|&action| Ok((action, after(self, action)?)));
                let children = children.collect::<Result<_, Error>>()?;
                Node::Decision { infoset: self.infoset(state, seat, legal, known)?, children }
            }
        };
        Ok(id)
    }

    fn infoset(
        &mut self,
        state: &dyn State,
        seat: usize,
        legal: Vec<Action>,
        known: &mut HashMap<String, usize>,
    ) -> Result<usize, Error> {
        let key = state.information_state_string(seat).expect("leduc has information states");
        if let Some(&index) = known.get(&key) {
            return Ok(index);
        }
        let shown = view("leduc_poker", state, Betting::Shown).expect("a seat is to act");
        self.infosets.push(Infoset { key: key.clone(), legal, facts: Facts::read(&shown)? });
        known.insert(key, self.infosets.len() - 1);
        Ok(self.infosets.len() - 1)
    }

    /// A policy of `games` by information set.
    pub(super) fn strategy(&self, policy: &TabularPolicy) -> Strategy {
        let weights = |infoset: &Infoset| {
            let mut weights = [0.0; 3];
            for (i, &action) in infoset.legal.iter().enumerate() {
                let known = policy.get(&infoset.key);
                weights[usize::from(action)] = known.map_or(1.0 / infoset.legal.len() as f64, |p| p[i]);
            }
            weights
        };
        self.infosets.iter().map(weights).collect()
    }

    /// A rule by information set, its weights scaled to sum to 1.
    pub(super) fn strategy_by(&self, rule: impl Fn(&Facts) -> Weights) -> Strategy {
        let scaled = |infoset: &Infoset| {
            let weights = rule(&infoset.facts);
            weights.map(|weight| weight / weights.iter().sum::<f64>())
        };
        self.infosets.iter().map(scaled).collect()
    }

    /// A table by information set, read as a player reads it.
    pub(super) fn strategy_of_table(&self, table: &HashMap<Facts, Weights>, kind: FactsKind) -> Strategy {
        self.strategy_by(|facts| match kind {
            FactsKind::Shown => table[facts],
            FactsKind::Hidden => table[&facts.hidden()],
        })
    }

    /// Wins and half of the draws of `own` against `other`, mean of both seats.
    pub(super) fn score(&self, own: &Strategy, other: &Strategy) -> f64 {
        let (first, second) = (self.value(0, [own, other]), -self.value(0, [other, own]));
        (1.0 + (first + second) / 2.0) / 2.0
    }

    fn value(&self, node: usize, strategies: [&Strategy; 2]) -> f64 {
        match &self.nodes[node] {
            Node::End(value) => *value,
            Node::Chance(children) => {
                children.iter().map(|&(p, child)| p * self.value(child, strategies)).sum()
            }
            Node::Decision { infoset, children } => {
                let weights = strategies[self.infosets[*infoset].facts.seat][*infoset];
                let played = children.iter().filter(|(action, _)| weights[usize::from(*action)] > 0.0);
                played
                    .map(|&(action, child)| weights[usize::from(action)] * self.value(child, strategies))
                    .sum()
            }
        }
    }

    /// A table for both kinds of text: where several information sets look the same, their mean, weighted by how
    /// often the strategy gets there when it plays itself.
    pub(super) fn summarise(&self, strategy: &Strategy) -> HashMap<Facts, Weights> {
        // What is never reached still has weights of its own to show.
        let mut reached = vec![1e-12; self.infosets.len()];
        self.reach(0, 1.0, strategy, &mut reached);
        let mut table: HashMap<Facts, Weights> = HashMap::new();
        for (infoset, (weights, reached)) in self.infosets.iter().zip(strategy.iter().zip(reached)) {
            let hidden = infoset.facts.hidden();
            let keys =
                if hidden == infoset.facts { vec![hidden] } else { vec![hidden, infoset.facts.clone()] };
            for key in keys {
                let sums = table.entry(key).or_insert([0.0; 3]);
                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += reached * weight);
            }
        }
        table
    }

    fn reach(&self, node: usize, probability: f64, strategy: &Strategy, reached: &mut [f64]) {
        match &self.nodes[node] {
            Node::End(_) => {}
            Node::Chance(children) => {
                children.iter().for_each(|&(p, child)| self.reach(child, probability * p, strategy, reached));
            }
            Node::Decision { infoset, children } => {
                reached[*infoset] += probability;
                for &(action, child) in children {
                    let weight = strategy[*infoset][usize::from(action)];
                    self.reach(child, probability * weight, strategy, reached);
                }
            }
        }
    }
}
