//! The move table that takes most from the reference population without ever folding.
//!
//! Against a player who never folds the cards alone decide, and each of them can still win or draw: to fold is to give
//! that away, so a policy that is nowhere below one half cannot fold anywhere it may get to. Among the others the
//! mean score against the population is maximised: exactly where the betting is shown (a best response by backward
//! induction), by steepest single changes where it is not (hands that look the same then share a move).

use std::collections::HashMap;

use super::facts::{CALL, FOLD, Facts, RAISE, Weights};
use super::population::Member;
use super::tree::{Node, Tree};

/// Gains below this are rounding.
const TOLERANCE: f64 = 1e-9;

/// Moves for both kinds of text. In the first round they are the same: there the texts tell the same.
pub(super) fn solve(tree: &Tree, population: &[Member]) -> HashMap<Facts, Weights> {
    let shown = Views::new(tree, Facts::clone);
    let best = shown.best_response(tree, population);
    let hidden = Views::new(tree, Facts::hidden);
    // Hands that look the same begin with the move of any of them; what counts is improved from there.
    let mut start = vec![RAISE; hidden.facts.len()];
    for (infoset, &view) in hidden.of_infoset.iter().enumerate() {
        start[view] = best[shown.of_infoset[infoset]];
    }
    let improved = hidden.ascend(tree, population, start);
    let table = |views: &Views, moves: &[u16]| -> Vec<(Facts, Weights)> {
        let weights = |facts: &Facts, action| if action == RAISE { facts.raise() } else { facts.call() };
        let rows = views.facts.iter().zip(moves);
        rows.map(|(facts, &action)| (facts.clone(), weights(facts, action))).collect()
    };
    table(&hidden, &improved).into_iter().chain(table(&shown, &best)).collect()
}

/// Information sets grouped by what a player is shown of them.
struct Views {
    facts: Vec<Facts>,
    of_infoset: Vec<usize>,
}

impl Views {
    fn new(tree: &Tree, show: impl Fn(&Facts) -> Facts) -> Self {
        let (mut index, mut facts) = (HashMap::new(), Vec::new());
        let mut of_infoset = Vec::new();
        for infoset in &tree.infosets {
            let seen = show(&infoset.facts);
            let view = *index.entry(seen.clone()).or_insert_with(|| {
                facts.push(seen);
                facts.len() - 1
            });
            of_infoset.push(view);
        }
        Self { facts, of_infoset }
    }

    /// Backward induction: values of later moves settle first, so a few passes settle all.
    fn best_response(&self, tree: &Tree, population: &[Member]) -> Vec<u16> {
        let mut moves = vec![RAISE; self.facts.len()];
        loop {
            let totals = self.totals(tree, population, &moves, Reach::Others);
            let better = |view: usize| gain(&totals[view], moves[view]) > TOLERANCE;
            let changed: Vec<usize> = (0..moves.len()).filter(|&view| better(view)).collect();
            if changed.is_empty() {
                return moves;
            }
            changed.into_iter().for_each(|view| moves[view] = other(moves[view]));
        }
    }

    /// Changes one move of the second round at a time, always the one that gains most, until none gains.
    fn ascend(&self, tree: &Tree, population: &[Member], mut moves: Vec<u16>) -> Vec<u16> {
        loop {
            let totals = self.totals(tree, population, &moves, Reach::All);
            let second_round = (0..moves.len()).filter(|&view| self.facts[view].public.is_some());
            let gains = second_round.map(|view| (gain(&totals[view], moves[view]), view));
            match gains.max_by(|a, b| a.0.total_cmp(&b.0)) {
                Some((gained, view)) if gained > TOLERANCE => moves[view] = other(moves[view]),
                _ => return moves,
            }
        }
    }

    /// For each view the weighted value of each move, over all places that look like it.
    fn totals(&self, tree: &Tree, population: &[Member], moves: &[u16], reach: Reach) -> Vec<Weights> {
        let mut totals = vec![[0.0, 0.0, f64::NEG_INFINITY]; self.facts.len()];
        for (total, _) in totals.iter_mut().zip(&self.facts).filter(|(_, facts)| facts.may_raise) {
            total[usize::from(RAISE)] = 0.0;
        }
        for member in population {
            for seat in 0..2 {
                let mut walk = Walk { views: self, tree, member, moves, seat, reach, totals: &mut totals };
                walk.visit(0, member.weight, 1.0);
            }
        }
        totals
    }
}

/// What the other move is worth more.
fn gain(totals: &Weights, played: u16) -> f64 {
    totals[usize::from(other(played))] - totals[usize::from(played)]
}

fn other(played: u16) -> u16 {
    if played == RAISE { CALL } else { RAISE }
}

/// Whose moves weigh a place.
#[derive(Clone, Copy)]
enum Reach {
    /// Chance and the opponent: every place counts.
    Others,
    /// Everybody: what the player's own moves avoid counts nothing.
    All,
}

struct Walk<'a> {
    views: &'a Views,
    tree: &'a Tree,
    member: &'a Member,
    moves: &'a [u16],
    seat: usize,
    reach: Reach,
    totals: &'a mut [Weights],
}

impl Walk<'_> {
    /// Value of a node to the seat, under its moves.
    fn visit(&mut self, node: usize, others: f64, own: f64) -> f64 {
        let tree = self.tree;
        match &tree.nodes[node] {
            Node::End(value) if self.seat == 0 => *value,
            Node::End(value) => -*value,
            Node::Chance(children) => {
                children.iter().map(|&(p, child)| p * self.visit(child, others * p, own)).sum()
            }
            Node::Decision { infoset, children } if tree.infosets[*infoset].facts.seat != self.seat => {
                let weights = self.member.strategy[*infoset];
                let mut sum = 0.0;
                for &(action, child) in children {
                    let p = weights[usize::from(action)];
                    if p > 0.0 {
                        sum += p * self.visit(child, others * p, own);
                    }
                }
                sum
            }
            Node::Decision { infoset, children } => {
                let view = self.views.of_infoset[*infoset];
                // A player that may not raise calls.
                let played = if self.views.facts[view].may_raise { self.moves[view] } else { CALL };
                let weight = match self.reach {
                    Reach::Others => others,
                    Reach::All => others * own,
                };
                let mut value = 0.0;
                for &(action, child) in children.iter().filter(|(action, _)| *action != FOLD) {
                    let is_played = action == played;
                    let worth = self.visit(child, others, if is_played { own } else { 0.0 });
                    self.totals[view][usize::from(action)] += weight * worth;
                    if is_played {
                        value = worth;
                    }
                }
                value
            }
        }
    }
}
