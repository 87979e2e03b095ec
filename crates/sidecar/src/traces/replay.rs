//! Replays a recorded game and compares every state with what OpenSpiel gave there.

use games::{Action, Player, State, load_game};
use schema::VerifyReport;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A line of the file.
#[derive(Deserialize)]
struct RecordedGame {
    game: String,
    #[serde(default)]
    variant: String,
    #[serde(default)]
    idx: u64,
    actions: Vec<Action>,
    actors: Vec<i32>,
    states: Vec<RecordedState>,
    returns: [f64; 2],
    terminal: Option<Terminal>,
    terminal_h: Option<Terminal>,
}

/// The state before `actions[t]`.
#[derive(Deserialize)]
struct RecordedState {
    t: usize,
    p: i32,
    /// Outcomes, at a chance state.
    n: Option<usize>,
    legal: Option<Vec<Action>>,
    info: Option<String>,
    state: Option<String>,
    info_h: Option<String>,
    state_h: Option<String>,
    info_other: Option<String>,
    action_strings: Option<Vec<String>>,
    obs: Option<String>,
}

/// Texts at the end, verbatim or hashed.
#[derive(Deserialize)]
struct Terminal {
    state: String,
    info0: String,
    info1: String,
}

/// Checks one line.
pub(super) fn check(line: &str, number: usize, report: &mut VerifyReport) {
    match serde_json::from_str::<RecordedGame>(line) {
        Ok(game) => Replay::new(&game, report).run(),
        Err(error) => super::malformed(number, &error, report),
    }
}

struct Replay<'a> {
    recorded: &'a RecordedGame,
    report: &'a mut VerifyReport,
    legal: Vec<Action>,
    outcomes: Vec<(Action, f64)>,
}

impl<'a> Replay<'a> {
    fn new(recorded: &'a RecordedGame, report: &'a mut VerifyReport) -> Self {
        Self { recorded, report, legal: Vec::new(), outcomes: Vec::new() }
    }

    fn run(mut self) {
        let game = match load_game(&self.recorded.game) {
            Ok(game) => game,
            Err(error) => return self.abandon("game", 0, error.to_string(), &self.recorded.game),
        };
        let recorded = self.recorded;
        let mut state = game.new_initial_state();
        let mut states = recorded.states.iter().peekable();
        for (t, &action) in recorded.actions.iter().enumerate() {
            while let Some(expected) = states.next_if(|expected| expected.t == t) {
                self.check_state(state.as_ref(), expected);
            }
            let player = state.current_player().id();
            if recorded.actors.get(t) != Some(&player) {
                return self.abandon(
                    "actor",
                    t,
                    player.to_string(),
                    &format!("{:?}", recorded.actors.get(t)),
                );
            }
            if !self.may_play(state.as_ref(), action) {
                return self.abandon("actions", t, "an illegal action".to_owned(), &action.to_string());
            }
            state.apply(action);
        }
        if let Some(left) = states.next() {
            return self.abandon("t", left.t, "no such state".to_owned(), "a state before the end");
        }
        self.check_end(state.as_ref());
    }

    /// Counts the states that cannot be reached as one failed case.
    fn abandon(&mut self, field: &str, t: usize, got: String, want: &str) {
        self.report.cases += 1;
        let case = self.case(t);
        self.report.observe(&case, 1.0);
        self.report.fail(&format!("{case} and after"), field, got, want.to_owned(), 1.0, 0.0);
    }

    fn case(&self, t: usize) -> String {
        format!("{}#{} t{t}", self.recorded.variant, self.recorded.idx)
    }

    /// Leaves the legal actions or the outcomes in the buffers.
    fn may_play(&mut self, state: &dyn State, action: Action) -> bool {
        if state.current_player() == Player::Chance {
            state.chance_outcomes(&mut self.outcomes);
            self.outcomes.iter().any(|outcome| outcome.0 == action)
        } else {
            state.legal_actions(&mut self.legal);
            self.legal.contains(&action)
        }
    }

    fn check_state(&mut self, state: &dyn State, expected: &RecordedState) {
        let case = self.case(expected.t);
        self.report.cases += 1;
        let player = state.current_player();
        self.report.equal(&case, "player", &player.id(), &expected.p);
        state.legal_actions(&mut self.legal);
        state.chance_outcomes(&mut self.outcomes);
        if let Some(n) = expected.n {
            self.report.equal(&case, "outcomes", &self.outcomes.len(), &n);
        }
        if let Some(legal) = &expected.legal {
            self.report.equal(&case, "legal", &self.legal, legal);
        }
        self.check_text(&case, "state", &|| state.to_string(), &expected.state, &expected.state_h);
        if let Player::Seat(seat) = player {
            self.check_decision(&case, state, seat, expected);
        }
    }

    fn check_decision(&mut self, case: &str, state: &dyn State, seat: usize, expected: &RecordedState) {
        self.check_text(case, "info", &|| info(state, seat), &expected.info, &expected.info_h);
        self.check_text(case, "info_other", &|| info(state, 1 - seat), &expected.info_other, &None);
        let observation = || state.observation_string(seat).unwrap_or_default();
        self.check_text(case, "obs", &observation, &expected.obs, &None);
        if let Some(names) = &expected.action_strings {
            let player = Player::Seat(seat);
            let got: Vec<String> = self.legal.iter().map(|&id| state.action_string(player, id)).collect();
            self.report.equal(case, "action_strings", &got, names);
        }
    }

    /// Compares a text with what is recorded of it: itself, its hash, or nothing.
    fn check_text(
        &mut self,
        case: &str,
        field: &str,
        got: &dyn Fn() -> String,
        verbatim: &Option<String>,
        hashed: &Option<String>,
    ) {
        for (want, form) in [(verbatim, Form::Verbatim), (hashed, Form::Hashed)] {
            if let Some(want) = want {
                self.report.equal(case, field, &form.of(got()), want);
            }
        }
    }

    fn check_end(&mut self, state: &dyn State) {
        let case = self.case(self.recorded.actions.len());
        self.report.cases += 1;
        self.report.equal(&case, "is_terminal", &state.is_terminal(), &true);
        // Compared as text, so that 0 and -0 differ as they do in OpenSpiel's output.
        self.report.equal(
            &case,
            "returns",
            &format!("{:?}", state.returns()),
            &format!("{:?}", self.recorded.returns),
        );
        let ends = [(&self.recorded.terminal, Form::Verbatim), (&self.recorded.terminal_h, Form::Hashed)];
        for (end, form) in ends {
            if let Some(end) = end {
                self.report.equal(&case, "terminal state", &form.of(state.to_string()), &end.state);
                self.report.equal(&case, "terminal info0", &form.of(info(state, 0)), &end.info0);
                self.report.equal(&case, "terminal info1", &form.of(info(state, 1)), &end.info1);
            }
        }
    }
}

/// How a text is recorded.
#[derive(Clone, Copy)]
enum Form {
    Verbatim,
    /// First 16 hex digits of SHA-256.
    Hashed,
}

impl Form {
    fn of(self, text: String) -> String {
        match self {
            Self::Verbatim => text,
            Self::Hashed => Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

/// What the recorder asked for: the information-state string, or the observation where there is none.
fn info(state: &dyn State, seat: usize) -> String {
    state.information_state_string(seat).or_else(|| state.observation_string(seat)).unwrap_or_default()
}
