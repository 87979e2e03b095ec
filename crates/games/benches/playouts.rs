//! Random games a second of every game, one thread: `cargo bench -p games`.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::time::Instant;

use games::rng::FastRng;
use games::{load_game, playouts};

/// OpenSpiel-Python's games a second on one core (traces/README.md).
const REFERENCE: [(&str, f64); 4] = [
    ("leduc_poker(players=2)", 103_007.0),
    ("liars_dice(numdice=5,players=2)", 50_878.0),
    ("gin_rummy(hand_size=7,knock_card=10)", 304.0),
    ("liars_dice(numdice=1,players=2)", 130_984.0),
];
const ROUNDS: usize = 5;

fn main() {
    for (spec, reference) in REFERENCE {
        let game = load_game(spec).expect("the table's games are known");
        let n = (reference * 3.0) as u64;
        let mut rng = FastRng::new(0);
        let mut rates: Vec<(f64, f64)> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                let tally = playouts(game.as_ref(), n, &mut rng);
                let seconds = start.elapsed().as_secs_f64();
                (tally.games as f64 / seconds, tally.actions as f64 / seconds)
            })
            .collect();
        rates.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (games, actions) = rates[ROUNDS / 2];
        println!(
            "{spec}: {games:.0} games/s, {actions:.0} actions/s, {:.1} x OpenSpiel-Python",
            games / reference
        );
    }
}
