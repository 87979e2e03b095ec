//! A position of gin rummy. What an action does to it is in `phases`.

use std::any::Any;

use super::Rules;
use super::cards::{CARDS, Card, CardSet, DECK};
use super::deadwood::min_deadwood;
use crate::game::same_kind;
use crate::{Action, Player, State};

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
pub(super) enum Count {
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

    /// Appends.
    pub(super) fn push(&mut self, item: u8) {
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

/// A position; small enough to be copied at every step.
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
    pub(super) upcard_draws: u8,
    pub(super) knocker: Option<usize>,
    pub(super) finished_layoffs: bool,
    pub(super) layoffs: List<10>,
    /// A hand of ten holds three melds.
    pub(super) melds: [List<3>; 2],
    pub(super) counts: [Count; 2],
}

impl GinState {
    /// Before the deal.
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
        self.play(action);
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
        let (Phase::GameOver, Some(knocker)) = (self.phase, self.knocker) else {
            return [0.0; 2];
        };
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
