//! Who plays the other seat.

use std::collections::VecDeque;
use std::sync::Arc;

use games::mcts::{MctsBot, MctsConfig};
use games::rng::RandomState;
use games::{Action, State, TabularPolicy};
use schema::env_api::ResetRequest;

use super::Weight;
use crate::Error;
use crate::catalog::{Search, Variant};

/// A call that is expected to take longer is heavy.
const LIGHT_NS: u64 = 1_000_000;
/// The original's exploration constant.
const UCT_C: f64 = 1.414;

/// What a reset asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpponentChoice {
    /// As requested; echoed.
    pub(crate) name: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Random,
    Mcts(Search),
    Cfr,
    SelfPlay,
}

impl OpponentChoice {
    /// Reads a request as the original does: MCTS by default, random for any name that it does not know, and the two
    /// MCTS fields only if neither is absent or 0.
    pub(crate) fn from_request(request: &ResetRequest, variant: &Variant) -> Self {
        let name = request.opponent.as_deref().unwrap_or("mcts");
        let kind = match name {
            // The search knows only games in turns; the original falls back as well.
            "mcts" if variant.game.is_simultaneous() => Kind::Random,
            "mcts" => Kind::Mcts(search(request).unwrap_or_else(|| variant.default_search())),
            "cfr" => Kind::Cfr,
            "self" => Kind::SelfPlay,
            _ => Kind::Random,
        };
        Self { name: name.to_owned(), kind }
    }

    /// Names that `evaluate` takes; unlike `reset` it refuses others. In `self` nobody would play the second seat.
    pub(crate) const EVALUATED: [&'static str; 3] = ["mcts", "random", "cfr"];

    /// True for MCTS.
    pub(crate) fn is_search(&self) -> bool {
        matches!(self.kind, Kind::Mcts(_))
    }

    /// What a call during the episode costs.
    pub(crate) fn move_weight(&self, variant: &Variant) -> Weight {
        match self.kind {
            Kind::Mcts(search) => search_weight(search, variant),
            Kind::Random | Kind::Cfr | Kind::SelfPlay => Weight::Light,
        }
    }

    /// What the reset costs: the first to ask for CFR+ has to wait for it.
    pub(crate) fn reset_weight(&self, variant: &Variant) -> Weight {
        match self.kind {
            Kind::Cfr if variant.has_cfr() && !variant.cfr_is_ready() => Weight::Heavy,
            _ => self.move_weight(variant),
        }
    }

    /// The player, with its streams of the episode's seed.
    pub(crate) fn player(&self, variant: &Variant, seed: u32) -> Result<Opponent, Error> {
        Ok(match self.kind {
            Kind::Random => Opponent::Random(RandomState::new(seed + 2)),
            Kind::Mcts(search) => Opponent::Mcts(Box::new(mcts(search, variant, seed))),
            Kind::Cfr if variant.has_cfr() => Opponent::Cfr(variant.cfr()?, RandomState::new(seed + 2)),
            Kind::Cfr => {
                return Err(Error::OpponentCannotPlay {
                    opponent: self.name.clone(),
                    game: variant.game.name(),
                });
            }
            Kind::SelfPlay => Opponent::Agent,
        })
    }
}

/// A player of the seat that the agent does not have.
#[derive(Debug)]
pub(crate) enum Opponent {
    /// Uniform over legal actions.
    Random(RandomState),
    /// Searches from the true state.
    Mcts(Box<MctsBot>),
    /// Draws from the average policy of CFR+.
    Cfr(Arc<TabularPolicy>, RandomState),
    /// Nobody: the agent plays this seat too.
    Agent,
    /// Makes recorded moves.
    Recorded(Recorded),
}

/// A player whose moves are recorded; what it would have played is kept beside them.
#[derive(Debug)]
pub(crate) struct Recorded {
    inner: Box<Opponent>,
    moves: VecDeque<Action>,
    made: Vec<(Action, Action)>,
}

impl Opponent {
    /// Its move at a decision of its seat; `None` if the agent is to move there.
    ///
    /// # Panics
    /// If there is no legal action; ask [`has_legal_action`] first.
    pub(crate) fn choose(&mut self, state: &dyn State) -> Option<Action> {
        match self {
            Self::Random(random) => {
                let legal = legal_actions(state);
                Some(legal[random.choice(legal.len())])
            }
            Self::Mcts(bot) => Some(bot.step(state)),
            Self::Cfr(policy, random) => Some(policy.sample(state, random)),
            Self::Agent => None,
            Self::Recorded(recorded) => recorded.choose(state),
        }
    }

    /// `inner` with its moves replaced by `moves`.
    pub(super) fn recorded(inner: Self, moves: Vec<Action>) -> Self {
        Self::Recorded(Recorded { inner: Box::new(inner), moves: moves.into(), made: Vec::new() })
    }

    /// `(would have played, recorded)` per move of a recorded opponent; nothing for others.
    pub(super) fn recorded_moves(&self) -> &[(Action, Action)] {
        match self {
            Self::Recorded(recorded) => &recorded.made,
            _ => &[],
        }
    }
}

impl Recorded {
    /// The recorded move, as long as there is one and it can be played here.
    fn choose(&mut self, state: &dyn State) -> Option<Action> {
        let own = self.inner.choose(state)?;
        let recorded = self.moves.pop_front().filter(|action| legal_actions(state).contains(action));
        let played = recorded.unwrap_or(own);
        self.made.push((own, played));
        Some(played)
    }
}

fn search(request: &ResetRequest) -> Option<Search> {
    let truthy = |field: Option<u32>| field.filter(|&value| value > 0);
    let simulations = truthy(request.mcts_max_simulations)?;
    Some(Search { simulations, rollouts: truthy(request.mcts_num_rollouts)? })
}

fn search_weight(search: Search, variant: &Variant) -> Weight {
    let playouts = u64::from(search.simulations) * u64::from(search.rollouts);
    if playouts.saturating_mul(variant.playout_ns()) <= LIGHT_NS { Weight::Light } else { Weight::Heavy }
}

fn mcts(search: Search, variant: &Variant, seed: u32) -> MctsBot {
    let config = MctsConfig {
        uct_c: UCT_C,
        max_simulations: search.simulations as usize,
        n_rollouts: search.rollouts as usize,
        solve: true,
    };
    MctsBot::new(variant.game.as_ref(), config, RandomState::new(seed + 3), RandomState::new(seed + 4))
}

/// False at the rare states of gin_rummy where the seat to move can do nothing (see [`State::legal_actions`]).
pub(crate) fn has_legal_action(state: &dyn State) -> bool {
    !legal_actions(state).is_empty()
}

/// Ids that the seat to move may play.
pub(crate) fn legal_actions(state: &dyn State) -> Vec<Action> {
    let mut legal = Vec::new();
    state.legal_actions(&mut legal);
    legal
}
