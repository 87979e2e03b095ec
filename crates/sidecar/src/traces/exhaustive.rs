//! A game's complete lists: every terminal history with its returns, every information state with its actions.

use std::collections::BTreeMap;

use games::{Action, Player, State, load_game};
use schema::VerifyReport;
use serde::Deserialize;

/// The file's only line.
#[derive(Deserialize)]
struct Lists {
    game: String,
    terminals: Vec<(Vec<Action>, [f64; 2])>,
    /// Player and legal actions by information-state string.
    infosets: BTreeMap<String, (usize, Vec<Action>)>,
}

/// Walks the whole tree and compares both lists, missing and additional entries included.
pub(super) fn check(line: &str, report: &mut VerifyReport) {
    let lists: Lists = match serde_json::from_str(line) {
        Ok(lists) => lists,
        Err(error) => return super::malformed(1, &error, report),
    };
    report.cases += (lists.terminals.len() + lists.infosets.len()) as u64;
    let game = match load_game(&lists.game) {
        Ok(game) => game,
        Err(error) => return report.equal("game", "name", &*error.to_string(), &*lists.game),
    };
    let mut walk = Walk { history: Vec::new(), terminals: BTreeMap::new(), infosets: BTreeMap::new() };
    walk.visit(game.new_initial_state().as_ref());

    let want: BTreeMap<_, _> = lists.terminals.into_iter().collect();
    compare("terminal", &walk.terminals, &want, report);
    compare("infoset", &walk.infosets, &lists.infosets, report);
}

struct Walk {
    history: Vec<Action>,
    terminals: BTreeMap<Vec<Action>, [f64; 2]>,
    infosets: BTreeMap<String, (usize, Vec<Action>)>,
}

impl Walk {
    fn visit(&mut self, state: &dyn State) {
        let mut actions = Vec::new();
        match state.current_player() {
            Player::Terminal => {
                self.terminals.insert(self.history.clone(), state.returns());
            }
            Player::Chance => {
                let mut outcomes = Vec::new();
                state.chance_outcomes(&mut outcomes);
                actions = outcomes.into_iter().map(|outcome| outcome.0).collect();
            }
            Player::Seat(seat) => {
                state.legal_actions(&mut actions);
                let key = state.information_state_string(seat).unwrap_or_default();
                self.infosets.insert(key, (seat, actions.clone()));
            }
        }
        for action in actions {
            let mut child = state.clone_box();
            child.apply(action);
            self.history.push(action);
            self.visit(child.as_ref());
            self.history.pop();
        }
    }
}

fn compare<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    what: &str,
    got: &BTreeMap<K, V>,
    want: &BTreeMap<K, V>,
    report: &mut VerifyReport,
) {
    for key in got.keys().chain(want.keys().filter(|key| !got.contains_key(key))) {
        report.equal(&format!("{what} {key:?}"), "entry", &got.get(key), &want.get(key));
    }
}
