//! The prose of prompts: rules, guidance, what tools are for. Layout is code and not here.
//!
//! A model is to be trained on exactly the words that it will be asked with. The built-in pack says the same as the
//! evaluator in our own words; the exact ones are taken from captured requests ([`PromptPack::capture`]).

mod capture;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use intercode::prompt::{Prose as IntercodeProse, ToolWords as IntercodeTools};

pub use self::capture::CapturedRequest;
use crate::Error;

/// All but the shell environment, whose words are `intercode`'s.
const BUILTIN: &str = include_str!("prompt_pack/builtin.toml");

/// The form that a pack is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackSchema {
    /// The only one so far.
    #[default]
    #[serde(rename = "croupier.prompt_pack/1")]
    V1,
}

/// All the prose of one evaluator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptPack {
    /// `croupier.prompt_pack/1`.
    pub schema: PackSchema,
    /// Where the words come from, for logs and reports.
    pub source: String,
    /// Match play.
    #[serde(rename = "match")]
    pub match_play: MatchProse,
    /// The shell environment.
    pub intercode: IntercodeProse,
    /// Episodes on a sidecar.
    pub sidecar: SidecarProse,
}

/// Prose of match play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchProse {
    /// End of the system prompt of a turn.
    pub guidance: String,
    /// End of the system prompt after a game.
    pub reflection: String,
    /// What tools and their parameters are for.
    pub tools: MatchTools,
    /// By the game's short name, the last line feed included.
    pub rules: BTreeMap<String, String>,
}

/// Descriptions of the tools of match play and of their parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchTools {
    /// Of the tool.
    pub working_memory_rewrite: String,
    /// Of the tool.
    pub working_memory_append: String,
    /// Of the tool.
    pub long_term_memory_rewrite: String,
    /// Of the tool.
    pub long_term_memory_append: String,
    /// Of the tool; `{legal_ids}` stands for the legal ids.
    pub game_action: String,
    /// Of a memory tool's parameter.
    pub slot: String,
    /// Of a memory tool's parameter.
    pub content: String,
    /// Of `game_action`'s parameter.
    pub action_id: String,
}

/// Prose of episodes on a sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SidecarProse {
    /// Glued to the first observation.
    pub format_instruction: String,
    /// By the game's short name, for servers that tell rules in other words than ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, String>,
}

impl PromptPack {
    /// Our own wording.
    pub fn builtin() -> Self {
        let read = || {
            let mut pack: toml::Table = toml::from_str(BUILTIN)?;
            let shell = toml::Value::try_from(IntercodeProse::builtin()).expect("tables of strings");
            pack.insert("intercode".to_owned(), shell);
            pack.try_into::<Self>()
        };
        read().expect("a test reads the built-in pack")
    }

    /// The pack of a TOML file.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read, [`Error::PromptPack`] if it is no pack.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text =
            std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|error| Error::PromptPack { path: path.to_owned(), reason: error.to_string() })
    }

    /// The pack as a TOML file's text; [`PromptPack::load`] reads the same pack from it.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a pack is tables of strings, which TOML can say")
    }

    /// The rules of a game.
    ///
    /// # Errors
    /// [`Error::NoRules`].
    pub fn rules(&self, game: &str) -> Result<&str, Error> {
        let rules = self.match_play.rules.get(game).map(String::as_str);
        rules.ok_or_else(|| Error::NoRules { game: game.to_owned(), source_of_pack: self.source.clone() })
    }
}
