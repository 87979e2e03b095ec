//! Deals fit what is seen.

use games::gin_rummy::cards::CardSet;
use games::rng::FastRng;

use super::Dealer;
use crate::arena::{match_game, play_out};
use crate::gin_rummy::facts::{Facts, Phase};
use crate::match_text::{Betting, Screen};
use crate::random;

#[test]
fn deals_have_the_unseen_cards_and_hands_that_could_not_knock() {
    let mut rng = FastRng::new(2);
    let (mut n_turns, mut n_knocking) = (0, 0);
    for seed in 1..20 {
        let mut screen = Screen::new("gin_rummy", Betting::Shown);
        let rules = match_game("gin_rummy", seed).unwrap();
        let played = play_out(rules.as_ref(), seed, |state, _, turn| {
            let seen = screen.show(state).unwrap();
            let facts = Facts::read(seen)?;
            if matches!(facts.phase, Phase::FirstUpcard | Phase::Draw | Phase::Discard) {
                let deal = Dealer::new(&facts).deal(&mut rng);
                let stock: CardSet = deal.stock.iter().copied().collect();
                assert_eq!((stock.len(), deal.stock.len()), (facts.stock, facts.stock), "turn {turn}");
                assert_eq!(stock.with(deal.other.all), facts.unseen());
                assert!(!stock.meets(deal.other.all));
                n_turns += 1;
                let has_moved = !facts.discards.is_empty();
                n_knocking += usize::from(has_moved && deal.other.deadwood() <= facts.knock_card);
            }
            Ok(random(seen, rng.unit())?.action)
        });
        played.unwrap();
    }
    assert!(n_turns > 300 && n_knocking * 50 < n_turns, "{n_knocking} of {n_turns}");
}
