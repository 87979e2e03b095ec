//! Which game a task id means.
//!
//! `task_id = game_index · 10⁸ + config_id`; the index counts modulo 22 and the config id selects a variant where a
//! game has several. kuhn_poker is our extension at `task_id ≥ 1000 · 10⁸`, where the original has nothing of its own.

use std::sync::{Arc, OnceLock};

use games::{Game, TabularPolicy, cfr};
use schema::EnvName;

use crate::Error;

/// Task ids of one game.
const SPAN: u64 = 100_000_000;
/// Games of the original; higher indices start again at 0.
const GAMES: u64 = 22;
/// First index of kuhn_poker.
const KUHN_INDEX: u64 = 1000;
/// Iterations of CFR+ for the `cfr` opponent: exploitability of about 0.001 in leduc_poker.
const CFR_ITERATIONS: usize = 500;

/// How hard an MCTS opponent thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    /// Simulations a move.
    pub simulations: u32,
    /// Random playouts per evaluated leaf.
    pub rollouts: u32,
}

/// A game with fixed parameters, as the sidecar serves it.
#[derive(Debug)]
pub struct Variant {
    /// Which game.
    pub name: EnvName,
    /// Its rules.
    pub game: Arc<dyn Game>,
    cfr: OnceLock<Result<Arc<TabularPolicy>, games::Error>>,
}

impl Variant {
    fn new(name: EnvName, spec: &str) -> Result<Self, Error> {
        let game = games::load_game(spec)?;
        Ok(Self { name, game, cfr: OnceLock::new() })
    }

    /// What the original uses when a reset does not say: minutes a game in the original, so always say.
    pub fn default_search(&self) -> Search {
        match self.name {
            EnvName::GinRummy => Search { simulations: 500, rollouts: 10 },
            EnvName::Othello => Search { simulations: 1000, rollouts: 20 },
            EnvName::Clobber => Search { simulations: 1500, rollouts: 100 },
            _ => Search { simulations: 3000, rollouts: 200 },
        }
    }

    /// Rough time of one simulation with one playout.
    pub(crate) fn playout_ns(&self) -> u64 {
        match self.name {
            EnvName::GinRummy => 10_000,
            EnvName::Othello => 5_000,
            _ => 1_000,
        }
    }

    /// True if the tree is small enough for the `cfr` opponent.
    pub fn has_cfr(&self) -> bool {
        matches!(self.name, EnvName::LeducPoker | EnvName::KuhnPoker)
    }

    /// True once [`Variant::cfr`] returns at once.
    pub(crate) fn cfr_is_ready(&self) -> bool {
        self.cfr.get().is_some()
    }

    /// The average policy of CFR+, computed by the first caller.
    pub(crate) fn cfr(&self) -> Result<Arc<TabularPolicy>, Error> {
        let solve = || cfr::solve(self.game.as_ref(), CFR_ITERATIONS).map(Arc::new);
        Ok(self.cfr.get_or_init(solve).clone()?)
    }
}

/// The games that a sidecar serves.
#[derive(Debug)]
pub struct Catalog {
    names: Vec<EnvName>,
    variants: Vec<Arc<Variant>>,
}

impl Catalog {
    /// Served unless asked otherwise: the games of the original, without kuhn_poker.
    pub const DEFAULT: [EnvName; 6] = [
        EnvName::Goofspiel,
        EnvName::LiarsDice,
        EnvName::LeducPoker,
        EnvName::GinRummy,
        EnvName::Othello,
        EnvName::Clobber,
    ];

    /// Prepares all variants of the named games. The shell environment is no game and has none.
    ///
    /// # Errors
    /// [`Error::Rules`] if a game cannot be loaded.
    pub fn new(names: &[EnvName]) -> Result<Self, Error> {
        let mut variants = Vec::new();
        for &name in names {
            for spec in specs(name) {
                variants.push(Arc::new(Variant::new(name, &spec)?));
            }
        }
        Ok(Self { names: names.to_vec(), variants })
    }

    /// The names as given.
    pub fn names(&self) -> &[EnvName] {
        &self.names
    }

    /// The game of a task id; `None` if this sidecar does not serve it.
    pub fn variant(&self, task_id: u64) -> Option<&Arc<Variant>> {
        let (index, config) = (task_id / SPAN, task_id % SPAN);
        let name = match index % GAMES {
            _ if index >= KUHN_INDEX && self.names.contains(&EnvName::KuhnPoker) => EnvName::KuhnPoker,
            0 => EnvName::Goofspiel,
            1 => EnvName::LiarsDice,
            2 => EnvName::LeducPoker,
            3 => EnvName::GinRummy,
            4 => EnvName::Othello,
            7 => EnvName::Clobber,
            _ => return None,
        };
        let first = self.variants.iter().position(|variant| variant.name == name)?;
        let n_variants = self.variants[first..].iter().take_while(|variant| variant.name == name).count();
        self.variants.get(first + (config % n_variants as u64) as usize)
    }
}

/// Variants of a game in the order of `config_id % n`.
fn specs(name: EnvName) -> Vec<String> {
    match name {
        EnvName::LiarsDice => vec!["liars_dice(players=2,numdice=5)".to_owned()],
        EnvName::LeducPoker => vec!["leduc_poker(players=2)".to_owned()],
        EnvName::KuhnPoker => vec!["kuhn_poker(players=2)".to_owned()],
        EnvName::GinRummy => (0..9).map(gin_spec).collect(),
        EnvName::Othello => vec!["othello()".to_owned()],
        EnvName::Clobber => (5..=7).map(|side| format!("clobber(columns={side},rows={side})")).collect(),
        EnvName::Goofspiel => (8..=16).step_by(2).map(|n| format!("goofspiel(num_cards={n})")).collect(),
        EnvName::Intercode => Vec::new(),
    }
}

/// `hand_size = 7 + (config / 3) % 3`, `knock_card = 10 − config % 3`.
fn gin_spec(config: u32) -> String {
    format!("gin_rummy(hand_size={},knock_card={})", 7 + config / 3, 10 - config % 3)
}
