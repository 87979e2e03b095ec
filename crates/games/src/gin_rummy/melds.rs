//! The 185 melds: sets of a rank and runs of a suit.
//!
//! Ids: a rank's five sets (three cards by the missing suit, then all four), then the runs of three, four and five
//! by suit and lowest rank. Longer runs are laid as several melds.

use super::cards::{Card, CardSet, RANKS, rank};

/// Number of melds.
pub const COUNT: usize = 185;

/// A meld's id.
pub type MeldId = u8;

const SETS: usize = 65;

/// The cards of each meld.
const CARDS_OF: [CardSet; COUNT] = {
    let mut table = [CardSet::EMPTY; COUNT];
    let mut rank = 0;
    while rank < RANKS {
        let all = CardSet(0x80_0400_2001 << rank);
        let mut suit = 0;
        while suit < 4 {
            table[rank as usize * 5 + suit as usize] = all.without(CardSet::of(suit * RANKS + rank));
            suit += 1;
        }
        table[rank as usize * 5 + 4] = all;
        rank += 1;
    }
    let mut id = SETS;
    let mut length = 3;
    while length <= 5 {
        let mut first = 0;
        while first < 4 * RANKS {
            if first % RANKS + length <= RANKS {
                table[id] = CardSet(((1 << length) - 1) << first);
                id += 1;
            }
            first += 1;
        }
        length += 1;
    }
    table
};

/// The cards of a meld.
///
/// # Panics
/// If there is no such meld.
pub fn cards_of(meld: MeldId) -> CardSet {
    CARDS_OF[usize::from(meld)]
}

/// A set of three or four cards of a rank, as opposed to a run.
pub fn is_set(meld: MeldId) -> bool {
    usize::from(meld) < SETS
}

/// Melds that a hand contains, in the order in which OpenSpiel tries them.
///
/// All sets of four with the two sets of three that the later sweep does not meet; then sets of three as adjacent
/// triples; then runs of five, four, three.
#[derive(Clone, Copy, Debug)]
pub struct MeldList {
    ids: [MeldId; Self::CAPACITY],
    len: usize,
}

impl MeldList {
    /// Eleven cards have at most 24 runs (one long run) or 11 sets; 40 is above any mixture.
    const CAPACITY: usize = 40;

    /// The melds in `hand`.
    ///
    /// # Panics
    /// If the hand has more than eleven cards.
    pub fn of(hand: CardSet) -> Self {
        assert!(hand.len() <= super::MAX_HAND + 1, "{} cards are more than a hand", hand.len());
        let mut list = Self { ids: [0; Self::CAPACITY], len: 0 };
        if may_have_melds(hand) {
            list.push_sets(hand);
            list.push_runs(hand);
        }
        list
    }

    /// Ids in order.
    pub fn iter(&self) -> impl Iterator<Item = MeldId> + Clone {
        self.ids[..self.len].iter().copied()
    }

    /// True if the hand has no meld.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of melds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Cards of the meld at `index`.
    pub(super) fn cards(&self, index: usize) -> CardSet {
        cards_of(self.ids[index])
    }

    fn push(&mut self, id: usize) {
        self.ids[self.len] = id as MeldId;
        self.len += 1;
    }

    fn push_sets(&mut self, hand: CardSet) {
        let [s, c, d, h] = [0, 1, 2, 3].map(|suit| hand.suit(suit));
        for rank in bits(s & c & d & h) {
            // abcd, abd, acd; a set of three is named by the suit it lacks.
            [4, 2, 1].into_iter().for_each(|which| self.push(rank * 5 + which));
        }
        for rank in bits(s & c & (d | h) | (s | c) & d & h) {
            match [s, c, d, h].map(|suit| suit >> rank & 1 == 1) {
                [true, true, true, true] => [3, 0].into_iter().for_each(|which| self.push(rank * 5 + which)),
                held => {
                    let missing = held.iter().position(|held| !held).expect("three of four");
                    self.push(rank * 5 + missing);
                }
            }
        }
    }

    fn push_runs(&mut self, hand: CardSet) {
        let suits = [0, 1, 2, 3].map(|suit| hand.suit(suit));
        let runs3 = suits.map(|ranks| ranks & ranks >> 1 & ranks >> 2);
        let runs4 = [0, 1, 2, 3].map(|suit| runs3[suit] & suits[suit] >> 3);
        let runs5 = [0, 1, 2, 3].map(|suit| runs4[suit] & suits[suit] >> 4);
        for (firsts, offset, per_suit) in [(runs5, 149, 9), (runs4, 109, 10), (runs3, SETS, 11)] {
            for (suit, firsts) in firsts.into_iter().enumerate() {
                bits(firsts).for_each(|first| self.push(offset + suit * per_suit + first));
            }
        }
    }
}

/// False only if the hand has no meld: a cheap look at the whole hand.
pub(super) fn may_have_melds(hand: CardSet) -> bool {
    let [s, c, d, h] = [0, 1, 2, 3].map(|suit| hand.suit(suit));
    let sets = s & c & (d | h) | (s | c) & d & h;
    // Also true of runs around the corner of two suits, which MeldList does not make.
    let runs = hand.0 & hand.0 >> 1 & hand.0 >> 2;
    sets | runs != 0
}

/// Cards that extend melds on the table.
///
/// As in OpenSpiel, only lay-offs next to the original ends of a run extend it, so a run grows by two cards a side.
pub fn layoffs(laid: impl Iterator<Item = MeldId>, laid_off: CardSet) -> CardSet {
    laid.fold(CardSet::EMPTY, |all, meld| all.with(layoffs_on(meld, laid_off)))
}

fn layoffs_on(meld: MeldId, laid_off: CardSet) -> CardSet {
    let cards = cards_of(meld);
    if is_set(meld) {
        let rank = meld / 5;
        return CardSet((0..4).fold(0, |all, suit| all | 1 << (suit * RANKS + rank))).without(cards);
    }
    let below = |card: Card| (rank(card) > 0).then(|| card - 1);
    let above = |card: Card| (rank(card) < RANKS - 1).then(|| card + 1);
    let mut first = cards.0.trailing_zeros() as Card;
    let mut last = 63 - cards.0.leading_zeros() as Card;
    first = below(first).filter(|&card| laid_off.contains(card)).unwrap_or(first);
    last = above(last).filter(|&card| laid_off.contains(card)).unwrap_or(last);
    below(first).into_iter().chain(above(last)).collect()
}

/// Indices of the bits that are set, ascending.
fn bits(word: u64) -> impl Iterator<Item = usize> {
    CardSet(word).iter().map(usize::from)
}
