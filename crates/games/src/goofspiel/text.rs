//! How a position of goofspiel prints: lines of OpenSpiel's, in the order of each of its strings.
//!
//! Hands, prizes and points show values from 1; the bids of past rounds show ids from 0, as in OpenSpiel.

use std::fmt::Display;

use super::Form;
use super::state::{GoofspielState, cards};
use crate::{Player, State};

/// What OpenSpiel prints for the winner of a round that nobody won.
const NOBODY: &str = "-3";

/// Everything.
pub(super) fn state(state: &GoofspielState) -> String {
    let mut text = String::new();
    if let (Form::Turns, Player::Seat(_)) = (state.rules.form, state.current_player()) {
        text += &line("Partial joint action: ", state.pending);
    }
    text += &(hand(state, 0) + &hand(state, 1));
    if state.rules.hides_hands {
        // Without hidden hands they follow from what is shown.
        for seat in 0..2 {
            text += &line(&format!("P{seat} actions: "), state.bids(seat));
        }
    }
    text + &prizes(state) + &points(state)
}

/// What `seat` knows.
pub(super) fn information_state(state: &GoofspielState, seat: usize) -> String {
    let text = turn(state, seat);
    if !state.rules.hides_hands {
        return text + &prizes(state) + &hand(state, 0) + &hand(state, 1) + &winners(state) + &points(state);
    }
    let bids = line(&format!("P{seat} action sequence: "), state.bids(seat));
    let end = format!("Terminal?: {}\n", u8::from(state.is_terminal()));
    text + &hand(state, seat) + &bids + &prizes(state) + &winners(state) + &points(state) + &end
}

/// What `seat` sees.
pub(super) fn observation(state: &GoofspielState, seat: usize) -> String {
    let prize = state.prize().map_or(0, |prize| prize + 1);
    let left: String = cards(state.prizes_left()).map(|prize| (prize + 1).to_string()).collect();
    let text = turn(state, seat) + &format!("Current point card: {prize}\nRemaining Point Cards: {left}\n");
    if state.rules.hides_hands {
        text + &points(state) + &hand(state, seat) + &winners(state)
    } else {
        text + &hand(state, 0) + &hand(state, 1) + &winners(state) + &points(state)
    }
}

/// What the wrapper into turns adds: who is to bid, and the observer's own bid that still waits for the other's.
fn turn(state: &GoofspielState, seat: usize) -> String {
    if state.rules.form == Form::Simultaneous {
        return String::new();
    }
    let mut text = format!("Current player: {}\n", state.current_player().id());
    if let Some(bid) = state.pending.filter(|_| seat == 0) {
        text += &format!("Observer's action this turn: {bid}\n");
    }
    text
}

fn hand(state: &GoofspielState, seat: usize) -> String {
    line(&format!("P{seat} hand: "), cards(state.hands[seat]).map(|card| card + 1))
}

fn prizes(state: &GoofspielState) -> String {
    line("Point card sequence: ", state.prizes().iter().map(|prize| prize + 1))
}

fn winners(state: &GoofspielState) -> String {
    line(
        "Win sequence: ",
        state.winners().map(|winner| winner.map_or(NOBODY.to_owned(), |seat| seat.to_string())),
    )
}

fn points(state: &GoofspielState) -> String {
    line("Points: ", state.points)
}

/// The label, then each item and a blank.
fn line(label: &str, items: impl IntoIterator<Item = impl Display>) -> String {
    let mut text = label.to_owned();
    for item in items {
        text += &format!("{item} ");
    }
    text + "\n"
}
