//! Uniformly random games through the public traits: how fast the rules are.

use crate::rng::FastRng;
use crate::{Game, Player};

/// What was played.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Playouts {
    /// Games played to the end.
    pub games: u64,
    /// Actions applied, chance included.
    pub actions: u64,
    /// Actions of players.
    pub decisions: u64,
    /// Sum of the returns of seat 0.
    pub return_sum: f64,
}

/// Plays `n` games in which every legal action, and every outcome by its probability, is drawn from `rng`.
pub fn playouts(game: &dyn Game, n: u64, rng: &mut FastRng) -> Playouts {
    let initial = game.new_initial_state();
    let mut state = initial.clone_box();
    let (mut legal, mut outcomes) = (Vec::new(), Vec::new());
    let mut tally = Playouts::default();
    for _ in 0..n {
        state.copy_from(initial.as_ref());
        loop {
            let action = match state.current_player() {
                Player::Terminal => break,
                Player::Chance => {
                    state.chance_outcomes(&mut outcomes);
                    let mut left = rng.unit();
                    let drawn = outcomes.iter().find(|(_, probability)| {
                        left -= probability;
                        left < 0.0
                    });
                    // Rounding may leave a rest above the last outcome.
                    drawn.or(outcomes.last()).expect("a chance state has outcomes").0
                }
                Player::Seat(_) => {
                    state.legal_actions(&mut legal);
                    // A knock in gin rummy can leave no legal discard.
                    let Some(&action) = legal.get(rng.below(legal.len())) else {
                        break;
                    };
                    tally.decisions += 1;
                    action
                }
            };
            state.apply(action);
            tally.actions += 1;
        }
        tally.games += 1;
        tally.return_sum += state.returns()[0];
    }
    tally
}

#[cfg(test)]
mod tests;
