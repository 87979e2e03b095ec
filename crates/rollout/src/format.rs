//! Prompt formats: from an observation to prompt tokens, and from a completion to the action's text.
//!
//! [`Compact`] and [`SidecarChat`] show a sidecar's observations; [`MatchFormat`] and [`IntercodeFormat`] ask as the
//! evaluator does, with tools; [`MatchRollout`] and [`ShellRollout`] ask so in a sidecar's episodes.

mod action_tokens;
mod chat;
mod compact;
mod intercode;
mod kept;
mod match_answer;
mod match_format;
mod match_layout;
mod match_rollout;
mod notes;
mod pieces;
mod prompt_pack;
mod recorded;
mod shell_rollout;
#[cfg(test)]
mod test_support;
mod tool_chat;
mod verify;

use std::sync::Arc;

use schema::Turn;

pub use self::chat::SidecarChat;
pub use self::compact::Compact;
pub use self::intercode::{IntercodeFormat, ShellAnswer, ShellCall, ShellStep, ShellView};
use self::match_answer::ACTION_TOOL;
pub use self::match_answer::Forfeit;
pub use self::match_format::MatchFormat;
pub use self::match_layout::{MatchResult, Reflection};
pub use self::match_rollout::{MatchRollout, match_view};
pub use self::notes::apply_edit;
pub use self::prompt_pack::{
    CapturedRequest, IntercodeProse, IntercodeTools, MatchProse, MatchTools, PackSchema, PromptPack,
    SidecarProse,
};
pub use self::recorded::RecordedTurn;
pub use self::shell_rollout::ShellRollout;
pub use self::tool_chat::{Answer, ChatRequest, ToolChat};
pub use self::verify::verify_prompts_file;
use crate::{Candidate, Codec, Error, Observation};

/// What a policy is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// For people and scripts. In a chat that goes on, only what is new.
    pub text: String,
    /// The truth.
    pub tokens: Vec<u32>,
}

/// What becomes of a completion that ran out of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOff {
    /// The episode ends without its game's score.
    EndsEpisode,
    /// It is played as what it says so far.
    IsPlayed,
}

/// How episodes are shown to a policy.
pub trait Format: Send + Sync {
    /// Name in trajectories and settings.
    fn name(&self) -> &'static str;

    /// What encodes it.
    fn codec(&self) -> &dyn Codec;

    /// The prompt of the next turn, after the turns so far.
    ///
    /// # Errors
    /// If the tokenizer's chat template cannot show it.
    fn render(&self, history: &[Turn], observation: &Observation) -> Result<Prompt, Error>;

    /// Each legal action as the tokens of a whole completion, end of turn included, ascending by id.
    fn candidates(&self, observation: &Observation) -> Vec<Candidate>;

    /// The action that a completion names, as it is sent to the environment.
    fn parse(&self, completion: &str) -> String;

    /// As [`Format::parse`], for formats that have to see special tokens.
    fn action(&self, completion: &[u32]) -> String {
        self.parse(&self.codec().decode(completion))
    }

    /// What becomes of a completion that ran out of tokens.
    fn cut_off(&self) -> CutOff {
        CutOff::EndsEpisode
    }
}

/// The format called `compact` or `sidecar`.
///
/// # Errors
/// [`Error::UnknownName`].
pub fn format_by_name(name: &str, codec: Arc<dyn Codec>) -> Result<Arc<dyn Format>, Error> {
    match name {
        Compact::NAME => Ok(Arc::new(Compact::new(codec))),
        SidecarChat::NAME => Ok(Arc::new(SidecarChat::new(codec))),
        _ => {
            let known = "`compact`, `sidecar`";
            Err(Error::UnknownName { what: "prompt format", name: name.to_owned(), known })
        }
    }
}

#[cfg(test)]
mod tests;
