//! A model of MCTS on the true state, fitted to moves that it makes when the teacher is solved.
//!
//! It calls exactly the bids that do not hold: that wins at once, and its tree proves it. Otherwise it bids nearly at
//! random; how much more often a bid that holds, of which quantity, and after which standing bid, is counted.

use games::mcts::{MctsBot, MctsConfig};
use games::rng::{FastRng, RandomState};
use games::{Game, load_game};
use rayon::prelude::*;

use super::hands::{ACTIONS, BIDS, DICE, HANDS, Hands, LIAR, SIDES, STANDINGS, action};
use super::table::Columns;

/// Quantities of a bid; one more for what stands, which may be no bid.
const QUANTITIES: usize = 2 * DICE;
const STAGES: usize = QUANTITIES + 1;
/// Rounds of fitting; the weights no longer change then.
const FITTING_ROUNDS: usize = 30;
/// Counted before anything is seen, so that no weight is 0.
const PRIOR_COUNT: f32 = 0.5;

/// Weight of a bid by what stands, its quantity, and whether it holds.
#[derive(Clone, Debug)]
pub(super) struct Searcher {
    weights: [[[f32; 2]; QUANTITIES]; STAGES],
}

/// One observed bid: what stood, how many bids of each kind there were, which kind was made.
struct Seen {
    stage: usize,
    available: [[f32; 2]; QUANTITIES],
    made: (usize, usize),
}

fn stage(standing: usize) -> usize {
    standing.div_ceil(SIDES)
}

impl Searcher {
    /// Watches `decisions` moves of a searcher with `simulations`, from random dice.
    pub(super) fn watch(simulations: usize, decisions: u32) -> Self {
        let game = load_game("liars_dice(players=2,numdice=5)").expect("the game is known");
        let watched =
            (0..decisions).into_par_iter().filter_map(|seed| watch_one(game.as_ref(), simulations, seed));
        let seen: Vec<Seen> = watched.collect();
        let mut weights = [[[1.0_f32; 2]; QUANTITIES]; STAGES];
        let mut made = [[[PRIOR_COUNT; 2]; QUANTITIES]; STAGES];
        for one in &seen {
            made[one.stage][one.made.0][one.made.1] += 1.0;
        }
        for _ in 0..FITTING_ROUNDS {
            let mut expected = [[[PRIOR_COUNT; 2]; QUANTITIES]; STAGES];
            for Seen { stage, available, .. } in &seen {
                let weight = |quantity: usize, holds: usize| {
                    available[quantity][holds] * weights[*stage][quantity][holds]
                };
                let all: f32 = (0..QUANTITIES).map(|q| weight(q, 0) + weight(q, 1)).sum();
                for (quantity, sums) in expected[*stage].iter_mut().enumerate() {
                    for (holds, sum) in sums.iter_mut().enumerate() {
                        *sum += weight(quantity, holds) / all;
                    }
                }
            }
            let ratios = made.iter().flatten().flatten().zip(expected.iter().flatten().flatten());
            let weights = weights.iter_mut().flatten().flatten();
            weights.zip(ratios).for_each(|(weight, (made, expected))| *weight *= made / expected);
        }
        Self { weights }
    }

    /// Its policy against an opponent who holds `other`.
    pub(super) fn columns(&self, hands: &Hands, other: usize) -> Columns {
        let holds: Vec<[bool; BIDS]> =
            (0..HANDS).map(|hand| std::array::from_fn(|id| hands.holds(id, [hand, other]))).collect();
        let weight = |standing: usize, id: usize, hand: usize| {
            self.weights[stage(standing)][id / SIDES][usize::from(holds[hand][id])]
        };
        let mut sums = vec![[0.0_f32; STANDINGS]; HANDS];
        for (hand, sums) in sums.iter_mut().enumerate() {
            for (standing, sum) in sums.iter_mut().enumerate() {
                *sum = (standing..BIDS).map(|id| weight(standing, id, hand)).sum();
            }
        }
        Columns::by(|standing, id, hand| {
            let calls = standing == BIDS || (standing > 0 && !holds[hand][standing - 1]);
            match (calls, id == LIAR) {
                (true, is_call) => f32::from(u8::from(is_call)),
                (false, true) => 0.0,
                (false, false) => weight(standing, id, hand) / sums[hand][standing],
            }
        })
    }
}

/// A move from random dice, with no bid or a random one that holds on the table; `None` if it calls.
fn watch_one(game: &dyn Game, simulations: usize, seed: u32) -> Option<Seen> {
    let mut rng = FastRng::new(seed.into());
    let mut state = game.new_initial_state();
    let mut counts = [0_usize; SIDES];
    for _ in 0..2 * DICE {
        let face = rng.below(SIDES);
        counts[face] += 1;
        state.apply(action(face));
    }
    let wild = SIDES - 1;
    let holds = |id: usize| {
        let face = id % SIDES;
        counts[face] + if face == wild { 0 } else { counts[wild] } > id / SIDES
    };
    let mut standing = 0;
    if rng.below(3) > 0 {
        let true_bids: Vec<usize> = (0..BIDS).filter(|&id| holds(id)).collect();
        let id = true_bids[rng.below(true_bids.len())];
        state.apply(action(id));
        standing = id + 1;
    }
    let config = MctsConfig { uct_c: 2.0, max_simulations: simulations, n_rollouts: 1, solve: true };
    let streams = [0, 1].map(|stream| RandomState::new(seed.wrapping_mul(2).wrapping_add(stream)));
    let [rollouts, tree] = streams;
    let made = usize::from(MctsBot::new(game, config, rollouts, tree).step(state.as_ref()));
    let mut available = [[0.0; 2]; QUANTITIES];
    (standing..BIDS).for_each(|id| available[id / SIDES][usize::from(holds(id))] += 1.0);
    (made < ACTIONS - 1).then(|| Seen {
        stage: stage(standing),
        available,
        made: (made / SIDES, usize::from(holds(made))),
    })
}
