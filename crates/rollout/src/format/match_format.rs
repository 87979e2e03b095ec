//! Match play as the evaluator asks it: a fresh request each turn, answered with calls of tools.
//!
//! Unlike [`super::Format`] it shows a [`MatchView`], not a sidecar's observation. What is around the contents of a
//! request is kept by legal set, and the answer of a plain move by its id, so that rows are made quickly; the tokens are
//! those of the whole text.
//!
//! # Source
//! spec/contract.md §5.4 and appendix A.

use std::sync::Arc;

use schema::{MatchMove, MatchView, Memory, MemoryEdit};

use super::kept::Kept;
use super::match_answer::{Forfeit, calls_of, edit_calls, edits_of, move_of};
use super::match_layout::{self, Reflection, SystemText};
use super::notes::apply_edit;
use super::pieces::{Pieces, Reuse};
use super::tool_chat::{Answer, ChatRequest, Frame, ToolChat};
use super::{Prompt, PromptPack};
use crate::{Codec, Error};

/// Legal sets whose frames are kept; a gin hand brings a new one nearly every turn. About 8 KiB each.
const MAX_FRAMES: usize = 2048;
/// Answers that are kept: more than any game has actions.
const MAX_ANSWERS: usize = 4096;

/// See the module.
pub struct MatchFormat {
    chat: ToolChat,
    pack: Arc<PromptPack>,
    frames: Kept<Vec<u16>, Option<Frame>>,
    answers: Kept<u16, Answer>,
    pieces: Pieces,
}

impl MatchFormat {
    /// With this tokenizer and this prose.
    ///
    /// # Errors
    /// If the chat template cannot show a request.
    pub fn new(codec: Arc<dyn Codec>, pack: Arc<PromptPack>) -> Result<Self, Error> {
        let chat = ToolChat::new(codec)?;
        let (frames, answers) = (Kept::new(MAX_FRAMES), Kept::new(MAX_ANSWERS));
        Ok(Self { chat, pack, frames, answers, pieces: Pieces::new() })
    }

    /// How the model is asked; [`ToolChat::has_native_tools`] says whether to warn.
    pub fn chat(&self) -> &ToolChat {
        &self.chat
    }

    /// The prose.
    pub fn pack(&self) -> &PromptPack {
        &self.pack
    }

    /// False if an answer holds one call only, so that [`MatchFormat::answer`] leaves edits of the notes out.
    pub fn writes_notes(&self) -> bool {
        self.chat.style().max_calls() != Some(1)
    }

    /// What is sent to a chat server for a turn.
    ///
    /// # Errors
    /// [`Error::NoRules`] if the pack does not know the game.
    pub fn request(&self, view: &MatchView) -> Result<ChatRequest, Error> {
        let legal: Vec<u16> = view.legal.iter().map(|(id, _)| *id).collect();
        let prose = &self.pack.match_play;
        Ok(ChatRequest {
            system: match_layout::system(&self.pack, &view.game, &view.memory, &prose.guidance)?,
            user: match_layout::turn(view),
            tools: match_layout::turn_tools(&prose.tools, &legal),
        })
    }

    /// The prompt of a turn.
    ///
    /// # Errors
    /// As [`MatchFormat::request`], and if the chat template cannot show it.
    pub fn prompt(&self, view: &MatchView) -> Result<Prompt, Error> {
        let legal: Vec<u16> = view.legal.iter().map(|(id, _)| *id).collect();
        let prose = &self.pack.match_play;
        let frame = self
            .frames
            .get(legal, |legal| self.chat.frame(&match_layout::turn_tools(&prose.tools, legal)))?;
        let parts = SystemText::new(&self.pack, &view.game, &view.memory, &prose.guidance)?;
        let pieces = Option::as_ref(&frame).and_then(|frame| pieces(frame, parts, view));
        let Some(pieces) = pieces else { return self.chat.prompt(&self.request(view)?) };
        let text: String = pieces.iter().map(|(piece, _)| piece.as_str()).collect();
        let tokens = self.pieces.encode(pieces, self.chat.codec());
        Ok(Prompt { text, tokens })
    }

    /// The prompt of a turn told briefly: without rules, notes and tools, and of a long list of legal actions the ends. Nobody
    /// is asked so; who has yet to learn reading learns it from a tenth of the tokens.
    ///
    /// # Errors
    /// If the chat template cannot show it.
    pub fn brief_prompt(&self, view: &MatchView) -> Result<Prompt, Error> {
        let user = match_layout::turn(&match_layout::shortened(view));
        self.chat.prompt(&ChatRequest { system: String::new(), user, tools: Vec::new() })
    }

    /// As [`MatchFormat::prompt`], of a long list of legal actions the ends: between [`MatchFormat::brief_prompt`] and what is
    /// asked.
    ///
    /// # Errors
    /// As [`MatchFormat::prompt`].
    pub fn shortened_prompt(&self, view: &MatchView) -> Result<Prompt, Error> {
        self.prompt(&match_layout::shortened(view))
    }

    /// What is sent to a chat server after a game.
    ///
    /// # Errors
    /// As [`MatchFormat::request`].
    pub fn reflection_request(&self, reflection: &Reflection) -> Result<ChatRequest, Error> {
        let prose = &self.pack.match_play;
        let Reflection { game, memory, .. } = reflection;
        Ok(ChatRequest {
            system: match_layout::system(&self.pack, game, memory, &prose.reflection)?,
            user: match_layout::after_game(reflection),
            tools: match_layout::memory_tools(&prose.tools),
        })
    }

    /// The prompt after a game.
    ///
    /// # Errors
    /// As [`MatchFormat::prompt`].
    pub fn reflection_prompt(&self, reflection: &Reflection) -> Result<Prompt, Error> {
        self.chat.prompt(&self.reflection_request(reflection)?)
    }

    /// The answer that plays `answer`; see [`MatchFormat::writes_notes`].
    ///
    /// # Errors
    /// [`Error::AnswerNotReadable`] if the evaluator's parser would not read it back.
    pub fn answer(&self, answer: &MatchMove) -> Result<Answer, Error> {
        if answer.edits.is_empty() || !self.writes_notes() {
            let plain = |action: &u16| self.chat.answer("", &calls_of(&MatchMove::plain(*action)));
            return Ok(self.answers.get(answer.action, plain)?.as_ref().clone());
        }
        self.chat.answer("", &calls_of(answer))
    }

    /// The answer that makes `edits` after a game; where it can hold one call only, the first of them.
    ///
    /// # Errors
    /// As [`MatchFormat::answer`].
    pub fn reflection_answer(&self, edits: &[MemoryEdit]) -> Result<Answer, Error> {
        let edits = if self.writes_notes() { edits } else { &edits[..edits.len().min(1)] };
        self.chat.answer("", &edit_calls(edits))
    }

    /// The move of a completion's text, special tokens written out and the stop token left away.
    ///
    /// # Errors
    /// Why the game is lost by it.
    pub fn parse(&self, text: &str, legal: &[(u16, String)]) -> Result<MatchMove, Forfeit> {
        move_of(&self.chat.read(text).calls, legal)
    }

    /// The move of a completion's tokens.
    ///
    /// # Errors
    /// As [`MatchFormat::parse`].
    pub fn parse_tokens(&self, tokens: &[u32], legal: &[(u16, String)]) -> Result<MatchMove, Forfeit> {
        move_of(&self.chat.read_tokens(tokens).calls, legal)
    }

    /// The edits of a completion after a game.
    pub fn parse_reflection(&self, tokens: &[u32]) -> Vec<MemoryEdit> {
        edits_of(&self.chat.read_tokens(tokens).calls)
    }

    /// Applies edits in their order, each note held to its length in this model's tokens.
    pub fn apply(&self, memory: &mut Memory, edits: &[MemoryEdit]) {
        for edit in edits {
            apply_edit(memory, edit, self.chat.codec());
        }
    }
}

/// The prompt's text in pieces, most of which come again in other turns of the game; nothing if the frame does not take
/// these contents.
fn pieces(frame: &Frame, system: SystemText, view: &MatchView) -> Option<Vec<(String, Reuse)>> {
    let user = match_layout::turn(view);
    if !Frame::takes(&system.concat(), &user) {
        return None;
    }
    let notes = if view.memory == Memory::default() { Reuse::Often } else { Reuse::Seldom };
    Some(vec![
        (frame.head.clone() + &system.rules, Reuse::Often),
        (system.notes, notes),
        (system.ending + &frame.between, Reuse::Often),
        (user + &frame.tail, Reuse::Seldom),
    ])
}

#[cfg(test)]
mod tests;
