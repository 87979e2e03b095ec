//! The sidecar's own text as a chat of many turns, answered with `Thought:` and `Action:`.
//!
//! Tokens are append-only: the next prompt is the last prompt, the sampled tokens as they are, and what the chat
//! template puts around the new observation. History is never rendered or encoded again, so what is trained on is what
//! was sampled.
//!
//! # Source
//! Layout of the tournament's reference rollout (contract.md §5.3): no system prompt, the format instruction glued to
//! the first observation, the action is what follows the last `Action:`.

use std::sync::Arc;

use schema::{Message, Role, Turn};

use super::action_tokens::ActionTokens;
use super::{Format, Prompt, PromptPack};
use crate::{Candidate, Codec, Error, Observation};

/// In front of the action.
const ACTION: &str = "Action:";
/// A completion without thoughts.
const BARE_ANSWER: &str = "Thought:\n\nAction:\n";
/// Stands for an answer when the text around answers is looked for; observations do not contain it.
const ANSWER: &str = "croupier-answer";

/// See the module.
pub struct SidecarChat {
    codec: Arc<dyn Codec>,
    instruction: String,
    actions: ActionTokens,
}

impl SidecarChat {
    /// [`Format::name`].
    pub const NAME: &str = "sidecar";

    /// With the built-in pack's instruction.
    pub fn new(codec: Arc<dyn Codec>) -> Self {
        Self::with_instruction(codec, PromptPack::builtin().sidecar.format_instruction)
    }

    /// With the instruction of a prompt pack.
    pub fn with_instruction(codec: Arc<dyn Codec>, instruction: String) -> Self {
        let actions = ActionTokens::new(BARE_ANSWER, codec.as_ref());
        Self { codec, instruction, actions }
    }

    fn first(&self, observation: &Observation) -> Result<Prompt, Error> {
        let content = format!("{}{}", observation.text, self.instruction);
        let text = self.codec.render_chat(&[Message::new(Role::User, content)], true)?;
        let tokens = self.codec.encode(&text);
        Ok(Prompt { text, tokens })
    }

    fn next(&self, last: &Turn, observation: &Observation) -> Result<Prompt, Error> {
        let said = observation.refusal.as_deref().unwrap_or(&observation.text);
        let text = self.between_answers(said)?;
        let delta = self.codec.encode(&text);
        let mut tokens =
            Vec::with_capacity(last.prompt_tokens.len() + last.completion_tokens.len() + delta.len());
        tokens.extend(&last.prompt_tokens);
        tokens.extend(&last.completion_tokens);
        // The answer's end of turn is part of what the template writes after it.
        let is_closed =
            last.finish == schema::TurnFinish::Stop && last.completion_tokens.last() == delta.first();
        tokens.extend(&delta[usize::from(is_closed)..]);
        Ok(Prompt { text, tokens })
    }

    /// What the template writes after one answer and before the next, with `said` as the user's message in between.
    fn between_answers(&self, said: &str) -> Result<String, Error> {
        let messages = [
            Message::new(Role::User, "…"),
            Message::new(Role::Assistant, ANSWER),
            Message::new(Role::User, said),
        ];
        let text = self.codec.render_chat(&messages, true)?;
        let (_, after) = text.rsplit_once(ANSWER).ok_or(Error::TemplateRewrites)?;
        Ok(after.to_owned())
    }
}

impl Format for SidecarChat {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn codec(&self) -> &dyn Codec {
        self.codec.as_ref()
    }

    fn render(&self, history: &[Turn], observation: &Observation) -> Result<Prompt, Error> {
        match history.last() {
            None => self.first(observation),
            Some(last) => self.next(last, observation),
        }
    }

    fn candidates(&self, observation: &Observation) -> Vec<Candidate> {
        self.actions.candidates(observation, self.codec.as_ref())
    }

    fn parse(&self, completion: &str) -> String {
        completion.rsplit(ACTION).next().unwrap_or_default().trim().to_owned()
    }
}
