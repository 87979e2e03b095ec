//! Playouts against OpenSpiel's own statistics of random games.

use super::playouts;
use crate::load_game;
use crate::rng::FastRng;

#[test]
fn random_games_have_the_length_and_value_of_openspiels() {
    // Decisions a game and their tolerance: traces/README.md, 10,000 games each.
    let table = [
        ("leduc_poker", 4.053, 0.05),
        ("liars_dice(numdice=5)", 4.756, 0.06),
        ("liars_dice(numdice=1)", 3.385, 0.05),
        ("gin_rummy(hand_size=7,knock_card=10)", 120.088, 2.5),
    ];
    for (spec, decisions, tolerance) in table {
        let tally = playouts(load_game(spec).unwrap().as_ref(), 10_000, &mut FastRng::new(1));
        let mean = tally.decisions as f64 / tally.games as f64;
        assert!((mean - decisions).abs() < tolerance, "{spec}: {mean} decisions a game");
        let value = tally.return_sum / tally.games as f64;
        assert!(value.abs() < 0.6, "{spec}: {value} to seat 0");
    }
}
