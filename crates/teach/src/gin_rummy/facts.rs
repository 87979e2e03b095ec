//! What a turn of gin rummy tells a seat, read from OpenSpiel's observation.

use games::Action;
use games::gin_rummy::cards::{Card, CardSet};
use games::gin_rummy::melds::{self, MeldId};
use schema::MatchView;

use super::MELD;
use crate::Error;

/// What the mover has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    FirstUpcard,
    Draw,
    Discard,
    Knock,
    Layoff,
    Wall,
}

/// Everything that matters for a move.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    pub(super) phase: Phase,
    pub(super) knock_card: i32,
    pub(super) hand: CardSet,
    pub(super) upcard: Option<Card>,
    /// The upcard before the last draw; in the phase after it was taken, the card that was taken.
    pub(super) previous_upcard: Option<Card>,
    pub(super) discards: CardSet,
    /// Cards of the stock.
    pub(super) stock: usize,
    /// The opponent's melds on the table, after its knock.
    pub(super) laid: Vec<MeldId>,
    /// Cards laid off on them.
    pub(super) laid_off: CardSet,
    /// Seat 1, who is asked second.
    pub(super) is_second: bool,
    /// Ids, ascending.
    pub(super) legal: Vec<Action>,
}

impl Facts {
    pub(super) fn read(view: &MatchView) -> Result<Self, Error> {
        let unreadable = |what| Error::Unreadable { game: "gin_rummy", what, text: view.state.clone() };
        let mut facts = Self {
            phase: Phase::Draw,
            knock_card: -1,
            hand: CardSet::EMPTY,
            upcard: None,
            previous_upcard: None,
            discards: CardSet::EMPTY,
            stock: 0,
            laid: Vec::new(),
            laid_off: CardSet::EMPTY,
            is_second: view.seat == 1,
            legal: view.legal.iter().map(|(id, _)| *id).collect(),
        };
        let (mut block, mut phase) = (None, None);
        for line in view.state.lines() {
            let (name, rest) = line.split_once(':').unwrap_or((line, ""));
            let rest = rest.trim();
            match name {
                "Knock card" => facts.knock_card = rest.parse().map_err(|_| unreadable("the knock card"))?,
                "Prev upcard" => facts.previous_upcard = cards(rest).next(),
                "Phase" => phase = phase_of(rest),
                "Stock size" => {
                    let (stock, upcard) = rest.split_once("Upcard:").unwrap_or((rest, ""));
                    facts.stock = stock.trim().parse().map_err(|_| unreadable("the size of the stock"))?;
                    facts.upcard = cards(upcard.trim()).next();
                }
                "Discard pile" => facts.discards = cards(rest).collect(),
                "Player0" => block = Some(0),
                "Player1" => block = Some(1),
                "Layoffs" => facts.laid_off = cards(rest).collect(),
                "Layed melds" if block != Some(view.seat) => {
                    facts.laid = rest.split_whitespace().filter_map(meld_of).collect();
                }
                _ if line.starts_with('|') && block == Some(view.seat) => {
                    facts.hand = facts.hand.with(cards(line.trim_matches('|')).collect());
                }
                _ => {}
            }
        }
        facts.phase = phase.ok_or_else(|| unreadable("a phase in which one moves"))?;
        if facts.knock_card < 0 || facts.hand.is_empty() {
            return Err(unreadable("the knock card and the own hand"));
        }
        Ok(facts)
    }

    /// Whether an action is legal.
    pub(super) fn may(&self, action: Action) -> bool {
        self.legal.contains(&action)
    }

    /// The first of these that is legal, or else the first legal action.
    pub(super) fn first_of(&self, actions: &[Action]) -> Action {
        actions.iter().copied().find(|&action| self.may(action)).unwrap_or(self.legal[0])
    }

    /// Cards that may be played: discards or lay-offs.
    pub(super) fn legal_cards(&self) -> impl Iterator<Item = Card> {
        self.legal.iter().filter(|&&id| id < super::DRAW_UPCARD).map(|&id| id as Card)
    }

    /// Melds that may be laid.
    pub(super) fn legal_melds(&self) -> impl Iterator<Item = MeldId> {
        self.legal.iter().filter(|&&id| id >= MELD).map(|&id| (id - MELD) as MeldId)
    }

    /// Cards that are in the stock or in the opponent's hand.
    pub(super) fn unseen(&self) -> CardSet {
        let all: CardSet = (0..games::gin_rummy::cards::CARDS).collect();
        let upcard: CardSet = self.upcard.into_iter().collect();
        all.without(self.hand).without(self.discards).without(upcard)
    }
}

fn phase_of(name: &str) -> Option<Phase> {
    Some(match name {
        "FirstUpcard" => Phase::FirstUpcard,
        "Draw" => Phase::Draw,
        "Discard" => Phase::Discard,
        "Knock" => Phase::Knock,
        "Layoff" => Phase::Layoff,
        "Wall" => Phase::Wall,
        _ => return None,
    })
}

/// Cards written rank and suit, two characters each; other pairs of characters are no cards.
fn cards(text: &str) -> impl Iterator<Item = Card> {
    text.as_bytes().chunks_exact(2).filter_map(|pair| {
        let rank = b"A23456789TJQK".iter().position(|&name| name == pair[0])?;
        let suit = b"scdh".iter().position(|&name| name == pair[1])?;
        Some((suit * 13 + rank) as Card)
    })
}

/// The meld of these cards.
fn meld_of(text: &str) -> Option<MeldId> {
    let wanted: CardSet = cards(text).collect();
    (0..melds::COUNT as MeldId).find(|&meld| melds::cards_of(meld) == wanted)
}
