//! A position of goofspiel, and what bids do to it.

use std::any::Any;
use std::fmt;

use super::{MAX_CARDS, Rules, text};
use crate::game::same_kind;
use crate::{Action, Player, State};

/// A position. Cards are counted from 0 everywhere; their value is one more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GoofspielState {
    pub(super) rules: Rules,
    /// One bit a card.
    pub(super) hands: [u16; 2],
    prizes: [u8; MAX_CARDS],
    n_prizes: u8,
    /// Of each seat, round by round.
    bids: [[u8; MAX_CARDS]; 2],
    n_rounds: u8,
    pub(super) points: [u16; 2],
    /// What seat 0 has bid while seat 1 has not.
    pub(super) pending: Option<u8>,
}

impl GoofspielState {
    /// Before the first prize is turned up.
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            hands: [u16::MAX >> (MAX_CARDS - usize::from(rules.cards)); 2],
            prizes: [0; MAX_CARDS],
            n_prizes: 0,
            bids: [[0; MAX_CARDS]; 2],
            n_rounds: 0,
            points: [0; 2],
            pending: None,
        }
    }

    /// Prizes turned up so far, in order.
    pub(super) fn prizes(&self) -> &[u8] {
        &self.prizes[..usize::from(self.n_prizes)]
    }

    /// Bids of a seat in the rounds that are over, in order.
    pub(super) fn bids(&self, seat: usize) -> &[u8] {
        &self.bids[seat][..usize::from(self.n_rounds)]
    }

    /// Who won each round; `None` for a tie.
    pub(super) fn winners(&self) -> impl Iterator<Item = Option<usize>> {
        self.bids(0).iter().zip(self.bids(1)).map(|(first, second)| match first.cmp(second) {
            std::cmp::Ordering::Greater => Some(0),
            std::cmp::Ordering::Less => Some(1),
            std::cmp::Ordering::Equal => None,
        })
    }

    /// Prizes not turned up yet, one bit a card.
    pub(super) fn prizes_left(&self) -> u16 {
        let all = u16::MAX >> (MAX_CARDS - usize::from(self.rules.cards));
        self.prizes().iter().fold(all, |left, &prize| left & !(1 << prize))
    }

    /// The prize that is bid for, and at the end the last one; `None` while chance turns up the next.
    pub(super) fn prize(&self) -> Option<u8> {
        if self.current_player() == Player::Chance { None } else { self.prizes().last().copied() }
    }

    fn deal(&mut self, prize: u8) {
        self.prizes[usize::from(self.n_prizes)] = prize;
        self.n_prizes += 1;
    }

    /// Plays a round, and the last one as well if each seat has but one card for it.
    fn play_round(&mut self, bids: [u8; 2]) {
        let value = u16::from(self.prizes[usize::from(self.n_prizes) - 1]) + 1;
        for (seat, bid) in bids.into_iter().enumerate() {
            self.bids[seat][usize::from(self.n_rounds)] = bid;
            self.hands[seat] &= !(1 << bid);
            if bid > bids[1 - seat] {
                self.points[seat] += value;
            }
        }
        self.n_rounds += 1;
        if self.n_rounds + 1 == self.rules.cards {
            self.deal(lowest(self.prizes_left()));
            self.play_round(self.hands.map(lowest));
        }
    }
}

/// The card of the lowest bit.
fn lowest(cards: u16) -> u8 {
    cards.trailing_zeros() as u8
}

/// Cards of a set, ascending.
pub(super) fn cards(mut set: u16) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let card = (set != 0).then(|| lowest(set))?;
        set &= set - 1;
        Some(card)
    })
}

impl State for GoofspielState {
    fn current_player(&self) -> Player {
        if self.n_rounds == self.rules.cards {
            Player::Terminal
        } else if self.n_prizes == self.n_rounds {
            Player::Chance
        } else {
            Player::Seat(usize::from(self.pending.is_some()))
        }
    }

    fn legal_actions(&self, into: &mut Vec<Action>) {
        into.clear();
        if let Player::Seat(seat) = self.current_player() {
            into.extend(cards(self.hands[seat]).map(Action::from));
        }
    }

    fn chance_outcomes(&self, into: &mut Vec<(Action, f64)>) {
        into.clear();
        if self.current_player() == Player::Chance {
            let left = self.prizes_left();
            let p = 1.0 / f64::from(left.count_ones());
            into.extend(cards(left).map(|prize| (Action::from(prize), p)));
        }
    }

    fn apply(&mut self, action: Action) {
        let (player, card) = (self.current_player(), u8::try_from(action).unwrap_or(u8::MAX));
        let among = match player {
            Player::Chance => self.prizes_left(),
            Player::Seat(seat) => self.hands[seat],
            Player::Terminal => 0,
        };
        assert!(card < MAX_CARDS as u8 && among >> card & 1 == 1, "action {action} is not legal at\n{self}");
        match (player, self.pending.take()) {
            (Player::Chance, _) => self.deal(card),
            (_, None) => self.pending = Some(card),
            (_, Some(first)) => self.play_round([first, card]),
        }
    }

    fn action_string(&self, player: Player, action: Action) -> String {
        match player {
            Player::Seat(seat) => format!("[P{seat}]Bid: {}", action + 1),
            _ => format!("Deal {}", action + 1),
        }
    }

    fn information_state_string(&self, seat: usize) -> Option<String> {
        Some(text::information_state(self, seat))
    }

    fn observation_string(&self, seat: usize) -> Option<String> {
        Some(text::observation(self, seat))
    }

    fn returns(&self) -> [f64; 2] {
        let [first, second] = self.points;
        match first.cmp(&second) {
            std::cmp::Ordering::Greater if self.is_terminal() => [1.0, -1.0],
            std::cmp::Ordering::Less if self.is_terminal() => [-1.0, 1.0],
            _ => [0.0; 2],
        }
    }

    fn clone_box(&self) -> Box<dyn State> {
        Box::new(*self)
    }

    fn copy_from(&mut self, other: &dyn State) {
        *self = *same_kind(other);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl fmt::Display for GoofspielState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::state(self))
    }
}
