//! What an action does in each phase, and which phase follows.

use super::cards::{CARDS, Card, CardSet, value};
use super::melds::{MeldId, cards_of};
use super::state::{Count, GinState, Phase};
use super::{DRAW_STOCK, DRAW_UPCARD, KNOCK, MELD, PASS};
use crate::{Action, Player};

/// Draws of the upcard after which the game is a draw.
const MAX_UPCARD_DRAWS: u8 = 50;
/// Cards of the stock that are never drawn.
const WALL: usize = 2;

impl GinState {
    /// Plays a legal action or chance outcome.
    pub(super) fn play(&mut self, action: Action) {
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
