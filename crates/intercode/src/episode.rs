//! One episode by the evaluator's rules: a question, up to ten turns, a submission, a reward.
//!
//! Calls block for as long as a command runs: from async code, on a thread for computing.
//!
//! # Source
//! spec/env_sidecars.md §3.1–3.3.

use std::sync::Arc;

use crate::Error;
use crate::manifest::Manifest;
use crate::prompt::{NO_CALL, NO_COMMAND, PastTurn, ToolCall, user_message};
use crate::reward::{Outcome, Reward, Scoring, reward};
use crate::sandbox::{Author, Sandbox, Session};
use crate::tasks::Task;

/// What a command that ends the episode begins with.
const SUBMIT: &str = "submit";
/// Turns of an episode; the last one ends with a submission of its own.
pub const MAX_TURNS: usize = 10;

/// Rules of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpisodeConfig {
    /// Turns at most.
    pub max_turns: usize,
    /// How it is scored.
    pub scoring: Scoring,
    /// Who writes the commands.
    pub author: Author,
}

impl EpisodeConfig {
    /// The evaluator's rules, for a model.
    pub const EVALUATOR: Self =
        Self { max_turns: MAX_TURNS, scoring: Scoring::Continuous, author: Author::Model };
}

/// What an agent does in a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Runs a command; one that begins with `submit` submits, one of blanks alone is told so.
    Execute(String),
    /// Takes the last observation for the answer.
    Submit,
    /// Makes no valid call, which costs the turn.
    Nothing,
}

impl Action {
    /// An action from a sidecar's text: nothing at all is no call, whatever begins with `submit` submits.
    pub fn from_text(text: &str) -> Self {
        match text {
            "" => Self::Nothing,
            text if text.starts_with(SUBMIT) => Self::Submit,
            command => Self::Execute(command.to_owned()),
        }
    }

    fn submits(&self) -> bool {
        match self {
            Self::Execute(command) => command.starts_with(SUBMIT),
            Self::Submit => true,
            Self::Nothing => false,
        }
    }

    fn call(&self) -> Option<ToolCall> {
        match self {
            Self::Execute(command) => Some(ToolCall::ExecuteBash { command: command.clone() }),
            Self::Submit => Some(ToolCall::Submit {}),
            Self::Nothing => None,
        }
    }
}

impl From<ToolCall> for Action {
    fn from(call: ToolCall) -> Self {
        match call {
            ToolCall::ExecuteBash { command } => Self::Execute(command),
            ToolCall::Submit {} => Self::Submit,
        }
    }
}

/// What a turn brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What the agent sees; empty for a submission.
    pub observation: String,
    /// The reward, once the episode is over.
    pub reward: Option<Reward>,
}

/// What the gold command leaves, and what it started from. The same for all episodes of a task.
#[derive(Clone, Debug)]
pub struct Gold {
    outcome: Outcome,
    start: Manifest,
    exit_code: Option<u8>,
}

impl Gold {
    /// Runs a task's gold command in a root of its own.
    ///
    /// # Errors
    /// [`Error::Sandbox`], [`Error::Scratch`].
    pub fn run(sandbox: &Sandbox, task: &Task) -> Result<Self, Error> {
        let folders = task.file_system.folders();
        let session = sandbox.open(&task.tree)?;
        let start = session.capture(folders)?;
        let observation = session.run_from_root(&task.gold)?;
        let changes = start.changes(&session.capture(folders)?);
        // A command that does not end prints nothing, whatever it has printed.
        let output = if observation.exit_code.is_some() { observation.whole } else { String::new() };
        let outcome = Outcome { changes, output };
        Ok(Self { outcome, start, exit_code: observation.exit_code })
    }

    /// What it leaves.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Its exit code; `None` if it did not end in time.
    pub fn exit_code(&self) -> Option<u8> {
        self.exit_code
    }
}

/// An episode that is being played.
#[derive(Debug)]
pub struct Episode {
    session: Session,
    task: Arc<Task>,
    gold: Arc<Gold>,
    config: EpisodeConfig,
    /// The last observation of a command: what is scored.
    answer: String,
    history: Vec<PastTurn>,
    reward: Option<Reward>,
}

impl Episode {
    /// The start of `task`.
    ///
    /// # Errors
    /// [`Error::NoSandbox`] for a model outside of namespaces; [`Error::Sandbox`], [`Error::Scratch`].
    pub fn reset(
        sandbox: &Sandbox,
        task: Arc<Task>,
        gold: Arc<Gold>,
        config: EpisodeConfig,
    ) -> Result<Self, Error> {
        let session = sandbox.open(&task.tree)?;
        let (answer, history) = (String::new(), Vec::new());
        Ok(Self { session, task, gold, config, answer, history, reward: None })
    }

    /// What the agent is asked.
    pub fn question(&self) -> &str {
        &self.task.question
    }

    /// The task.
    pub fn task(&self) -> &Arc<Task> {
        &self.task
    }

    /// The last observation of a command, whole; empty before the first.
    pub fn observation(&self) -> &str {
        &self.answer
    }

    /// Turns so far.
    pub fn history(&self) -> &[PastTurn] {
        &self.history
    }

    /// The reward, once the episode is over.
    pub fn reward(&self) -> Option<Reward> {
        self.reward
    }

    /// What a model is shown in the coming turn.
    pub fn user_message(&self) -> String {
        user_message(self.question(), &self.history)
    }

    /// Plays a turn; the last one submits by itself.
    ///
    /// # Errors
    /// [`Error::Over`]; [`Error::NoSandbox`] and [`Error::Sandbox`], after which the episode is of no use.
    pub fn step(&mut self, action: Action) -> Result<Step, Error> {
        self.step_with_thought(action, String::new())
    }

    /// As [`Episode::step`], with text that the model wrote besides its call.
    ///
    /// # Errors
    /// As [`Episode::step`].
    pub fn step_with_thought(&mut self, action: Action, thought: String) -> Result<Step, Error> {
        if self.reward.is_some() {
            return Err(Error::Over);
        }
        let submits = action.submits();
        let observation = match &action {
            _ if submits => String::new(),
            Action::Execute(command) if command.trim().is_empty() => NO_COMMAND.to_owned(),
            Action::Execute(command) => {
                self.answer = self.session.execute(command, self.config.author)?.text;
                self.answer.clone()
            }
            Action::Submit | Action::Nothing => NO_CALL.to_owned(),
        };
        let call = action.call();
        self.history.push(PastTurn { thought, call, observation: observation.clone() });
        if submits || self.history.len() >= self.config.max_turns {
            self.reward = Some(self.score()?);
        }
        Ok(Step { observation, reward: self.reward })
    }

    fn score(&self) -> Result<Reward, Error> {
        let now = self.session.capture(self.task.file_system.folders())?;
        let agent = Outcome { changes: self.gold.start.changes(&now), output: self.answer.clone() };
        Ok(reward(&agent, &self.gold.outcome, self.config.scoring))
    }
}

#[cfg(test)]
mod tests;
