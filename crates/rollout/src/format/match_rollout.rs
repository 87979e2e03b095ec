//! Match play's prompts for the episodes of sidecars: what is trained by rewards is asked as it will be scored.
//!
//! A sidecar shows its states in lines of its own; here they are told as match play tells them. A turn stands for itself
//! and has no notes. Lines that no reader knows stay as they are.
//!
//! # Source
//! Both layouts: spec/env_sidecars.md §1 and §3.6, spec/contract.md §5.4.

use std::sync::Arc;

use schema::{MatchMove, MatchView, Memory, Turn};

use super::match_answer::ACTION_TOOL;
use super::{Format, MatchFormat, Prompt};
use crate::observation::state_block;
use crate::{Candidate, Codec, Error, Observation};

/// How lines of the sidecar begin, and how the same begin in match play.
const LEDUC_LINES: [(&str, &str); 5] = [
    ("Hand: Pair", "Hand: PAIR"),
    ("Current round: ", "Round: "),
    ("Pot size: ", "Pot: "),
    ("Round 1 betting: ", "Round 1 actions: "),
    ("Round 2 betting: ", "Round 2 actions: "),
];
const LIARS_LINES: [(&str, &str); 4] = [
    ("Number of dice per player: ", "Dice per player: "),
    ("Number of players: ", "Players: "),
    ("Current player to act: ", "Current player: "),
    ("You can either: ", "You can: "),
];
/// A line of the sidecar's leduc_poker that match play has not.
const LEDUC_PROMPT: &str = "Your turn to act";

/// See the module.
pub struct MatchRollout {
    format: Arc<MatchFormat>,
}

impl MatchRollout {
    /// [`Format::name`].
    pub const NAME: &str = "match";

    /// Prompts and answers as `format` has them.
    pub fn new(format: Arc<MatchFormat>) -> Self {
        Self { format }
    }
}

impl Format for MatchRollout {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn codec(&self) -> &dyn Codec {
        self.format.chat().codec()
    }

    fn render(&self, _history: &[Turn], observation: &Observation) -> Result<Prompt, Error> {
        self.format.prompt(&match_view(observation))
    }

    fn candidates(&self, observation: &Observation) -> Vec<Candidate> {
        let candidate = |&(action_id, _): &(u32, String)| {
            let action = u16::try_from(action_id).ok()?;
            let tokens = self.format.answer(&MatchMove::plain(action)).ok()?.tokens;
            Some(Candidate { action_id, tokens })
        };
        observation.legal.iter().filter_map(candidate).collect()
    }

    fn parse(&self, completion: &str) -> String {
        let calls = self.format.chat().read(completion).calls;
        let action = calls.into_iter().find(|call| call.name == ACTION_TOOL);
        let id = action.and_then(|call| call.arguments.get("action_id").cloned()).unwrap_or_default();
        id.as_str().map_or_else(|| id.to_string(), str::to_owned)
    }
}

/// What match play would show of an observation.
pub fn match_view(observation: &Observation) -> MatchView {
    let seat = observation.player.map_or(0, usize::from);
    let block = state_block(&observation.text);
    let state = match observation.game.as_str() {
        "leduc_poker" => {
            let kept = block.lines().filter(|line| *line != LEDUC_PROMPT);
            kept.map(|line| retold(line, &LEDUC_LINES)).collect::<Vec<_>>().join("\n")
        }
        "liars_dice" => {
            let lines: Vec<String> = block.lines().map(|line| retold(line, &LIARS_LINES)).collect();
            lines.join("\n").replace("(claiming at least ", "(at least ")
        }
        "othello" => format!("You play {}.\n{block}", ["x (Black)", "o (White)"][seat % 2]),
        "clobber" => format!("You play {}.\n{block}", ["o (White)", "x (Black)"][seat % 2]),
        _ => block.to_owned(),
    };
    let legal =
        observation.legal.iter().filter_map(|(id, name)| Some((u16::try_from(*id).ok()?, name.clone())));
    MatchView {
        game: observation.game.clone(),
        seat,
        state,
        legal: legal.collect(),
        memory: Memory::default(),
    }
}

fn retold(line: &str, lines: &[(&str, &str)]) -> String {
    let known = lines.iter().find_map(|(from, to)| Some(format!("{to}{}", line.strip_prefix(from)?)));
    known.unwrap_or_else(|| line.to_owned())
}

#[cfg(test)]
mod tests;
