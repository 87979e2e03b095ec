//! Conversations: a chat template, of which the assistant's turns are learnt.
//!
//! What is learnt of a turn is found as axolotl's `chat_template` strategy finds it, because the evaluator scores with it:
//! the conversation up to the turn is rendered with the turn's text and with a dummy in its place; the first and the last
//! token in which the two differ bound the text. Those positions are taken over into the rendering of the whole
//! conversation, and an EOS within three tokens after the text is learnt too. What follows from this, here as there:
//!
//! 1. A turn without text is not learnt, nor is a turn's end where the template ends turns by another token than EOS.
//! 2. Where a template writes an earlier turn otherwise once later ones follow (without its thoughts, say), positions
//!    shift, and other tokens of the full rendering are learnt. Such rows are counted as `rewritten`.
//!
//! Otherwise than there, a conversation that the template refuses costs only itself.

mod messages;

use std::ops::Range;

use schema::ChatType;
use serde_json::{Value, json};

use super::{kept, load_within};
use crate::chat::{self, ChatTemplate};
use crate::dataset::Refusal;
use crate::{Dataset, Encoded, Error, Reason, SequenceLimit, Source, Tokenizer};
use messages::{Conversation, Fields};

const ASSISTANT: &str = "assistant";
/// Takes the place of a turn's text to find where it lies; no text starts or ends like this.
const DUMMY: &str = "[[dummy_message]]";
/// How far after a turn's text its EOS may be: templates put line ends between.
const MAX_TO_EOS: usize = 3;

/// Rows of a ChatTask.
///
/// # Errors
/// As [`super::load_instruct`], and [`Error::NoChatTemplate`], [`Error::UnknownTemplate`] or [`Error::ChatTemplate`] if the
/// card's template cannot be used.
pub fn load_chat(
    source: Source<'_>,
    card: &ChatType,
    tokenizer: &Tokenizer,
    limit: SequenceLimit,
) -> Result<Dataset<Encoded>, Error> {
    let chosen = chat::choose(card.chat_template.as_deref(), tokenizer.template(), tokenizer.folder())?;
    let template = chosen.as_ref().or(tokenizer.template());
    let template = template.ok_or_else(|| Error::NoChatTemplate { folder: tokenizer.folder().to_owned() })?;
    let writer = Writer { template, tokenizer };
    let fields = Fields::new(card);
    load_within(source, limit, &[fields.column()], |cells, max_tokens| {
        let conversation = fields.conversation(cells)?;
        let (encoded, rewritten) = writer.encode(&conversation)?;
        cells.rewritten |= rewritten;
        Ok(vec![kept(encoded, max_tokens, &conversation.asked())?])
    })
}

/// A template together with the tokenizer that reads what it writes.
struct Writer<'a> {
    template: &'a ChatTemplate,
    tokenizer: &'a Tokenizer,
}

impl Writer<'_> {
    /// The tokens of a conversation, and whether some turn is written otherwise when it is the last.
    fn encode(&self, conversation: &Conversation) -> Result<(Encoded, bool), Refusal> {
        let ids = self.ids(&conversation.turns, conversation, None)?;
        let mut loss_mask = vec![false; ids.len()];
        let mut rewritten = false;
        for (turn_idx, turn) in conversation.turns.iter().enumerate() {
            if turn["role"] != ASSISTANT {
                continue;
            }
            let (text, is_prefix) = self.find_turn(conversation, turn_idx, &ids)?;
            rewritten |= !is_prefix;
            if let Some(text) = &text {
                let end = text.end.min(ids.len());
                loss_mask[text.start.min(end)..end].fill(true);
            }
            if let Some(eos_idx) = self.find_eos(&ids, text.map(|text| text.end)) {
                loss_mask[eos_idx] = true;
            }
        }
        Ok((Encoded::new(ids, loss_mask), rewritten))
    }

    /// Where the text of a turn lies when the conversation ends with it, and whether `whole` begins with that.
    fn find_turn(
        &self,
        conversation: &Conversation,
        turn_idx: usize,
        whole: &[u32],
    ) -> Result<(Option<Range<usize>>, bool), Refusal> {
        let last = Some(conversation.turns.len() - 1);
        let with_text = self.ids(&conversation.turns[..=turn_idx], conversation, last)?;
        let mut turns = conversation.turns[..turn_idx].to_vec();
        turns.push(json!({"role": ASSISTANT, "content": DUMMY}));
        let with_dummy = self.ids(&turns, conversation, last)?;

        let differing = |n: usize| (n < with_text.len().min(with_dummy.len())).then_some(n);
        let equal_before = with_text.iter().zip(&with_dummy).take_while(|(a, b)| a == b).count();
        let equal_after =
            with_text.iter().rev().zip(with_dummy.iter().rev()).take_while(|(a, b)| a == b).count();
        let bounds = differing(equal_before).zip(differing(equal_after));
        let text =
            bounds.map(|(start, after)| start..with_text.len() - after).filter(|text| text.start < text.end);
        let is_prefix = text.as_ref().is_none_or(|text| whole.starts_with(&with_text[..text.end]));
        Ok((text, is_prefix))
    }

    /// The EOS of a turn whose text ends at `end`.
    ///
    /// A turn without text is searched from the start of the conversation, with the distance counted from one before it,
    /// and has none if the conversation ends in EOS: so axolotl's index of −1 works out.
    fn find_eos(&self, ids: &[u32], end: Option<usize>) -> Option<usize> {
        let eos = self.tokenizer.eos();
        let (start, distance_from_start) = match end {
            Some(end) => (end, 0),
            None if ids.last() == Some(&eos) => return None,
            None => (0, 1),
        };
        let distance = ids.get(start..)?.iter().position(|id| *id == eos)?;
        (distance + distance_from_start <= MAX_TO_EOS).then_some(start + distance)
    }

    fn ids(
        &self,
        turns: &[Value],
        conversation: &Conversation,
        real_last_index: Option<usize>,
    ) -> Result<Vec<u32>, Refusal> {
        let tokens = self.tokenizer.named_tokens();
        let text = self.template.render_turns(turns, &conversation.tools, real_last_index, tokens);
        let text = text.map_err(|error| Refusal::Row(Reason::TemplateRefused, error.to_string()))?;
        Ok(self.tokenizer.encode(&text))
    }
}
