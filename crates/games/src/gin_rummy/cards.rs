//! Cards, and sets of cards as bits.
//!
//! A card is `suit · 13 + rank`: suits s, c, d, h, ranks A, 2 … K. A set is a word whose bit `card` is set.

use std::fmt::Write;

/// Cards of a suit.
pub const RANKS: u8 = 13;
/// Cards of the deck.
pub const CARDS: u8 = 52;

/// A card's id.
pub type Card = u8;

/// All cards.
pub(super) const DECK: CardSet = CardSet((1 << CARDS) - 1);

/// One bit a rank, of the first suit.
const SUIT: u64 = (1 << RANKS) - 1;

/// A set of cards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CardSet(pub u64);

impl CardSet {
    /// No card.
    pub const EMPTY: Self = Self(0);

    /// The set of one card.
    pub const fn of(card: Card) -> Self {
        Self(1 << card)
    }

    /// Number of cards.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// True without cards.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True if `card` is in the set.
    pub const fn contains(self, card: Card) -> bool {
        self.0 >> card & 1 == 1
    }

    /// True if the sets share a card.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The cards of either.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The cards that are not in `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Sum of the cards' values: ace 1, pictures 10.
    pub fn value(self) -> i32 {
        // A value is a binary number of four digits; each digit counts for the cards that have it.
        let digit = |i: u32| (self.0 & VALUE_DIGITS[i as usize]).count_ones() << i;
        (digit(0) + digit(1) + digit(2) + digit(3)) as i32
    }

    /// Ranks of the cards of one suit, one bit each.
    pub(super) const fn suit(self, suit: u8) -> u64 {
        self.0 >> (suit * RANKS) & SUIT
    }

    /// The cards, ascending by id.
    pub fn iter(self) -> impl Iterator<Item = Card> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let card = left.trailing_zeros() as Card;
            (left != 0).then(|| {
                left &= left - 1;
                card
            })
        })
    }
}

impl FromIterator<Card> for CardSet {
    fn from_iter<I: IntoIterator<Item = Card>>(cards: I) -> Self {
        cards.into_iter().fold(Self::EMPTY, |set, card| set.with(Self::of(card)))
    }
}

/// For each binary digit of a card's value, the cards that have it.
const VALUE_DIGITS: [u64; 4] = {
    let mut digits = [0; 4];
    let mut card = 0;
    while card < CARDS {
        let mut i = 0;
        while i < 4 {
            if value(card) >> i & 1 == 1 {
                digits[i] |= 1 << card;
            }
            i += 1;
        }
        card += 1;
    }
    digits
};

/// Points of a card: ace 1, pictures 10.
pub const fn value(card: Card) -> i32 {
    let value = rank(card) as i32 + 1;
    if value < 10 { value } else { 10 }
}

/// 0 for an ace, 12 for a king.
pub const fn rank(card: Card) -> u8 {
    card % RANKS
}

/// 0 to 3.
pub const fn suit(card: Card) -> u8 {
    card / RANKS
}

/// Appends rank and suit, e.g. `Ts`; `XX` where there is no card.
pub(super) fn write_card(card: Option<Card>, into: &mut impl Write) -> std::fmt::Result {
    match card {
        None => into.write_str("XX"),
        Some(card) => {
            into.write_char(char::from(b"A23456789TJQK"[usize::from(rank(card))]))?;
            into.write_char(char::from(b"scdh"[usize::from(suit(card))]))
        }
    }
}

/// Appends cards without a separator.
pub(super) fn write_cards(mut cards: impl Iterator<Item = Card>, into: &mut impl Write) -> std::fmt::Result {
    cards.try_for_each(|card| write_card(Some(card), into))
}
