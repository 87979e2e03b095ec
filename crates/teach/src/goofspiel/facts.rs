//! What a turn of goofspiel tells a seat, read from OpenSpiel's observation.

use schema::MatchView;

use super::GAME;
use crate::Error;

/// Cards as bits; a card is its value minus one, as bids are numbered.
pub(super) type Cards = u16;

/// Everything that matters for a bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// Cards that each hand had, and prizes.
    pub(super) n_cards: u32,
    pub(super) hand: Cards,
    /// What is bid for.
    pub(super) prize: u8,
    /// Prizes that come later.
    pub(super) prizes: Cards,
    /// Points by which the mover is ahead.
    pub(super) ahead: i32,
    /// Rounds that the mover won, that the other won, that nobody won.
    pub(super) rounds: [u32; 3],
}

impl Facts {
    pub(super) fn read(view: &MatchView) -> Result<Self, Error> {
        let unreadable = |what| Error::Unreadable { game: GAME, what, text: view.state.clone() };
        let line = |start: &str| view.state.lines().find_map(|line| line.strip_prefix(start));
        let numbers = |start: &str| -> Option<Vec<i32>> {
            line(start)?.split_ascii_whitespace().map(|word| word.parse().ok()).collect()
        };
        let own = view.seat.min(1);
        let hand = numbers(&format!("P{own} hand:")).and_then(|values| cards(&values));
        let hand = hand.filter(|&hand| hand != 0).ok_or_else(|| unreadable("the own hand"))?;
        let winners = numbers("Win sequence:").ok_or_else(|| unreadable("who won each round"))?;
        let points = numbers("Points:").filter(|points| points.len() == 2);
        let points = points.ok_or_else(|| unreadable("the points"))?;
        let n_left = hand.count_ones() as usize - 1;
        let left = line("Remaining Point Cards:").and_then(|digits| listed(digits.trim(), n_left));
        let prizes = left.ok_or_else(|| unreadable("the prizes that are left"))?;
        let prize = numbers("Current point card:").and_then(|values| cards(&values));
        let prize = prize.filter(|&prize| prize.is_power_of_two() && prize & prizes == 0);
        let prize = prize.ok_or_else(|| unreadable("the prize"))?.trailing_zeros() as u8;
        let won = |seat: i32| winners.iter().filter(|&&winner| winner == seat).count() as u32;
        let (mine, others) = (won(own as i32), won(1 - own as i32));
        let n_rounds = winners.len() as u32;
        Ok(Self {
            n_cards: hand.count_ones() + n_rounds,
            hand,
            prize,
            prizes,
            ahead: points[own] - points[1 - own],
            rounds: [mine, others, n_rounds - mine - others],
        })
    }
}

/// Cards of these values; `None` if one cannot be.
fn cards(values: &[i32]) -> Option<Cards> {
    values.iter().try_fold(0, |cards, &value| {
        let card = (1..=16).contains(&value).then(|| 1_u16 << (value - 1))?;
        Some(cards | card)
    })
}

/// Ascending values of `n` cards, written without anything between them: first those of one digit, then the others.
fn listed(digits: &str, n: usize) -> Option<Cards> {
    let n_long = digits.len().checked_sub(n).filter(|&n_long| n_long <= n)?;
    let (short, long) = digits.split_at_checked(n - n_long)?;
    let mut values: Vec<i32> = Vec::new();
    for (text, width) in [(short, 1), (long, 2)] {
        for at in (0..text.len()).step_by(width) {
            values.push(text.get(at..at + width)?.parse().ok()?);
        }
    }
    values.is_sorted().then(|| cards(&values)).flatten()
}
