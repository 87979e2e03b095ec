//! Prose out of captured requests: what the evaluator sent, taken apart along the layout that the code knows.
//!
//! Requests may disagree (a note can look like guidance), so the wording that occurs most often is kept.
//!
//! Source of the forms: OpenAI's chat requests (`messages`, `tools`), rows of data sets where either may be JSON in a
//! string, plain `system`/`user`/`tools`, and the fixture of the evaluator's own modules (`turn_system_prompt`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use intercode::prompt::QUESTION;
use serde_json::Value;

use super::{IntercodeTools, MatchTools, PromptPack};
use crate::Error;
use crate::format::ACTION_TOOL;
use crate::format::match_layout::{self, SystemParts};
use crate::format::recorded::{Conversation, parsed, text};

/// Requests of a file or folder that are looked at: a wording that has not come up by then is rare.
const MOST_REQUESTS: usize = 4096;

/// One chat request as it was sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CapturedRequest {
    /// Of the system message.
    pub system: String,
    /// Of the last user message.
    pub user: String,
    /// As sent.
    pub tools: Vec<Value>,
}

/// Ballots for the wording of each place, by its name in the pack.
#[derive(Default)]
struct Ballots(BTreeMap<String, BTreeMap<String, usize>>);

impl Ballots {
    fn cast(&mut self, place: &str, words: &str) {
        *self.0.entry(place.to_owned()).or_default().entry(words.to_owned()).or_default() += 1;
    }

    /// The wording with the most votes, the first in order of the alphabet of several.
    fn winner(&self, place: &str) -> Option<String> {
        let votes = self.0.get(place)?;
        let best = votes.iter().rev().max_by_key(|(_, count)| **count);
        best.map(|(words, _)| words.clone())
    }
}

impl PromptPack {
    /// The prose of captured requests, with our own where nothing was captured; `source` says which.
    ///
    /// # Errors
    /// [`Error::NothingCaptured`] if no request is of a known form.
    pub fn capture(requests: &[CapturedRequest]) -> Result<Self, Error> {
        let mut ballots = Ballots::default();
        for request in requests {
            vote(request, &mut ballots);
        }
        if ballots.0.is_empty() {
            return Err(Error::NothingCaptured { n_requests: requests.len() });
        }
        let mut pack = Self::builtin();
        let mut ours = Vec::new();
        for (place, words) in places(&mut pack) {
            match ballots.winner(&place) {
                Some(captured) => *words = captured,
                None => ours.push(place),
            }
        }
        for place in ballots.0.keys() {
            if let Some(game) = place.strip_prefix(RULES) {
                let words = ballots.winner(place).expect("the place is one of the ballots'");
                pack.match_play.rules.insert(game.to_owned(), words);
            }
        }
        pack.source = format!("captured from {} requests", requests.len());
        if !ours.is_empty() {
            pack.source += &format!("; built-in wording of {}", ours.join(", "));
        }
        Ok(pack)
    }

    /// The prose of files of captured requests: JSON, JSON Lines, Parquet, or folders of them.
    ///
    /// # Errors
    /// [`Error::Data`] if one cannot be read, [`Error::NothingCaptured`] if none holds a request of a known form.
    pub fn capture_files(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut requests = Vec::new();
        for path in paths {
            for value in data::read_records(path, MOST_REQUESTS).map_err(Error::Data)? {
                requests.extend(requests_of(&value));
            }
        }
        Self::capture(&requests)
    }

    /// The prose of one parsed JSON value.
    pub(crate) fn capture_value(value: &Value) -> Result<Self, Error> {
        Self::capture(&requests_of(value))
    }
}

const RULES: &str = "match.rules.";
const GUIDANCE: &str = "match.guidance";
const REFLECTION: &str = "match.reflection";
const TOOLS: &str = "match.tools.";
const INTERCODE: &str = "intercode.system";
const INTERCODE_TOOLS: &str = "intercode.tools.";

/// Every place of a pack that requests can fill, by name.
fn places(pack: &mut PromptPack) -> Vec<(String, &mut String)> {
    let MatchTools {
        working_memory_rewrite,
        working_memory_append,
        long_term_memory_rewrite,
        long_term_memory_append,
        game_action,
        slot,
        content,
        action_id,
    } = &mut pack.match_play.tools;
    let IntercodeTools { execute_bash, command, submit } = &mut pack.intercode.tools;
    let mut places = vec![
        (GUIDANCE.to_owned(), &mut pack.match_play.guidance),
        (REFLECTION.to_owned(), &mut pack.match_play.reflection),
        (INTERCODE.to_owned(), &mut pack.intercode.system),
    ];
    let of_match = [
        ("working_memory_rewrite", working_memory_rewrite),
        ("working_memory_append", working_memory_append),
        ("long_term_memory_rewrite", long_term_memory_rewrite),
        ("long_term_memory_append", long_term_memory_append),
        (ACTION_TOOL, game_action),
        ("slot", slot),
        ("content", content),
        ("action_id", action_id),
    ];
    places.extend(of_match.map(|(name, words)| (format!("{TOOLS}{name}"), words)));
    let of_shell = [("execute_bash", execute_bash), ("command", command), ("submit", submit)];
    places.extend(of_shell.map(|(name, words)| (format!("{INTERCODE_TOOLS}{name}"), words)));
    let rules = pack.match_play.rules.iter_mut();
    places.extend(rules.map(|(game, words)| (format!("{RULES}{game}"), words)));
    places
}

/// What one request says about each place.
fn vote(request: &CapturedRequest, ballots: &mut Ballots) {
    let functions = request.tools.iter().map(|tool| tool.get("function").unwrap_or(tool));
    let functions: Vec<&Value> = functions.collect();
    let has = |name: &str| functions.iter().any(|function| function["name"] == name);
    if let Some(SystemParts { game, rules, ending }) = match_layout::take_apart(&request.system) {
        let may_move = match functions.is_empty() {
            true => request.user.contains(match_layout::LEGAL_LABEL),
            false => has(ACTION_TOOL),
        };
        ballots.cast(&format!("{RULES}{game}"), rules);
        ballots.cast(if may_move { GUIDANCE } else { REFLECTION }, ending);
    } else if has("execute_bash") || request.user.starts_with(QUESTION) {
        ballots.cast(INTERCODE, &request.system);
    } else {
        return;
    }
    let prefix = if has("execute_bash") { INTERCODE_TOOLS } else { TOOLS };
    for function in functions {
        if let (Some(name), Some(words)) = (function["name"].as_str(), function["description"].as_str()) {
            ballots.cast(&format!("{prefix}{name}"), &description(function, words));
        }
        for (name, parameter) in function["parameters"]["properties"].as_object().into_iter().flatten() {
            if let Some(words) = parameter["description"].as_str() {
                ballots.cast(&format!("{prefix}{name}"), words);
            }
        }
    }
}

/// A tool's description, with a placeholder where it lists the legal ids.
fn description(function: &Value, words: &str) -> String {
    let ids = function["parameters"]["properties"]["action_id"]["enum"].as_array();
    let ids: Vec<u16> = ids.into_iter().flatten().filter_map(|id| u16::try_from(id.as_u64()?).ok()).collect();
    let listed = match_layout::listed(&ids);
    match words.rfind(&listed).filter(|_| !ids.is_empty()) {
        Some(at) => format!("{}{}{}", &words[..at], match_layout::LEGAL_IDS, &words[at + listed.len()..]),
        None => words.to_owned(),
    }
}

/// The requests that a JSON value holds, in any of the known forms.
fn requests_of(value: &Value) -> Vec<CapturedRequest> {
    if let Value::Array(many) = value {
        return many.iter().flat_map(requests_of).collect();
    }
    if let Some(inner) = value.get("request").or_else(|| value.get("body")) {
        return requests_of(&parsed(inner));
    }
    if value.get("turn_system_prompt").is_some() {
        return of_fixture(value);
    }
    let Conversation { messages, tools } = Conversation::of(value);
    let of_role = |role: &str| {
        let found = messages.iter().rev().find(|message| message["role"] == role);
        found.map(|message| text(&message["content"]))
    };
    let Some(system) = of_role("system") else { return Vec::new() };
    vec![CapturedRequest { system, user: of_role("user").unwrap_or_default(), tools }]
}

/// The prompts of the evaluator's own modules, as one file.
fn of_fixture(value: &Value) -> Vec<CapturedRequest> {
    let tools = value["tools"].as_array().cloned().unwrap_or_default();
    let without_action: Vec<Value> =
        tools.iter().filter(|tool| tool["function"]["name"] != ACTION_TOOL).cloned().collect();
    let systems = |key: &str| value[key].as_object().cloned().unwrap_or_default();
    let request = |system: &Value, tools: &[Value]| CapturedRequest {
        system: text(system),
        user: String::new(),
        tools: tools.to_vec(),
    };
    let mut requests = Vec::new();
    requests.extend(systems("turn_system_prompt").values().map(|system| request(system, &tools)));
    requests
        .extend(systems("reflection_system_prompt").values().map(|system| request(system, &without_action)));
    if let Some(system) = value["intercode_system_prompt"].as_str() {
        let user = QUESTION.to_owned();
        requests.push(CapturedRequest { system: system.to_owned(), user, tools: Vec::new() });
    }
    requests
}
