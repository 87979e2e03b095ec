use futures::FutureExt;

use super::{Advice, Advisor, CfrAdvisor};
use crate::{Observation, parse_observation};

fn advice(advisor: &CfrAdvisor, observation: &Observation) -> Option<Advice> {
    advisor.advise(observation).now_or_never().expect("it looks up a table").expect("it has one")
}

#[test]
fn a_king_in_kuhn_poker_calls_a_bet_and_a_jack_folds() {
    let advisor = CfrAdvisor::solve("kuhn_poker(players=2)").expect("kuhn is small");
    let facing_a_bet = |card: &str| {
        let text = format!(
            "# Game Rules\nany\n\n# Current Game State\nGame: kuhn_poker\nYou are Player 1.\n\nCurrent State:\n\
             Your card: {card}\nPot size: 3 chips\nBetting: Bet\nYour turn to act\n\n\
             Legal Actions:\n  0 -> Pass\n  1 -> Bet\n\nYour choice (action ID only):"
        );
        advice(&advisor, &parse_observation(text)).expect("a position of the game").probabilities()
    };
    let ([king, jack], queen) = (["K", "J"].map(facing_a_bet), facing_a_bet("Q"));
    assert!(king[1] > 0.99 && jack[0] > 0.99, "{king:?} {jack:?}");
    assert!((queen[1] - 1.0 / 3.0).abs() < 0.05, "a queen calls a third of the time: {queen:?}");
}

#[test]
fn what_is_no_position_of_the_game_gets_no_advice() {
    let advisor = CfrAdvisor::solve("kuhn_poker(players=2)").expect("kuhn is small");
    assert_eq!(
        advice(&advisor, &parse_observation("Game: go\n\nLegal Actions:\n  0 -> a\n".to_owned())),
        None
    );
    assert!(CfrAdvisor::solve("gin_rummy").is_err());
}
