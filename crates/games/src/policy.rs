//! Policies as tables over information states.

use std::collections::HashMap;

use crate::rng::RandomState;
use crate::tree::{GameTree, Infoset};
use crate::{Action, Player, State};

/// For each information state, a probability of each legal action (ascending by id). Others are uniform.
///
/// It covers both seats; what is measured says which seat plays by which table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TabularPolicy {
    table: HashMap<String, Vec<f64>>,
}

impl TabularPolicy {
    /// Every legal action is as likely.
    pub fn uniform() -> Self {
        Self::default()
    }

    /// The policy that `probabilities` gives at each information set of a game.
    ///
    /// Weights need not sum to 1; where their sum is not positive the policy is uniform.
    ///
    /// # Panics
    /// If it gives another number of weights than there are legal actions.
    pub fn from_fn(tree: &GameTree, mut probabilities: impl FnMut(&Infoset) -> Vec<f64>) -> Self {
        let entry = |infoset: &Infoset| {
            let mut weights = probabilities(infoset);
            assert_eq!(
                weights.len(),
                infoset.legal.len(),
                "a weight for each legal action at {}",
                infoset.key
            );
            normalise(&mut weights);
            (infoset.key.clone(), weights)
        };
        Self { table: tree.infosets().iter().map(entry).collect() }
    }

    /// Probabilities at the information state with this string, if it is in the table.
    pub fn get(&self, key: &str) -> Option<&[f64]> {
        self.table.get(key).map(Vec::as_slice)
    }

    /// Probabilities of the legal actions of the seat that is to act; empty if none is.
    pub fn probabilities(&self, state: &dyn State) -> Vec<f64> {
        let Player::Seat(seat) = state.current_player() else {
            return Vec::new();
        };
        let known = state.information_state_string(seat).and_then(|key| self.get(&key).map(<[f64]>::to_vec));
        known.unwrap_or_else(|| {
            let mut legal = Vec::new();
            state.legal_actions(&mut legal);
            vec![1.0 / legal.len() as f64; legal.len()]
        })
    }

    /// Draws a move for the seat that is to act: one weighted choice.
    ///
    /// # Panics
    /// If nobody is to act.
    pub fn sample(&self, state: &dyn State, rng: &mut RandomState) -> Action {
        let mut legal = Vec::new();
        state.legal_actions(&mut legal);
        legal[rng.choice_weighted(&self.probabilities(state))]
    }

    /// The table in the order of a tree's infosets.
    pub(crate) fn flatten(&self, tree: &GameTree) -> Vec<f64> {
        let mut flat = Vec::with_capacity(tree.num_entries());
        for infoset in tree.infosets() {
            let n = infoset.legal.len();
            match self.get(&infoset.key) {
                Some(probabilities) => flat.extend_from_slice(probabilities),
                None => flat.extend(std::iter::repeat_n(1.0 / n as f64, n)),
            }
        }
        flat
    }

    /// The inverse of [`TabularPolicy::flatten`] for weights.
    pub(crate) fn from_flat(tree: &GameTree, weights: &[f64]) -> Self {
        let mut infosets = 0..tree.infosets().len();
        Self::from_fn(tree, |_| {
            let infoset = infosets.next().expect("one call for each infoset");
            weights[tree.entries(infoset)].to_vec()
        })
    }
}

/// Scales weights to sum to 1; uniform where they cannot be.
pub(crate) fn normalise(weights: &mut [f64]) {
    let sum: f64 = weights.iter().sum();
    let n = weights.len() as f64;
    let scaled = |weight: f64| if sum > 0.0 { weight / sum } else { 1.0 / n };
    weights.iter_mut().for_each(|weight| *weight = scaled(*weight));
}

#[cfg(test)]
mod tests;
