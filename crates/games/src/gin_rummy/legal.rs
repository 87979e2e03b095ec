//! What may be played, phase by phase.

use super::cards::CardSet;
use super::deadwood::{legal_discards, legal_melds};
use super::melds::layoffs;
use super::state::{GinState, Phase};
use super::{DRAW_STOCK, DRAW_UPCARD, KNOCK, MAX_DEADWOOD, MELD, PASS};
use crate::{Action, Player};

impl GinState {
    /// Replaces `into` by the mover's actions, ascending.
    pub(super) fn push_legal_actions(&self, into: &mut Vec<Action>) {
        into.clear();
        let Player::Seat(seat) = self.mover else { return };
        let hand = self.hands[seat];
        match self.phase {
            Phase::Deal | Phase::GameOver => {}
            Phase::FirstUpcard if self.passes == 2 => into.push(DRAW_STOCK),
            Phase::FirstUpcard => into.extend([DRAW_UPCARD, PASS]),
            Phase::Draw => into.extend([DRAW_UPCARD, DRAW_STOCK]),
            Phase::Discard => {
                push_cards(hand, into);
                if self.min_deadwood(hand) <= self.knock_card {
                    into.push(KNOCK);
                }
            }
            Phase::Knock if self.must_discard(seat) => {
                push_cards(legal_discards(hand, self.knock_card, self.rules.hand_size.into()), into);
            }
            Phase::Knock => {
                if hand.value() <= self.knock_card {
                    into.push(PASS);
                }
                into.extend(legal_melds(hand, self.knock_card).map(|meld| MELD + Action::from(meld)));
            }
            Phase::Layoff if self.finished_layoffs => {
                into.push(PASS);
                into.extend(legal_melds(hand, MAX_DEADWOOD).map(|meld| MELD + Action::from(meld)));
            }
            Phase::Layoff => {
                push_cards(self.layoff_cards(seat), into);
                into.push(PASS);
            }
            Phase::Wall => {
                into.push(PASS);
                if self.may_knock_at_the_wall(hand) {
                    into.push(KNOCK);
                }
            }
        }
    }

    /// Whether `action` is among the legal ones, without making their list where that is cheap.
    pub(super) fn is_legal(&self, action: Action) -> bool {
        let Player::Seat(seat) = self.mover else {
            return self.phase == Phase::Deal && contains(self.stock, action);
        };
        let hand = self.hands[seat];
        match self.phase {
            Phase::Draw => matches!(action, DRAW_UPCARD | DRAW_STOCK),
            Phase::Discard if action == KNOCK => self.min_deadwood(hand) <= self.knock_card,
            Phase::Discard => contains(hand, action),
            Phase::Deal | Phase::GameOver => false,
            Phase::FirstUpcard | Phase::Knock | Phase::Layoff | Phase::Wall => {
                let mut legal = Vec::new();
                self.push_legal_actions(&mut legal);
                legal.contains(&action)
            }
        }
    }

    fn layoff_cards(&self, seat: usize) -> CardSet {
        let possible = layoffs(self.melds[self.previous].iter(), self.layoffs.iter().collect());
        CardSet(possible.0 & self.hands[seat].0)
    }

    fn may_knock_at_the_wall(&self, hand: CardSet) -> bool {
        let upcard: CardSet = self.upcard.into_iter().collect();
        self.min_deadwood(hand.with(upcard)) <= self.knock_card
    }
}

fn push_cards(cards: CardSet, into: &mut Vec<Action>) {
    into.extend(cards.iter().map(Action::from));
}

fn contains(cards: CardSet, action: Action) -> bool {
    action < DRAW_UPCARD && cards.contains(action as u8)
}
