//! The shell environment's prompts for episodes on a sidecar: each turn is asked as the evaluator asks it.
//!
//! A sidecar shows the question and what each turn brought; calls and thoughts are read from the turns' completions. What
//! the sidecar says stands, also where ours would say something else. To be drawn freely: there is no list of actions.
//!
//! # Source
//! spec/contract.md §5.7; the actions of our own steps, `sidecar`'s shell environment.

use std::sync::Arc;

use schema::Turn;

use super::{CutOff, Format, IntercodeFormat, Prompt, ShellCall, ShellStep, ShellView};
use crate::{Candidate, Codec, Error, Observation};

/// The action that ends an episode.
const SUBMIT: &str = "submit";
/// The action of a command without text: it is played, and answered with a complaint.
const BLANK: &str = " ";

/// See the module.
pub struct ShellRollout {
    format: Arc<IntercodeFormat>,
}

impl ShellRollout {
    /// [`Format::name`].
    pub const NAME: &str = "intercode";

    /// Prompts and answers as `format` has them.
    pub fn new(format: Arc<IntercodeFormat>) -> Self {
        Self { format }
    }

    /// The task and what has been done, as far as `observation` and the turns before it tell.
    pub fn view(&self, history: &[Turn], observation: &Observation) -> ShellView {
        let mut texts = observation.so_far.iter();
        let question = texts.next().unwrap_or(&observation.text).clone();
        let step = |(turn, observation): (&Turn, &String)| {
            let answer = self.format.parse_tokens(&turn.completion_tokens);
            ShellStep { thought: answer.thought, call: answer.call, observation: observation.clone() }
        };
        ShellView { question, steps: history.iter().zip(texts).map(step).collect() }
    }
}

impl Format for ShellRollout {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn codec(&self) -> &dyn Codec {
        self.format.chat().codec()
    }

    fn render(&self, history: &[Turn], observation: &Observation) -> Result<Prompt, Error> {
        self.format.prompt(&self.view(history, observation))
    }

    fn candidates(&self, _observation: &Observation) -> Vec<Candidate> {
        Vec::new()
    }

    fn parse(&self, completion: &str) -> String {
        action(self.format.parse(completion).call)
    }

    fn action(&self, completion: &[u32]) -> String {
        action(self.format.parse_tokens(completion).call)
    }

    /// The evaluator reads what there is, and a turn without a call is a turn.
    fn cut_off(&self) -> CutOff {
        CutOff::IsPlayed
    }
}

/// A call as it is sent to a sidecar; none is the empty text.
fn action(call: Option<ShellCall>) -> String {
    match call {
        None => String::new(),
        Some(ShellCall::Submit {}) => SUBMIT.to_owned(),
        Some(ShellCall::ExecuteBash { command }) if command.trim().is_empty() => BLANK.to_owned(),
        Some(ShellCall::ExecuteBash { command }) => command,
    }
}

#[cfg(test)]
mod tests;
