//! The move that wins most games when they are played on from the turn.
//!
//! Every move meets the same hands of the opponent and the same stocks. Moves that fall behind are given up early.

use games::Action;
use games::gin_rummy::cards::{Card, CardSet};
use games::rng::FastRng;

use super::facts::{Facts, Phase};
use super::race::Race;
use super::sampling::{Deal, Dealer};
use super::table::{Hand, Table};
use super::{DRAW_STOCK, DRAW_UPCARD, KNOCK, PASS};

/// Shares of the playouts after which half of the moves are given up.
const STAGES: [u32; 3] = [8, 4, 2];
/// A knock that wins so much more often than it loses is made without looking further.
const SURE: f32 = 0.8;
/// What the racer's own choice is ahead in standard errors of a playout's result: playouts must be sure to overrule it.
const TRUST: f32 = 2.5;

/// The best of the moves by `n` playouts each, before a knock; `seed` decides what is drawn.
pub(super) fn best(facts: &Facts, race: &Race<'_>, n: u32, seed: u64) -> Action {
    let preferred = preferred(facts, race);
    let mut moves: Vec<(Action, i32)> = candidates(facts).into_iter().map(|action| (action, 0)).collect();
    let turn = Turn { facts, own: Hand::new(facts.hand) };
    let (mut dealer, mut rng) = (Dealer::new(facts), FastRng::new(seed));
    let mut played = 0;
    for stage in STAGES.into_iter().chain([1]) {
        while played < n / stage {
            let deal = dealer.deal(&mut rng);
            moves.iter_mut().for_each(|(action, sum)| *sum += turn.result(*action, &deal));
            played += 1;
        }
        let trust = |action: Action| if action == preferred { TRUST * (played as f32).sqrt() } else { 0.0 };
        moves.sort_by(|a, b| (b.1 as f32 + trust(b.0)).total_cmp(&(a.1 as f32 + trust(a.0))));
        let is_sure = moves[0].0 == KNOCK && moves[0].1 as f32 > SURE * played as f32;
        if moves.len() < 2 || is_sure {
            break;
        }
        moves.truncate(moves.len().div_ceil(2).max(2));
    }
    moves[0].0
}

/// What the racer would do.
fn preferred(facts: &Facts, race: &Race<'_>) -> Action {
    match facts.phase {
        _ if facts.may(KNOCK) => KNOCK,
        Phase::Discard => Action::from(race.discard()),
        _ if race.takes_upcard() => DRAW_UPCARD,
        _ => facts.first_of(&[DRAW_STOCK, PASS]),
    }
}

/// Moves worth trying: to draw, to knock, to throw what is in no meld and was not just taken.
fn candidates(facts: &Facts) -> Vec<Action> {
    if facts.phase != Phase::Discard {
        return facts.legal.clone();
    }
    let loose = super::leftover(facts.hand);
    let taken: CardSet =
        facts.previous_upcard.into_iter().filter(|&card| facts.hand.contains(card)).collect();
    let throws: Vec<Card> = loose.without(taken).iter().collect();
    let cards = if throws.is_empty() { facts.legal_cards().collect() } else { throws };
    let knock = facts.may(KNOCK).then_some(KNOCK);
    knock.into_iter().chain(cards.into_iter().map(Action::from)).collect()
}

struct Turn<'a> {
    facts: &'a Facts,
    own: Hand,
}

impl Turn<'_> {
    /// 1 if a move wins, −1 if it loses, 0 for a draw.
    fn result(&self, action: Action, deal: &Deal) -> i32 {
        let Self { facts, own } = self;
        let table = Table {
            knock_card: facts.knock_card,
            hands: [*own, deal.other],
            stock: &deal.stock,
            live: facts.unseen().with(facts.hand),
            upcard: None,
            mover: 0,
        };
        match (action, facts.upcard) {
            (DRAW_UPCARD, Some(upcard)) => {
                let hands = [own.with(upcard), deal.other];
                Table { hands, ..table }.play_from_discard(Some(upcard))
            }
            (PASS, Some(upcard)) => {
                // Seat 0 is asked first; after both have passed it must draw from the stock.
                let offered = Table { mover: 1, upcard: Some(upcard), ..table.clone() };
                let is_second = facts.is_second;
                if !is_second && offered.takes(upcard) {
                    offered.play()
                } else {
                    Table { mover: usize::from(is_second), ..table }.play()
                }
            }
            (DRAW_STOCK | DRAW_UPCARD | PASS, _) => table.play(),
            (KNOCK, _) => table.knock(),
            (card, _) => table.play_after(card as Card),
        }
    }
}
