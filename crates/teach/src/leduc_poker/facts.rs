//! What a turn of leduc poker tells a seat, read from the text.

use games::Action;
use schema::MatchView;

use crate::Error;

pub(super) const FOLD: Action = 0;
pub(super) const CALL: Action = 1;
pub(super) const RAISE: Action = 2;

/// Weights of folding, calling and raising; 0 where the action is not legal.
pub(super) type Weights = [f64; 3];

/// Everything that matters for a move. Suits do not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Facts {
    pub(super) seat: usize,
    /// 0 J, 1 Q, 2 K.
    pub(super) rank: u8,
    pub(super) public: Option<u8>,
    /// Own, then the opponent's.
    pub(super) chips: [i32; 2],
    pub(super) may_fold: bool,
    pub(super) may_raise: bool,
    /// How the first round was bet, in the second, where the text shows it. Within a round chips tell.
    pub(super) first_round: Option<String>,
}

impl Facts {
    /// Reads both the wording of match play and the sidecar's.
    pub(super) fn read(view: &MatchView) -> Result<Self, Error> {
        let line = |starts: &[&str]| {
            let mut lines = view.state.lines();
            lines.find_map(|line| starts.iter().find_map(|start| line.trim().strip_prefix(start)))
        };
        let chips = |starts: &[&str], what| {
            let digits = line(starts).and_then(|rest| rest.split_whitespace().next());
            digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| unreadable(view, what))
        };
        let card = line(&["Your card: "]).and_then(rank);
        let public = line(&["Public card: "]).and_then(rank);
        let first_round = line(&["Round 1 actions: ", "Round 1 betting: "]).filter(|_| public.is_some());
        let may = |action| view.legal.iter().any(|(id, _)| *id == action);
        if !may(CALL) {
            return Err(Error::NothingLegal { game: view.game.clone() });
        }
        Ok(Self {
            seat: view.seat,
            rank: card.ok_or_else(|| unreadable(view, "the own card"))?,
            public,
            chips: [
                chips(&["Your chips: "], "the own chips")?,
                chips(&["Opponent chips: "], "the opponent's chips")?,
            ],
            may_fold: may(FOLD),
            may_raise: may(RAISE),
            first_round: first_round.map(str::to_owned),
        })
    }

    /// The same without the betting of the first round.
    pub(super) fn hidden(&self) -> Self {
        Self { first_round: None, ..self.clone() }
    }

    /// True with a pair.
    pub(super) fn is_pair(&self) -> bool {
        self.public == Some(self.rank)
    }

    /// All weight on raising, or on calling where it is not legal.
    pub(super) fn raise(&self) -> Weights {
        if self.may_raise { [0.0, 0.0, 1.0] } else { self.call() }
    }

    /// All weight on calling.
    pub(super) fn call(&self) -> Weights {
        [0.0, 1.0, 0.0]
    }

    /// All weight on folding, or on calling where there is no bet.
    pub(super) fn fold(&self) -> Weights {
        if self.may_fold { [1.0, 0.0, 0.0] } else { self.call() }
    }
}

fn rank(card: &str) -> Option<u8> {
    "JQK".find(card.chars().next()?).map(|rank| rank as u8)
}

/// The action at `draw` of the cumulated weights.
pub(super) fn pick(weights: &Weights, draw: f64) -> Action {
    let mut left = draw * weights.iter().sum::<f64>();
    let mut last = CALL;
    for (action, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        last = action as Action;
        left -= weight;
        if left < 0.0 {
            break;
        }
    }
    last
}

pub(super) fn unreadable(view: &MatchView, what: &'static str) -> Error {
    Error::Unreadable { game: "leduc_poker", what, text: view.state.clone() }
}
