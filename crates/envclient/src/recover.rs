//! What a step brought, when only `/state` is left to tell.
//!
//! `/state` does not repeat the reward (env_sidecars §1.3), but before the end it is 0 in all games of the sidecar, and
//! at the end the text says the return.

use schema::EnvName;
use schema::env_api::EnvResult;

/// Whether the step of a lost reply was played, as `state` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Played {
    Yes,
    No,
    Unknown,
}

/// Compares the episode's position before the step with what `/state` says now.
pub(crate) fn was_played(step_count_before: Option<u64>, state: &EnvResult) -> Played {
    match (step_count_before, state.info.step_count) {
        _ if state.done => Played::Yes,
        (Some(before), Some(now)) if now > before => Played::Yes,
        (Some(_), Some(_)) => Played::No,
        _ => Played::Unknown,
    }
}

/// `state` with the reward that the lost reply carried.
pub(crate) fn with_reward(mut state: EnvResult) -> EnvResult {
    state.reward = if state.done { terminal_score(&state).unwrap_or(0.0) } else { 0.0 };
    state
}

/// The agent's return in the game's own unit, if `observation` is the text of a finished game.
pub fn terminal_return(observation: &str) -> Option<f64> {
    field(observation, "Your Return:")
}

/// Exact from the return where the game's range is known, else the text's three decimals.
fn terminal_score(state: &EnvResult) -> Option<f64> {
    let game = state.info.game_name.as_deref().and_then(|name| name.parse::<EnvName>().ok());
    let exact = game.zip(terminal_return(&state.observation));
    exact
        .map(|(game, raw)| 0.5 + raw / (2.0 * game.half_range()))
        .or_else(|| field(&state.observation, "Normalized Score:"))
}

fn field(text: &str, label: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(label))?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
