//! Leduc poker for two: six cards, two rounds, two raises a round.
//!
//! # Source
//! Southey et al. 2005; ids, order and strings as OpenSpiel 2.0.2's `leduc_poker`.

use std::any::Any;
use std::fmt;

use crate::game::same_kind;
use crate::spec::Parameters;
use crate::{Action, Error, Game, Player, State};

const FOLD: Action = 0;
const CALL: Action = 1;
const RAISE: Action = 2;
/// Two of each rank: card / 2 is the rank.
const CARDS: u8 = 6;
const STARTING_MONEY: i32 = 100;
const MAX_RAISES: u8 = 2;
/// What a raise adds in round 1 and in round 2.
const RAISE_AMOUNTS: [i32; 2] = [2, 4];
/// How OpenSpiel prints a card that is not dealt.
const NO_CARD: i32 = -10_000;

/// `leduc_poker(players=2)`
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeducPoker;

impl LeducPoker {
    pub(crate) const NAME: &'static str = "leduc_poker";

    pub(crate) fn from_parameters(mut parameters: Parameters<'_>) -> Result<Self, Error> {
        parameters.int("players", 2, 2..=2)?;
        parameters.int("starting_player", 0, 0..=0)?;
        parameters.only("action_mapping", "False")?;
        parameters.only("suit_isomorphism", "False")?;
        parameters.finish()?;
        Ok(Self)
    }
}

impl Game for LeducPoker {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn spec(&self) -> String {
        format!("{}(players=2)", Self::NAME)
    }

    fn num_distinct_actions(&self) -> usize {
        3
    }

    fn max_utility(&self) -> f64 {
        13.0
    }

    fn new_initial_state(&self) -> Box<dyn State> {
        Box::new(LeducState::new())
    }
}

/// A round's betting: at most call, raise, raise, call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sequence {
    actions: [u8; 4],
    len: u8,
}

impl Sequence {
    fn push(&mut self, action: Action) {
        self.actions[usize::from(self.len)] = action as u8;
        self.len += 1;
    }

    fn iter(&self) -> impl Iterator<Item = u8> {
        self.actions.into_iter().take(self.len.into())
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct LeducState {
    private: [Option<u8>; 2],
    public: Option<u8>,
    /// Whose turn it is; at the end the last mover, as OpenSpiel prints it.
    mover: Player,
    over: bool,
    /// 0 or 1.
    round: usize,
    calls: u8,
    raises: u8,
    /// What everybody must have put in to stay.
    stakes: i32,
    ante: [i32; 2],
    money: [i32; 2],
    pot: i32,
    sequences: [Sequence; 2],
}

impl LeducState {
    fn new() -> Self {
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

    fn is_dealt(&self, card: u8) -> bool {
        self.private.contains(&Some(card)) || self.public == Some(card)
    }

    fn deal(&mut self, card: u8) {
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

    fn bet(&mut self, seat: usize, action: Action) {
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

    fn may_fold(&self, seat: usize) -> bool {
        self.stakes > self.ante[seat]
    }

    fn may_raise(&self) -> bool {
        self.raises < MAX_RAISES
    }

    /// What both observers' texts begin with.
    fn write_public(&self, seat: usize) -> String {
        let card = card_id(self.private[seat]);
        let Self { round, mover, pot, money: [a, b], .. } = self;
        let (round, mover) = (round + 1, mover.id());
        let mut text = format!(
            "[Observer: {seat}][Private: {card}][Round {round}][Player: {mover}][Pot: {pot}][Money: {a} {b}]"
        );
        if let Some(public) = self.public {
            text += &format!("[Public: {public}]");
        }
        text
    }
}

impl State for LeducState {
    fn current_player(&self) -> Player {
        if self.over { Player::Terminal } else { self.mover }
    }

    fn legal_actions(&self, into: &mut Vec<Action>) {
        into.clear();
        if let Player::Seat(seat) = self.current_player() {
            if self.may_fold(seat) {
                into.push(FOLD);
            }
            into.push(CALL);
            if self.may_raise() {
                into.push(RAISE);
            }
        }
    }

    fn chance_outcomes(&self, into: &mut Vec<(Action, f64)>) {
        into.clear();
        if self.current_player() == Player::Chance {
            into.extend((0..CARDS).filter(|&card| !self.is_dealt(card)).map(|card| (Action::from(card), 0.0)));
            let p = 1.0 / into.len() as f64;
            into.iter_mut().for_each(|outcome| outcome.1 = p);
        }
    }

    fn apply(&mut self, action: Action) {
        match self.current_player() {
            Player::Chance => self.deal(u8::try_from(action).expect("a card is below 6")),
            Player::Seat(seat) => {
                let legal = match action {
                    FOLD => self.may_fold(seat),
                    CALL => true,
                    RAISE => self.may_raise(),
                    _ => false,
                };
                assert!(legal, "action {action} is not legal at {self}");
                self.bet(seat, action);
            }
            Player::Terminal => panic!("action {action} after the end of {self}"),
        }
    }

    fn action_string(&self, player: Player, action: Action) -> String {
        if player == Player::Chance { format!("Chance outcome:{action}") } else { action_name(action).to_owned() }
    }

    fn information_state_string(&self, seat: usize) -> Option<String> {
        let ids = |sequence: &Sequence| sequence.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(" ");
        let [first, second] = self.sequences.each_ref().map(ids);
        Some(format!("{}[Round1: {first}][Round2: {second}]", self.write_public(seat)))
    }

    fn observation_string(&self, seat: usize) -> Option<String> {
        let [a, b] = self.ante;
        Some(format!("{}[Ante: {a} {b}]", self.write_public(seat)))
    }

    fn returns(&self) -> [f64; 2] {
        if self.over { self.money.map(|money| f64::from(money - STARTING_MONEY)) } else { [0.0; 2] }
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

impl fmt::Display for LeducState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { round, mover, pot, money: [a, b], .. } = self;
        writeln!(f, "Round: {}\nPlayer: {}\nPot: {pot}", round + 1, mover.id())?;
        writeln!(f, "Money (player_0 player_1): {a} {b}")?;
        let [public, first, second] = [self.public, self.private[0], self.private[1]].map(card_id);
        writeln!(f, "Cards (public player_0 player_1): {public} {first} {second} ")?;
        for (i, sequence) in self.sequences.iter().enumerate() {
            let names: Vec<&str> = sequence.iter().map(|id| action_name(id.into())).collect();
            writeln!(f, "Round {} sequence: {}", i + 1, names.join(", "))?;
        }
        Ok(())
    }
}

fn card_id(card: Option<u8>) -> i32 {
    card.map_or(NO_CARD, i32::from)
}

fn action_name(action: Action) -> &'static str {
    match action {
        FOLD => "Fold",
        CALL => "Call",
        _ => "Raise",
    }
}

#[cfg(test)]
mod tests;
