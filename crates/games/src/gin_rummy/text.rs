//! How positions and actions print.

use std::fmt::{self, Display, Write};

use super::cards::{CardSet, RANKS, write_card, write_cards};
use super::melds::{MeldId, cards_of};
use super::state::GinState;
use super::{DRAW_STOCK, DRAW_UPCARD, KNOCK, MELD, PASS};
use crate::{Action, Player};

const BORDER: &str = "+--------------------------+\n";

/// What `action` is called when `player` plays it.
pub(super) fn action_string(player: Player, action: Action) -> String {
    let mut text = match player {
        Player::Chance => "Chance outcome: ".to_owned(),
        _ => format!("Player: {} Action: ", player.id()),
    };
    match action {
        DRAW_UPCARD => text += "Draw upcard",
        DRAW_STOCK => text += "Draw stock",
        PASS => text += "Pass",
        KNOCK => text += "Knock",
        _ => {
            let cards = if action < DRAW_UPCARD {
                CardSet::of(action as u8)
            } else {
                cards_of((action - MELD) as MeldId)
            };
            write_cards(cards.iter(), &mut text).expect("strings grow");
        }
    }
    text
}

impl GinState {
    /// The position as `observer` sees it, or with both hands.
    pub(super) fn text_for(&self, observer: Option<usize>) -> String {
        // A full text has about 560 characters.
        let mut text = String::with_capacity(640);
        self.write(observer, &mut text).expect("strings grow");
        text
    }

    fn write(&self, observer: Option<usize>, into: &mut impl Write) -> fmt::Result {
        write!(into, "\nKnock card: {}\nPrev upcard: ", self.knock_card)?;
        write_card(self.previous_upcard, into)?;
        let Self { repeated_move, mover, phase, .. } = self;
        let repeated = u8::from(*repeated_move);
        write!(into, "\nRepeated move: {repeated}\nCurrent player: {}\nPhase: {phase:?}\n\n", mover.id())?;
        self.write_seat(0, observer, into)?;
        write!(into, "\nStock size: {}  Upcard: ", self.stock.len())?;
        write_card(self.upcard, into)?;
        into.write_str("\nDiscard pile: ")?;
        write_cards(self.discards.iter(), into)?;
        into.write_str("\n\n")?;
        self.write_seat(1, observer, into)
    }

    fn write_seat(&self, seat: usize, observer: Option<usize>, into: &mut impl Write) -> fmt::Result {
        let is_visible = observer.is_none_or(|observer| observer == seat);
        write!(into, "Player{seat}:")?;
        if is_visible {
            write!(into, " Deadwood={}", self.deadwood(seat))?;
        }
        if self.knocker == Some(1 - seat) && !self.layoffs.is_empty() {
            into.write_str("\nLayoffs: ")?;
            write_cards(self.layoffs.iter(), into)?;
        }
        if !self.melds[seat].is_empty() {
            into.write_str("\nLayed melds:")?;
            for meld in self.melds[seat].iter() {
                into.write_char(' ')?;
                write_cards(cards_of(meld).iter(), into)?;
            }
        }
        into.write_char('\n')?;
        write_hand(if is_visible { self.hands[seat] } else { CardSet::EMPTY }, into)
    }
}

impl Display for GinState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text_for(None))
    }
}

/// A box with a row for each suit.
fn write_hand(hand: CardSet, into: &mut impl Write) -> fmt::Result {
    into.write_str(BORDER)?;
    for suit in 0..4 {
        into.write_char('|')?;
        for card in suit * RANKS..(suit + 1) * RANKS {
            if hand.contains(card) { write_card(Some(card), into)? } else { into.write_str("  ")? }
        }
        into.write_str("|\n")?;
    }
    into.write_str(BORDER)
}
