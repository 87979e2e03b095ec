//! The texts that an agent reads: observations, refusals, results.
//!
//! Every line but the rules is the original's, byte for byte; the rules are told in our own words
//! ([`rules::of`]). Pure functions of a state and a seat, so that anything that holds a state can show it exactly as
//! the sidecar would.
//!
//! # Source
//! Layout of affinetes' OpenSpiel actor (PhoenixBeaudry/affinetes-gradients@bb2981a), checked on recorded episodes.

mod goofspiel;
mod kuhn;
mod leduc;
mod liars;
pub mod rules;

use std::fmt::Write;

use games::{Action, Game, Player, State};

/// Legal actions that a refusal lists before it only counts the others.
const LISTED_AFTER_REFUSAL: usize = 10;

const PROMPT: &str = "Your choice (action ID only):";
/// OpenSpiel's number of the mover where both seats move at once.
const SIMULTANEOUS: i32 = -2;

/// First observation of an episode: the rules, then [`observation_body`].
pub fn reset_observation(game: &dyn Game, state: &dyn State, seat: usize) -> String {
    let rules = rules::of(game.name());
    format!("# Game Rules\n{rules}\n\n# Current Game State\n{}", observation_body(game, state, seat))
}

/// What `seat` is shown now: the decision to take, or the result if the game is over.
pub fn observation_body(game: &dyn Game, state: &dyn State, seat: usize) -> String {
    if state.is_terminal() {
        return terminal_body(game, state, seat);
    }
    let mut text = format!("Game: {}\nYou are Player {seat}.\n\nCurrent State:\n", game.name());
    text.push_str(&state_text(game, state, seat));
    text.push_str("\n\n");
    match state.current_player() {
        // The original lists nothing here: neither seat is the mover.
        _ if game.is_simultaneous() => push_waiting(&mut text, SIMULTANEOUS),
        Player::Seat(mover) if mover == seat => {
            push_legal_actions(&mut text, state, seat, usize::MAX);
            text.push_str(PROMPT);
        }
        other => push_waiting(&mut text, other.id()),
    }
    text
}

/// The lines under `Current State:`.
///
/// # Panics
/// If the game has neither of OpenSpiel's strings, which none of ours does.
pub fn state_text(game: &dyn Game, state: &dyn State, seat: usize) -> String {
    let information =
        || state.information_state_string(seat).expect("the card and dice games have information states");
    match game.name() {
        "leduc_poker" => leduc::state_text(&information(), seat, is_to_move(state, seat)),
        "liars_dice" => liars::state_text(&information(), state.current_player().id()),
        "goofspiel" => goofspiel::state_text(&state.observation_string(seat).unwrap_or_else(information)),
        "kuhn_poker" => kuhn::state_text(&information(), is_to_move(state, seat)),
        _ => state.observation_string(seat).unwrap_or_else(information),
    }
}

/// The result as `seat` sees it.
pub fn terminal_body(game: &dyn Game, state: &dyn State, seat: usize) -> String {
    let returns = state.returns();
    let score = normalised_score(game, returns[seat]);
    let verdict = if score > 0.5 {
        "WIN"
    } else if score < 0.5 {
        "LOSS"
    } else {
        "DRAW"
    };
    format!(
        "Game Over: {}\nYou were Player {seat}.\n\nFinal Returns: {returns:?}\nYour Return: {:?}\nNormalized Score: {score:.3}\nResult: {verdict}",
        game.name(),
        returns[seat],
    )
}

/// The answer to an action that cannot be played; `raw` is echoed.
pub fn invalid_action(raw: &str, state: &dyn State, seat: usize) -> String {
    let mut text = format!(
        "Invalid action: \"{raw}\"\n\nCould not parse a valid action ID. Please respond with just the action ID number.\n\n"
    );
    push_legal_actions(&mut text, state, seat, LISTED_AFTER_REFUSAL);
    text.push_str(PROMPT);
    text
}

/// A return on the scale of rewards: 0 for the worst, 1 for the best that the game knows.
pub fn normalised_score(game: &dyn Game, value: f64) -> f64 {
    let max = game.max_utility();
    (value + max) / (max + max)
}

/// The action that a text names: its first run of digits, if that is a number at all.
///
/// Whether it is legal is for the caller to say. Unlike Python's `\d+`, digits of other scripts do not count.
pub fn first_number(text: &str) -> Option<Action> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// Legal ids that an observation lists; of goofspiel, where it lists none, the bids of the hand that it shows.
pub fn legal_ids(observation: &str) -> Vec<u32> {
    let Some((_, listed)) = observation.split_once("Legal Actions:\n") else {
        return bids_in_hand(observation).unwrap_or_default();
    };
    listed.lines().map_while(|line| line.strip_prefix("  ")?.split_once(" -> ")?.0.parse().ok()).collect()
}

/// Ids of the cards in the line `P0 hand: 1 2 3` of the player whose observation this is: one less each.
fn bids_in_hand(observation: &str) -> Option<Vec<u32>> {
    let (_, body) = observation.rsplit_once("\nYou are Player ")?;
    let (seat, rest) = body.split_once('.')?;
    let (_, hand) = rest.split_once(&format!("\nP{seat} hand: "))?;
    let cards = hand.lines().next()?.split_whitespace();
    cards.map(|card| card.parse::<u32>().ok()?.checked_sub(1)).collect()
}

fn is_to_move(state: &dyn State, seat: usize) -> bool {
    state.current_player() == Player::Seat(seat)
}

fn push_legal_actions(text: &mut String, state: &dyn State, seat: usize, limit: usize) {
    let mut legal = Vec::new();
    state.legal_actions(&mut legal);
    text.push_str("Legal Actions:\n");
    for &action in legal.iter().take(limit) {
        push(text, format_args!("  {action} -> {}\n", state.action_string(Player::Seat(seat), action)));
    }
    if legal.len() > limit {
        push(text, format_args!("  ... and {} more\n", legal.len() - limit));
    }
    text.push('\n');
}

fn push_waiting(text: &mut String, mover: i32) {
    push(text, format_args!("Waiting for Player {mover} to move..."));
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).expect("a String takes any text");
}

#[cfg(test)]
mod tests;
