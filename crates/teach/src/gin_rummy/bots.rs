//! Two players by rules of thumb.
//!
//! # Source
//! `Simple` follows the rules of OpenSpiel's `simple_gin_rummy_bot`; `Public` those of a public tournament recipe
//! (spec/recipes.md §1.2).

use std::cmp::Reverse;

use games::Action;
use games::gin_rummy::cards::{Card, CardSet, rank, suit, value};
use games::gin_rummy::deadwood::min_deadwood;
use schema::{MatchMove, MatchView};

use super::facts::{Facts, Phase};
use super::{DRAW_STOCK, DRAW_UPCARD, KNOCK, PASS, end, leftover};
use crate::{Error, Player};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bot {
    /// Knocks when it may, takes an upcard that melds or lets it knock, throws its most expensive deadwood, never
    /// lays off.
    Simple,
    /// Takes an upcard that lowers its deadwood, throws by value less what a card may still become, lays off.
    Public,
}

impl Player for Bot {
    fn name(&self) -> String {
        match self {
            Self::Simple => "gin_rummy/simple".to_owned(),
            Self::Public => "gin_rummy/public".to_owned(),
        }
    }

    fn answer(&self, view: &MatchView, _draw: f64) -> Result<MatchMove, Error> {
        super::answer(view, |facts| self.action(facts))
    }
}

impl Bot {
    fn action(self, facts: &Facts) -> Action {
        match facts.phase {
            Phase::FirstUpcard | Phase::Draw if facts.may(DRAW_UPCARD) && self.takes(facts) => DRAW_UPCARD,
            Phase::FirstUpcard | Phase::Draw => facts.first_of(&[DRAW_STOCK, PASS]),
            Phase::Discard | Phase::Wall if facts.may(KNOCK) => KNOCK,
            Phase::Discard => Action::from(self.discard(facts)),
            Phase::Wall => PASS,
            Phase::Knock | Phase::Layoff if self == Self::Simple => end::action(facts, end::LayOffs::None),
            Phase::Knock | Phase::Layoff => end::action(facts, end::LayOffs::Best),
        }
    }

    fn takes(self, facts: &Facts) -> bool {
        let Some(upcard) = facts.upcard else { return false };
        let (hand, with) = (facts.hand, facts.hand.with(CardSet::of(upcard)));
        let after = min_deadwood(with, hand.len());
        match self {
            Self::Simple => after <= facts.knock_card || !leftover(with).contains(upcard),
            Self::Public => after < min_deadwood(hand, hand.len()),
        }
    }

    fn discard(self, facts: &Facts) -> Card {
        let loose = leftover(facts.hand);
        // Only a hand that is all melds has no deadwood, and that one knocks.
        let choices = if loose.is_empty() { facts.hand } else { loose };
        let potential = |card: Card| match self {
            Self::Simple => 0,
            Self::Public => potential(facts, card),
        };
        let worst =
            choices.iter().max_by_key(|&card| (value(card) - potential(card), rank(card), Reverse(card)));
        worst.unwrap_or(0)
    }
}

/// Points for pairs and neighbours in hand that a card which is not dead could make a meld of.
fn potential(facts: &Facts, card: Card) -> i32 {
    const PAIR: i32 = 3;
    const NEIGHBOURS: i32 = 2;
    let unseen = facts.unseen();
    let (own, rank) = (suit(card), rank(card));
    let same_rank = || (0..4).filter(move |&other| other != own).map(move |other| other * 13 + rank);
    let pairs = same_rank().filter(|&other| facts.hand.contains(other)).count();
    let can_grow = same_rank().any(|other| unseen.contains(other));
    let mut points = if can_grow { PAIR * pairs as i32 } else { 0 };
    for low in rank.saturating_sub(2)..=rank.min(10) {
        let others = (low..low + 3).filter(|&other| other != rank).map(|other| own * 13 + other);
        let (held, live) = others.fold((0, 0), |(held, live), other| {
            (held + i32::from(facts.hand.contains(other)), live + i32::from(unseen.contains(other)))
        });
        points += if held == 1 && live == 1 { NEIGHBOURS } else { 0 };
    }
    points
}
