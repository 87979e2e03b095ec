//! From the sidecar's text to an [`Observation`], leniently: other servers indent and order the lines differently.

use crate::Observation;

/// In front of the state in the first observation of an episode.
const STATE_HEADING: &str = "# Current Game State\n";
/// In front of the legal actions.
const LEGAL_HEADING: &str = "Legal Actions:";
/// In front of the game's own lines.
const CURRENT_STATE: &str = "Current State:";

/// Reads an observation's text.
pub fn parse_observation(text: String) -> Observation {
    let body = without_rules(&text);
    let game = field(body, "Game: ").or_else(|| field(body, "Game Over: ")).unwrap_or_default().to_owned();
    let player = field(body, "You are Player ").or_else(|| field(body, "You were Player "));
    let player = player.and_then(|rest| rest.trim_end_matches('.').parse::<u8>().ok());
    let mut legal = legal_actions(body);
    if legal.is_empty() {
        legal = player.and_then(|seat| bids_in_hand(body, seat)).unwrap_or_default();
    }
    Observation { game, player, legal, text, ..Observation::default() }
}

/// The lines between `Current State:` and the legal actions, or the whole text if it has no such heading.
pub(crate) fn state_lines(text: &str) -> &str {
    let body = without_rules(text);
    let state = body.split_once(CURRENT_STATE).map_or(body, |(_, state)| state);
    state.rsplit_once(LEGAL_HEADING).map_or(state, |(state, _)| state).trim()
}

/// The same as it stands, line ends included, between the line of the heading and the empty line before the actions.
pub(crate) fn state_block(text: &str) -> &str {
    let body = without_rules(text);
    let state = body.split_once(CURRENT_STATE).map_or(body, |(_, state)| state);
    let state = state.strip_prefix('\n').unwrap_or(state);
    let state = state.rsplit_once(LEGAL_HEADING).map_or(state, |(state, _)| state);
    state.strip_suffix("\n\n").unwrap_or(state)
}

/// The rest of the first line that starts with `label`.
pub(crate) fn field<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(label)).map(str::trim)
}

/// The text without the rules that precede the first state.
pub(crate) fn without_rules(text: &str) -> &str {
    text.split_once(STATE_HEADING).map_or(text, |(_, body)| body)
}

/// Lines `id -> action string` after the last heading.
fn legal_actions(body: &str) -> Vec<(u32, String)> {
    let Some((_, list)) = body.rsplit_once(LEGAL_HEADING) else {
        return Vec::new();
    };
    let lines = list.lines().skip(1).map_while(|line| line.trim().split_once(" -> "));
    lines.filter_map(|(id, action)| Some((id.parse().ok()?, action.to_owned()))).collect()
}

/// Bids of the hand that goofspiel shows. The sidecar lists none there: both seats move at once, so neither is the mover.
fn bids_in_hand(body: &str, seat: u8) -> Option<Vec<(u32, String)>> {
    let cards = field(body, &format!("P{seat} hand:"))?.split_whitespace();
    let bid = |card: &str| {
        let value: u32 = card.parse().ok()?;
        Some((value.checked_sub(1)?, format!("[P{seat}]Bid: {value}")))
    };
    cards.map(bid).collect()
}

#[cfg(test)]
mod tests;
