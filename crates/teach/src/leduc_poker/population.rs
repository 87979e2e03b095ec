//! Who a player of leduc poker is measured against.

use games::TabularPolicy;

use super::Rule;
use super::facts::{Facts, Weights};
use super::tree::{Strategy, Tree};

/// Rules that are bots too.
pub(super) const RULES: [(&str, Rule); 4] = [
    ("always-raise", always_raise),
    ("card-rule", card_rule),
    ("random-nofold", random_without_folding),
    ("tight", tight),
];

const KING: u8 = 2;
const QUEEN: u8 = 1;

/// An opponent.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) strategy: Strategy,
    /// How much its score counts where scores are traded off.
    pub(super) weight: f64,
}

/// The reference population; `equilibrium` is that of the chip game.
///
/// Uniform play comes first: it is what an untrained model comes closest to, and nothing is traded for the score against
/// it. The others decide where that leaves a choice.
pub(super) fn reference(tree: &Tree, equilibrium: &TabularPolicy) -> Vec<Member> {
    let mixed = tree.strategy(equilibrium);
    let greedy = mixed.iter().map(likeliest).collect();
    let by_rule = |name, rule: Rule, weight| Member { name, strategy: tree.strategy_by(rule), weight };
    let uniform = tree.strategy(&TabularPolicy::uniform());
    vec![
        Member { name: "uniform", strategy: uniform, weight: 1_000.0 },
        by_rule("random-nofold", random_without_folding, 1.0),
        by_rule("always-raise", always_raise, 1.0),
        Member { name: "chips-equilibrium", strategy: mixed, weight: 1.0 },
        Member { name: "chips-equilibrium-greedy", strategy: greedy, weight: 1.0 },
        by_rule("tight", tight, 1.0),
        by_rule("card-rule", card_rule, 1.0),
    ]
}

/// All weight on the likeliest action; the lowest id of equals.
fn likeliest(weights: &Weights) -> Weights {
    let best = (1..3).fold(0, |best, action| if weights[action] > weights[best] { action } else { best });
    let mut pure = [0.0; 3];
    pure[best] = 1.0;
    pure
}

fn always_raise(facts: &Facts) -> Weights {
    facts.raise()
}

fn random_without_folding(facts: &Facts) -> Weights {
    [0.0, 1.0, if facts.may_raise { 1.0 } else { 0.0 }]
}

/// Raises a king or a pair, folds the rest to any bet.
fn tight(facts: &Facts) -> Weights {
    if facts.is_pair() || facts.rank == KING { facts.raise() } else { facts.fold() }
}

/// Raises a king or a pair, calls with a queen, folds a jack to a bet.
fn card_rule(facts: &Facts) -> Weights {
    match facts.rank {
        _ if facts.is_pair() => facts.raise(),
        KING => facts.raise(),
        QUEEN => facts.call(),
        _ => facts.fold(),
    }
}
