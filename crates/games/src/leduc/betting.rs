//! Cards, bets and the showdown of leduc poker.

use crate::{Action, Player};

pub(super) const FOLD: Action = 0;
pub(super) const CALL: Action = 1;
pub(super) const RAISE: Action = 2;
/// Two of each rank: card / 2 is the rank.
pub(super) const CARDS: u8 = 6;
pub(super) const STARTING_MONEY: i32 = 100;
const MAX_RAISES: u8 = 2;
/// What a raise adds in round 1 and in round 2.
const RAISE_AMOUNTS: [i32; 2] = [2, 4];

/// A round's betting: at most call, raise, raise, call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sequence {
    actions: [u8; 4],
    len: u8,
}

impl Sequence {
    fn push(&mut self, action: Action) {
        self.actions[usize::from(self.len)] = action as u8;
        self.len += 1;
    }

    /// Actions in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u8> {
        self.actions.into_iter().take(self.len.into())
    }
}

/// A position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LeducState {
    pub(super) private: [Option<u8>; 2],
    pub(super) public: Option<u8>,
    /// Whose turn it is; at the end the last mover, as OpenSpiel prints it.
    pub(super) mover: Player,
    pub(super) over: bool,
    /// 0 or 1.
    pub(super) round: usize,
    calls: u8,
    raises: u8,
    /// What everybody must have put in to stay.
    stakes: i32,
    pub(super) ante: [i32; 2],
    pub(super) money: [i32; 2],
    pub(super) pot: i32,
    pub(super) sequences: [Sequence; 2],
}

impl LeducState {
    /// Before the deal, both antes paid.
    pub(super) fn new() -> Self {
        Self {
            private: [None; 2],
            public: None,
            mover: Player::Chance,
            over: false,
            round: 0,
            calls: 0,
            raises: 0,
            stakes: 1,
            ante: [1; 2],
            money: [STARTING_MONEY - 1; 2],
            pot: 2,
            sequences: [Sequence::default(); 2],
        }
    }

    /// True if the card is in a hand or public.
    pub(super) fn is_dealt(&self, card: u8) -> bool {
        self.private.contains(&Some(card)) || self.public == Some(card)
    }

    /// Deals the next card: to seat 0, to seat 1, then the public one.
    pub(super) fn deal(&mut self, card: u8) {
        assert!(card < CARDS && !self.is_dealt(card), "card {card} cannot be dealt at {self}");
        match self.private {
            [None, _] => self.private[0] = Some(card),
            [_, None] => {
                self.private[1] = Some(card);
                self.mover = Player::Seat(0);
            }
            _ => {
                self.public = Some(card);
                self.mover = Player::Seat(0);
            }
        }
    }

    /// Plays a legal action of `seat`.
    pub(super) fn bet(&mut self, seat: usize, action: Action) {
        self.sequences[self.round].push(action);
        match action {
            FOLD => return self.pay_out([seat == 1, seat == 0]),
            CALL => {
                self.pay_in(seat);
                self.calls += 1;
            }
            _ => {
                self.stakes += RAISE_AMOUNTS[self.round];
                self.pay_in(seat);
                self.calls = 0;
                self.raises += 1;
            }
        }
        let round_is_over = self.calls == if self.raises == 0 { 2 } else { 1 };
        match (round_is_over, self.round) {
            (false, _) => self.mover = Player::Seat(1 - seat),
            (true, 0) => {
                self.round = 1;
                (self.calls, self.raises) = (0, 0);
                self.mover = Player::Chance;
            }
            (true, _) => self.pay_out(self.showdown()),
        }
    }

    /// Raises the seat's contribution to the stakes.
    fn pay_in(&mut self, seat: usize) {
        let amount = self.stakes - self.ante[seat];
        self.ante[seat] += amount;
        self.money[seat] -= amount;
        self.pot += amount;
    }

    /// Ends the game; winners share the pot.
    fn pay_out(&mut self, winners: [bool; 2]) {
        let share = if winners == [true; 2] { self.pot / 2 } else { self.pot };
        for (money, wins) in self.money.iter_mut().zip(winners) {
            *money += if wins { share } else { 0 };
        }
        self.pot = 0;
        self.over = true;
    }

    /// Who has the best hand: a pair with the public card, else the higher rank.
    fn showdown(&self) -> [bool; 2] {
        let rank = |card: Option<u8>| card.map(|card| card / 2);
        let strength = self.private.map(|card| (rank(card) == rank(self.public), rank(card)));
        [strength[0] >= strength[1], strength[1] >= strength[0]]
    }

    /// There must be a bet to fold to.
    pub(super) fn may_fold(&self, seat: usize) -> bool {
        self.stakes > self.ante[seat]
    }

    /// Two raises a round.
    pub(super) fn may_raise(&self) -> bool {
        self.raises < MAX_RAISES
    }
}
