//! A position of gin rummy and the moves between phases.

use std::any::Any;

use super::cards::{CARDS, Card, CardSet, DECK, value};
use super::deadwood::min_deadwood;
use super::melds::{MeldId, cards_of};
use super::{DRAW_STOCK, DRAW_UPCARD, KNOCK, MELD, PASS, Rules};
use crate::game::same_kind;
use crate::{Action, Player, State};

/// Draws of the upcard after which the game is a draw.
const MAX_UPCARD_DRAWS: u8 = 50;
/// Cards of the stock that are never drawn.
const WALL: usize = 2;

/// What the mover has to do. Named as OpenSpiel prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Deal,
    FirstUpcard,
    Draw,
    Discard,
    Knock,
    Layoff,
    Wall,
    GameOver,
}

/// What the printed deadwood of a hand counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    /// Nothing, before the deal is complete.
    Nothing,
    /// What the best melds leave.
    Least,
    /// All cards in hand, after a knock.
    All,
}

/// A list that does not allocate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct List<const CAPACITY: usize> {
    items: [u8; CAPACITY],
    len: u8,
}

impl<const CAPACITY: usize> List<CAPACITY> {
    const EMPTY: Self = Self { items: [0; CAPACITY], len: 0 };

    fn push(&mut self, item: u8) {
        self.items[usize::from(self.len)] = item;
        self.len += 1;
    }

    /// Items in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = u8> {
        self.items[..usize::from(self.len)].iter().copied()
    }

    /// True without items.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GinState {
    pub(super) rules: Rules,
    pub(super) knock_card: i32,
    pub(super) phase: Phase,
    /// Whose turn it is; at the end the last mover, as OpenSpiel prints it.
    pub(super) mover: Player,
    /// Who drew from the stock, or who knocked.
    pub(super) previous: usize,
    pub(super) stock: CardSet,
    pub(super) hands: [CardSet; 2],
    pub(super) upcard: Option<Card>,
    pub(super) previous_upcard: Option<Card>,
    pub(super) discards: List<{ CARDS as usize }>,
    pub(super) repeated_move: bool,
    /// Players who have passed on the first upcard.
    pub(super) passes: u8,
    upcard_draws: u8,
    pub(super) knocker: Option<usize>,
    pub(super) finished_layoffs: bool,
    pub(super) layoffs: List<10>,
    /// A hand of ten holds three melds.
    pub(super) melds: [List<3>; 2],
    counts: [Count; 2],
}

impl GinState {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            knock_card: rules.knock_card,
            phase: Phase::Deal,
            mover: Player::Chance,
            previous: 0,
            stock: DECK,
            hands: [CardSet::EMPTY; 2],
            upcard: None,
            previous_upcard: None,
            discards: List::EMPTY,
            repeated_move: false,
            passes: 0,
            upcard_draws: 0,
            knocker: None,
            finished_layoffs: false,
            layoffs: List::EMPTY,
            melds: [List::EMPTY; 2],
            counts: [Count::Nothing; 2],
        }
    }

    /// True while the seat holds a card more than was dealt.
    pub(super) fn must_discard(&self, seat: usize) -> bool {
        self.hands[seat].len() > usize::from(self.rules.hand_size)
    }

    /// OpenSpiel's minimum deadwood of any hand under these rules.
    pub(super) fn min_deadwood(&self, hand: CardSet) -> i32 {
        min_deadwood(hand, self.rules.hand_size.into())
    }

    /// The figure that is printed beside a hand and that counts in the end.
    pub(super) fn deadwood(&self, seat: usize) -> i32 {
        match self.counts[seat] {
            Count::Nothing => 0,
            Count::Least => self.min_deadwood(self.hands[seat]),
            Count::All => self.hands[seat].value(),
        }
    }

    fn deal(&mut self, card: Card) {
        let hand_size = usize::from(self.rules.hand_size);
        let dealt = usize::from(CARDS) - self.stock.len();
        self.stock = self.stock.without(CardSet::of(card));
        if dealt < 2 * hand_size {
            self.take(dealt / hand_size, card);
        } else if dealt == 2 * hand_size {
            self.upcard = Some(card);
            self.counts = [Count::Least; 2];
            if self.rules.oklahoma {
                // An ace means that one must play for gin.
                self.knock_card = if value(card) == 1 { 0 } else { value(card) };
            }
            self.phase = Phase::FirstUpcard;
            self.mover = Player::Seat(0);
        } else {
            self.take(self.previous, card);
            self.phase = Phase::Discard;
            self.mover = Player::Seat(self.previous);
        }
    }

    fn take(&mut self, seat: usize, card: Card) {
        self.hands[seat] = self.hands[seat].with(CardSet::of(card));
    }

    fn put_down(&mut self, seat: usize, cards: CardSet) {
        self.hands[seat] = self.hands[seat].without(cards);
    }

    fn take_upcard(&mut self, seat: usize) {
        let card = self.upcard.take().expect("an upcard lies there when it may be drawn");
        self.take(seat, card);
    }

    fn first_upcard(&mut self, seat: usize, action: Action) {
        match action {
            PASS => {
                self.passes += 1;
                self.mover = Player::Seat(1 - seat);
            }
            DRAW_UPCARD => self.draw_upcard(seat),
            _ => self.draw_stock(seat),
        }
    }

    fn draw(&mut self, seat: usize, action: Action) {
        if action == DRAW_STOCK {
            return self.draw_stock(seat);
        }
        self.upcard_draws += 1;
        if self.upcard_draws == MAX_UPCARD_DRAWS {
            self.phase = Phase::GameOver;
        } else {
            self.draw_upcard(seat);
        }
    }

    fn draw_upcard(&mut self, seat: usize) {
        self.previous_upcard = self.upcard;
        self.take_upcard(seat);
        self.phase = Phase::Discard;
    }

    fn draw_stock(&mut self, seat: usize) {
        self.previous_upcard = self.upcard;
        if let Some(card) = self.upcard.take() {
            self.discards.push(card);
        }
        self.previous = seat;
        self.phase = Phase::Deal;
        self.mover = Player::Chance;
    }

    fn discard(&mut self, seat: usize, action: Action) {
        self.previous = seat;
        if action == KNOCK {
            self.counts = [Count::All; 2];
            self.knocker = Some(seat);
            self.phase = Phase::Knock;
            return;
        }
        let card = action as Card;
        self.put_down(seat, CardSet::of(card));
        self.upcard = Some(card);
        self.mover = Player::Seat(1 - seat);
        let repeats = self.upcard == self.previous_upcard;
        if repeats && self.repeated_move {
            self.phase = Phase::GameOver;
            return;
        }
        self.repeated_move = repeats;
        self.phase = if self.stock.len() == WALL { Phase::Wall } else { Phase::Draw };
    }

    fn knock(&mut self, seat: usize, action: Action) {
        self.counts[seat] = Count::All;
        if self.must_discard(seat) {
            let card = action as Card;
            self.put_down(seat, CardSet::of(card));
            self.discards.push(card);
        } else if action == PASS {
            // Nothing may be laid off on gin.
            self.finished_layoffs = self.hands[seat].value() == 0;
            self.phase = Phase::Layoff;
            self.mover = Player::Seat(1 - seat);
        } else {
            self.lay(seat, action);
        }
    }

    fn layoff(&mut self, seat: usize, action: Action) {
        match (action, self.finished_layoffs) {
            (PASS, false) => self.finished_layoffs = true,
            (PASS, true) => {
                self.counts[seat] = Count::All;
                self.phase = Phase::GameOver;
            }
            (card, false) => {
                self.counts[seat] = Count::All;
                self.put_down(seat, CardSet::of(card as Card));
                self.layoffs.push(card as Card);
            }
            (meld, true) => {
                self.counts[seat] = Count::All;
                self.lay(seat, meld);
            }
        }
    }

    fn lay(&mut self, seat: usize, action: Action) {
        let meld = (action - MELD) as MeldId;
        self.put_down(seat, cards_of(meld));
        self.melds[seat].push(meld);
    }

    fn wall(&mut self, seat: usize, action: Action) {
        if action == PASS {
            self.phase = Phase::GameOver;
            return;
        }
        self.take_upcard(seat);
        self.previous = seat;
        self.knocker = Some(seat);
        self.phase = Phase::Knock;
    }
}

impl State for GinState {
    fn current_player(&self) -> Player {
        if self.phase == Phase::GameOver { Player::Terminal } else { self.mover }
    }

    fn legal_actions(&self, into: &mut Vec<Action>) {
        self.push_legal_actions(into);
    }

    fn chance_outcomes(&self, into: &mut Vec<(Action, f64)>) {
        into.clear();
        if self.phase == Phase::Deal {
            let p = 1.0 / self.stock.len() as f64;
            into.extend(self.stock.iter().map(|card| (card.into(), p)));
        }
    }

    fn apply(&mut self, action: Action) {
        assert!(self.is_legal(action), "action {action} is not legal at {self}");
        match (self.phase, self.mover) {
            (Phase::FirstUpcard, Player::Seat(seat)) => self.first_upcard(seat, action),
            (Phase::Draw, Player::Seat(seat)) => self.draw(seat, action),
            (Phase::Discard, Player::Seat(seat)) => self.discard(seat, action),
            (Phase::Knock, Player::Seat(seat)) => self.knock(seat, action),
            (Phase::Layoff, Player::Seat(seat)) => self.layoff(seat, action),
            (Phase::Wall, Player::Seat(seat)) => self.wall(seat, action),
            _ => self.deal(action as Card),
        }
    }

    fn action_string(&self, player: Player, action: Action) -> String {
        super::text::action_string(player, action)
    }

    fn information_state_string(&self, _seat: usize) -> Option<String> {
        None
    }

    fn observation_string(&self, seat: usize) -> Option<String> {
        Some(self.text_for(Some(seat)))
    }

    fn returns(&self) -> [f64; 2] {
        let (Phase::GameOver, Some(knocker)) = (self.phase, self.knocker) else { return [0.0; 2] };
        let own = self.deadwood(knocker);
        let mut points = self.deadwood(1 - knocker) - own;
        if own == 0 {
            points += self.rules.gin_bonus;
        }
        if points < 0 {
            points -= self.rules.undercut_bonus;
        }
        let points = f64::from(points);
        // A knock without points gives the opponent -0, which OpenSpiel prints as such.
        if knocker == 0 { [points, -points] } else { [-points, points] }
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
